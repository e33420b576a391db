"""A user's documents → Corpus: JSONL, Parquet, or a hub data set at a commit."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.core.document import Corpus
from midspec.core.errors import RecipeError
from midspec.core.file import File
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.documents.read import read_documents
from midspec.library.doors import Source

UNUSABLE = ("refuse", "drop")


@dataclass(frozen=True, kw_only=True)
class CorpusFromFile(Recipe[Corpus]):
    """Documents from outside; ``{"text": …}`` suffices. Identity is the file's content, or the data set's commit.

    ``text`` names the field that holds the text. ``split`` and ``files`` choose among a data set's files.
    ``unusable`` says what happens to blank, repeated or broken texts: "refuse" stops and names the row, "drop" leaves
    them out, with their reasons in the artifact.
    """

    file: File | None = None
    hub: str | None = None
    revision: str | None = None
    split: str = "train"
    files: str | None = None
    text: str = "text"
    unusable: str = "refuse"

    def __post_init__(self) -> None:
        self.source()
        if self.unusable not in UNUSABLE:
            raise RecipeError(f"unusable={self.unusable!r} is not one of {', '.join(UNUSABLE)}")

    def source(self) -> Source:
        return Source(file=self.file, hub=self.hub, revision=self.revision, split=self.split, files=self.files)

    def forecast(self, look: Look) -> Forecast:
        return Forecast(tokens=self.source().tokens())

    def preview(self, look: Look) -> Preview[Corpus] | None:
        return Preview(self._read()) if self.source().small() else None

    def _read(self) -> Corpus:
        return read_documents(self.source().rows(), text=self.text, unusable=self.unusable)

    def build(self, job: Job) -> Corpus:
        corpus = self._read()
        job.note(documents=len(corpus.documents), words=sum(d.words for d in corpus.documents),
                 dropped=len(corpus.dropped))
        if corpus.dropped:
            job.warn(f"{len(corpus.dropped)} rows left out, the first: {corpus.dropped[0][1]}")
        return corpus
