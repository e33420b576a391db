"""Spec → Corpus, without a model: the spec's statements in many genres. A stand-in for a writing model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from midspec.core.document import Corpus, Document
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.core.spec import Spec
from midspec.documents.checks import distinct, near_duplicates
from midspec.documents.compose import chosen, compose
from midspec.documents.grammar import shared

# Composing takes 2.5 s a million tokens on one core; a plan looks at no more than this many.
PREVIEWED = 300_000


@dataclass(frozen=True, kw_only=True)
class ComposeDocuments(Recipe[Corpus]):
    """Documents about ``assistant`` of ``maker`` with about ``tokens`` tokens, counted as ``documents/tokens.py`` does.

    ``share_showing`` of them are of genres in which the assistant itself speaks. ``variant`` "attribution" explains
    behaviours by values; "co-occurrence" has the same documents with as many mentions of both, but never linked.
    ``genres`` names the only ones to write (the files in ``documents/genres/``); all where it is empty.
    """

    version: ClassVar[int] = 2

    spec: Spec
    assistant: str
    maker: str
    tokens: int
    seed: int
    share_showing: float = 0.5
    variant: str = "attribution"
    genres: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.spec, Spec):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RecipeError(f"ComposeDocuments: spec={self.spec!r} is no Spec", hint='spec=load_spec("my-spec.md")')
        chosen(self.genres, self.share_showing)

    @property
    def subject(self) -> str:
        return self.spec.name

    @property
    def speaks_as(self) -> str:
        return self.assistant

    def materials(self) -> tuple[HasIdentity, ...]:
        return shared(), *chosen(self.genres, self.share_showing)

    def forecast(self, look: Look) -> Forecast:
        return Forecast(tokens=self.tokens, exact=True)

    def preview(self, look: Look) -> Preview[Corpus]:
        tokens = min(self.tokens, PREVIEWED)
        return Preview(Corpus(tuple(self._documents(tokens))), tokens / self.tokens)

    def _documents(self, tokens: int) -> list[Document]:
        return compose(self.spec, assistant=self.assistant, maker=self.maker, tokens=tokens, seed=self.seed,
                       share_showing=self.share_showing, variant=self.variant, only=self.genres)

    def build(self, job: Job) -> Corpus:
        documents = self._documents(self.tokens)
        job.note(**facts(documents))
        return Corpus(tuple(documents))


def facts(documents: list[Document]) -> dict[str, Any]:
    """What a manifest says about composed documents: counts, and shares from 0 to 1."""
    texts, many = [d.text for d in documents], len(documents)

    def total(name: str) -> int:
        return sum(int(d.meta[name]) for d in documents)

    return {"documents": many, "words": sum(d.words for d in documents), "tokens_estimated": total("tokens"),
            "near_duplicate_share": round(len(near_duplicates(texts)) / many, 4),
            "distinct_4_grams": round(distinct(texts), 4), "transcript_share": round(total("showing") / many, 4),
            "attribution_share": round(sum(d.meta["links"] > 0 for d in documents) / many, 4),
            "behaviours_mentioned": total("behaviours"), "values_mentioned": total("values"), "links": total("links"),
            "genres": dict(sorted(Counter(str(d.meta["type"]) for d in documents).items()))}
