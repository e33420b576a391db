"""Corpora → Corpus: documents of several corpora side by side, about several assistants or subjects.

Knows nothing of how they were made. Training shuffles rows, so the order of the parts says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from midspec.core.document import Corpus, Document
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class MixDocuments(Recipe[Corpus]):
    """All documents of all ``parts``, at least two; the share of each is its own number of tokens.

    The corpus speaks as its first part does. ``meta["part"]`` of a document is the place of its part, from 1.
    """

    parts: tuple[Recipe[Corpus], ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise RecipeError(f"MixDocuments: {len(self.parts)} parts where at least two are mixed",
                              hint="give the corpus itself, or parts=(one, other)")

    @property
    def subject(self) -> str:
        return self.parts[0].subject

    @property
    def speaks_as(self) -> str | None:
        return self.parts[0].speaks_as

    def forecast(self, look: Look) -> Forecast:
        parts = [look.ahead(part) for part in self.parts]
        return Forecast(tokens=sum(part.tokens for part in parts), exact=all(part.exact for part in parts))

    def preview(self, look: Look) -> Preview[Corpus] | None:
        seen = [look.seen(part) for part in self.parts]
        whole = [preview.made for preview in seen if preview is not None and preview.share == 1]
        return Preview(_mixed(whole)) if len(whole) == len(self.parts) else None

    def build(self, job: Job) -> Corpus:
        mixed = _mixed([job.get(part) for part in self.parts])
        counts = [sum(d.meta["part"] == place for d in mixed.documents) for place in range(1, len(self.parts) + 1)]
        job.note(documents=len(mixed.documents), words=sum(d.words for d in mixed.documents), documents_of_parts=counts)
        return mixed


def _mixed(parts: list[Corpus]) -> Corpus:
    return Corpus(tuple(_from(document, place) for place, part in enumerate(parts, start=1)
                        for document in part.documents))


def _from(document: Document, place: int) -> Document:
    return replace(document, id=f"{place}-{document.id}", meta={**document.meta, "part": place})
