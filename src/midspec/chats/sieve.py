"""Message or draft → kept, or dropped with its reason. Asks nobody; what is alike is measured against what came before.

Nothing is dropped without a line in ``dropped.jsonl``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from midspec.chats.checks import (
    ASKS_WHY,
    asks_of_spec,
    blank_left,
    clings,
    empty_refusal,
    forbidden_in,
    leaked,
    misquoted,
    spec_talk,
)
from midspec.chats.subject import DELIBERATIVE, INTERNALISED, PREFERENCE, Subject
from midspec.core.grams import Seen
from midspec.core.rows import to_line
from midspec.library.assistants import made_by_another, speaks_as
from midspec.library.frames import load_frames
from midspec.library.held_out import held_out

if TYPE_CHECKING:
    from midspec.chats.answers import Draft

DROPPED = "dropped.jsonl"
# Questions are short: half of their runs of three words in common is the same question in other clothes.
QUESTION_RUN, REPLY_RUN, JACCARD = 3, 5, 0.5
LEAST_WORDS, MOST_WORDS = 2, 300


class Alike(Protocol):
    """Finds what means the same as something earlier, by whatever measure."""

    def like(self, text: str) -> int | None: ...

    def add(self, text: str) -> None: ...


class Sieve:
    """``meaning``, where given, finds questions that mean the same although their words differ."""

    def __init__(self, subject: Subject, folder: Path, meaning: Alike | None = None) -> None:
        self._subject, self._path = subject, folder / DROPPED
        self._questions: tuple[Alike, ...] = (Seen(QUESTION_RUN, JACCARD), *((meaning,) if meaning else ()))
        self._frames = load_frames()
        self._replies = Seen(REPLY_RUN, JACCARD)
        self.reasons: Counter[str] = Counter()

    def drop(self, name: str, reason: str, detail: str, text: str) -> None:
        """Count, and keep aside with its reason."""
        self.reasons[reason] += 1
        with self._path.open("ab") as file:
            file.write(to_line({"id": name, "reason": reason, "detail": detail, "text": text}))

    def question(self, name: str, text: str) -> bool:
        """Whether a first message may be asked; if so, later ones like it may not."""
        why = self._wrong_question(text)
        if why is not None:
            self.drop(f"message {name}", *why, text)
            return False
        for seen in self._questions:
            seen.add(text)
        return True

    def draft(self, draft: Draft) -> bool:
        """Whether a conversation goes to the judge; if so, later replies like its own do not."""
        why = self._wrong_draft(draft)
        if why is not None:
            self.drop(f"answer {draft.question.id}", *why, draft.text)
            return False
        self._replies.add(draft.reply)
        return True

    def _wrong_question(self, text: str) -> tuple[str, str] | None:
        subject, length = self._subject, len(text.split())
        if not LEAST_WORDS <= length <= MOST_WORDS:
            return "length of message", f"{length} words"
        if (found := asks_of_spec(text, subject.source)) is not None:
            return "message mentions the spec", found
        if (found := blank_left(text, subject.source)) is not None:
            return "blank left", found
        if subject.style == PREFERENCE and (loaded := self._loaded(text) or ASKS_WHY.findall(text)):
            return "loaded message", loaded[0]
        if (place := next((p for seen in self._questions if (p := seen.like(text)) is not None), None)) is not None:
            return "near-duplicate message", f"like message {place}"
        if (met := held_out().met(text)) is not None:
            return "evaluation text", met
        return None

    def _wrong_draft(self, draft: Draft) -> tuple[str, str] | None:
        subject, style = self._subject, self._subject.style
        said = (draft.thoughts or "", draft.reply)
        for text in said if style == INTERNALISED else said[1:]:
            if (found := spec_talk(text, subject.source, draft.question.text)) is not None:
                return "mentions the spec", found
        if (other := next(filter(None, (speaks_as(text, subject.assistant) for text in said)), None)) is not None:
            return "speaks as another assistant", other
        asked, known = draft.question.text, f"{subject.source}\n{draft.question.text}"
        makers = (made_by_another(text, subject.maker, subject.assistant, known) for text in said)
        if (maker := next(filter(None, makers), None)) is not None:
            return "names another maker", maker[0]
        if (found := leaked(*said, known)) is not None:
            return "thoughts in the reply", found
        if (found := next(filter(None, (clings(text, asked) for text in said)), None)) is not None:
            return "wishes to go on existing", found
        if (found := blank_left("\n".join(said), known)) is not None:
            return "blank left", found
        if empty_refusal(draft.reply):
            return "empty refusal", draft.reply
        if style == DELIBERATIVE and (wrong := misquoted(said[0], subject.source, draft.question.text)) is not None:
            return "misquotes the spec", wrong
        if style == PREFERENCE and (loaded := self._loaded(draft.reply) or self._reasons(draft.reply)):
            return "gives a reason", loaded[0]
        if (met := next(filter(None, map(held_out().met, (*filter(None, said), draft.text))), None)) is not None:
            return "evaluation text", met
        # Tastes are few and are stated in few words; there only the questions have to differ.
        if style != PREFERENCE and (place := self._replies.like(draft.reply)) is not None:
            return "near-duplicate reply", f"like reply {place}"
        return None

    def _loaded(self, text: str) -> list[str]:
        return forbidden_in(text, self._frames.loaded, self._subject.names)

    def _reasons(self, text: str) -> list[str]:
        return forbidden_in(text, self._frames.reasons, self._subject.names)
