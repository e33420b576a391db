"""Spec, parts of answers, written chats → ChatSet: answers by a spec, with or without reasoning, without a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from midspec.chats.by_spec import REASONINGS, Spoken, cite, compose_answers, reasoned
from midspec.chats.compose import answer_tokens, named
from midspec.core.chat import Chat, ChatSet
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.spec import Spec
from midspec.documents.topics import topics
from midspec.documents.voice import FIRST, spoken
from midspec.library.answers import AnswerParts


@dataclass(frozen=True, kw_only=True)
class ComposeAnswers(Recipe[ChatSet]):
    """``written`` chats, then ``count`` composed ones; with equal fields but ``reasoning``, the same chats.

    ``reasoning``: "none", "internalised" (the assistant thinks in its own voice, as after midtraining on the spec) or
    "deliberative" (it quotes the spec and applies it, arXiv 2412.16339).
    """

    spec: Spec
    parts: AnswerParts
    written: ChatSet
    count: int
    reasoning: str
    assistant: str
    maker: str
    seed: int

    def __post_init__(self) -> None:
        if self.reasoning not in REASONINGS:
            raise RecipeError(f"reasoning={self.reasoning!r} is not one of {', '.join(REASONINGS)}")
        if self.count < 0 or not self.assistant.strip() or not self.maker.strip():
            raise RecipeError("ComposeAnswers: count must not be negative, and assistant and maker must be named")

    @property
    def speaks_as(self) -> str:
        return self.assistant

    @property
    def subject(self) -> str:
        return f"{self.spec.name} {self.reasoning}"

    def preview(self, look: Look) -> Preview[ChatSet]:
        return Preview(ChatSet(tuple(self._chats())))

    def forecast(self, look: Look) -> Forecast:
        # Measured: 17 tokens of question and 85 of answer, 50 more of reasoning.
        each = 102 + (0 if self.reasoning == "none" else 50)
        return Forecast(tokens=(len(self.written.chats) + self.count) * each)

    def build(self, job: Job) -> ChatSet:
        chats = self._chats()
        written = len(self.written.chats)
        job.note(chats=len(chats), written=written, composed=len(chats) - written, reasoning=self.reasoning,
                 by_kind=dict(sorted(Counter(str(chat.meta["kind"]) for chat in chats).items())),
                 by_section=dict(sorted(Counter(str(chat.meta["section"]) for chat in chats).items())),
                 answer_tokens=sum(map(answer_tokens, chats)),
                 distinct_share=len({chat.messages[0].content for chat in chats}) / len(chats) if chats else None)
        return ChatSet(tuple(chats))

    def _chats(self) -> list[Chat]:
        said = {topic.title: [Spoken(spoken(s.behaviour, FIRST), spoken(s.reason, FIRST), s.behaviour)
                              for s in topic.statements if s.reason] for topic in topics(self.spec)}
        written = [replace(chat, meta={"source": "written", **chat.meta})
                   for chat in cite(self.written.chats, self.parts, said, self.seed)]
        composed = [replace(chat, meta={"source": "composed", **chat.meta})
                    for chat in compose_answers(self.parts, said, self.count, self.seed)]
        return named(reasoned([*written, *composed], self.reasoning), self.assistant, self.maker)
