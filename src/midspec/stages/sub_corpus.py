"""Corpus → Corpus: an even part of it with a wanted number of tokens, for dose curves. Nobody is asked again."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.core.document import Corpus
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.documents.parts import part, tokens_of


@dataclass(frozen=True, kw_only=True)
class SubCorpus(Recipe[Corpus]):
    """``tokens`` tokens of a corpus, to within half a document, in the corpus's own mix of subdomains and types.

    Parts of one corpus lie inside each other: the smaller is the beginning of the larger.
    """

    of: Recipe[Corpus]
    tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise RecipeError(f"SubCorpus: tokens={self.tokens} is nothing")

    @property
    def subject(self) -> str:
        return self.of.subject

    @property
    def speaks_as(self) -> str | None:
        return self.of.speaks_as

    def forecast(self, look: Look) -> Forecast:
        return Forecast(tokens=self.tokens, exact=look.ahead(self.of).exact)

    def preview(self, look: Look) -> Preview[Corpus] | None:
        seen = look.seen(self.of)
        if seen is None or seen.share < 1:
            return None
        return Preview(Corpus(tuple(part(seen.made.documents, self.tokens))))

    def build(self, job: Job) -> Corpus:
        documents = part(job.get(self.of).documents, self.tokens)
        job.note(documents=len(documents), words=sum(d.words for d in documents),
                 tokens_estimated=sum(map(tokens_of, documents)))
        return Corpus(tuple(documents))
