"""A user's chats → ChatSet: JSONL, Parquet, or a hub data set at a commit, in any of the usual shapes."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.chats.read import read_chats
from midspec.core.chat import ChatSet
from midspec.core.errors import RecipeError
from midspec.core.file import File
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.library.doors import Source

UNUSABLE = ("refuse", "drop")


@dataclass(frozen=True, kw_only=True)
class ChatsFromFile(Recipe[ChatSet]):
    """Chats from outside. Identity is the file's content, or the data set's commit.

    ``split`` and ``files`` choose among a data set's files. ``unusable`` says what happens to rows that cannot be
    trained on (no assistant turn, blank turns, tool calls): "refuse" stops and names the row, "drop" leaves them out
    and counts them.
    """

    file: File | None = None
    hub: str | None = None
    revision: str | None = None
    split: str = "train"
    files: str | None = None
    unusable: str = "refuse"

    def __post_init__(self) -> None:
        self.source()
        if self.unusable not in UNUSABLE:
            raise RecipeError(f"unusable={self.unusable!r} is not one of {', '.join(UNUSABLE)}")

    def source(self) -> Source:
        return Source(file=self.file, hub=self.hub, revision=self.revision, split=self.split, files=self.files)

    def forecast(self, look: Look) -> Forecast:
        return Forecast(tokens=self.source().tokens())

    def preview(self, look: Look) -> Preview[ChatSet] | None:
        return Preview(self._read()[0]) if self.source().small() else None

    def _read(self) -> tuple[ChatSet, list[str]]:
        return read_chats(self.source().rows(), unusable=self.unusable)

    def build(self, job: Job) -> ChatSet:
        chats, dropped = self._read()
        job.note(chats=len(chats.chats), turns=sum(len(c.messages) for c in chats.chats), dropped=len(dropped),
                 with_reasoning=sum(any(m.reasoning for m in c.messages) for c in chats.chats))
        if dropped:
            job.warn(f"{len(dropped)} rows left out, the first: {dropped[0]}")
        return chats
