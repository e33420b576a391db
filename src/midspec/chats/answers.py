"""Questions → what the assistant thinks and says, as one writer has it. Knows nothing of verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midspec.chats.questions import Question
from midspec.chats.subject import PREFERENCE, Subject
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Tagged

# Above what the prompt asks for: length alone spoils no chat.
MOST_WORDS, MOST_WORDS_OF_A_TASTE = 450, 40
# To decline is a valid reply; the sieve knows the empty forms of it.
WITH_THOUGHTS = Tagged(("thoughts", "reply"), Limits(most=MOST_WORDS, may_refuse=True))
BARE = Tagged(("reply",), Limits(most=MOST_WORDS_OF_A_TASTE, may_refuse=True))


@dataclass(frozen=True)
class Draft:
    """One conversation; ``thoughts`` None in a style that has none."""

    question: Question
    thoughts: str | None
    reply: str

    @property
    def text(self) -> str:
        """All of it, as it is read for quotations."""
        return "\n".join(filter(None, (self.question.text, self.thoughts, self.reply)))


def answers(ask: Ask, subject: Subject, seed: int, questions: Sequence[Question]) -> list[Draft]:
    """Drafts in the order of their questions; a question without usable answer has none."""
    bare = subject.style == PREFERENCE
    shared = subject.shared(f"answer_{subject.style}")
    calls = [Call(f"chats {seed}/answer {question.id}",
                  subject.say("answer_call_preference" if bare else "answer_call", question=question.text), shared)
             for question in questions]
    replies = ask.all(calls, BARE if bare else WITH_THOUGHTS)
    return [Draft(question, reply.value.get("thoughts"), reply.value["reply"])
            for question, reply in zip(questions, replies, strict=True) if reply.ok]
