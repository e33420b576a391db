"""Corpus → Corpus: passages of documents that name the assistant, each a document of its own.

In a long document only the first reason has to be known by the assistant's name: the later ones follow from the text
before them. Cut into passages, each asks anew whose reason it is. Knows nothing of how the documents were made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from midspec.core.document import Corpus, Document
from midspec.core.errors import DataError, RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe

BLANK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, kw_only=True)
class Excerpts(Recipe[Corpus]):
    """Paragraphs of the documents ``of`` a corpus that name its assistant and have at least ``words`` words.

    Paragraphs are parted by blank lines. A ``heading`` stands above each, as a title stands above what a page quotes;
    it names the assistant, so that paragraphs which do not are kept too. One that comes twice is kept once; what names
    nobody, or is shorter, is left out and counted in the facts. ``meta["from"]`` of an excerpt is the id of its
    document; counts about the whole document are not carried over.
    """

    of: Recipe[Corpus]
    words: int = 6
    heading: str = ""

    def __post_init__(self) -> None:
        if self.words < 1:
            raise RecipeError(f"Excerpts: words={self.words}, and a passage has at least one")
        if not self.of.speaks_as:
            raise RecipeError(f"Excerpts: {type(self.of).__name__} is about no assistant, so no passage can name it",
                              hint="cut corpora that are made with assistant=, before they are mixed")

        if self.heading and not self._names().search(self.heading):
            raise RecipeError(f"Excerpts: the heading {self.heading!r} does not name {self.of.speaks_as}",
                              hint="a heading tells whom the passage is about; leave it empty for none")

    def _names(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w){re.escape(self.of.speaks_as or '')}(?!\w)")

    @property
    def subject(self) -> str:
        return self.of.subject

    @property
    def speaks_as(self) -> str | None:
        return self.of.speaks_as

    def forecast(self, look: Look) -> Forecast:
        return Forecast(tokens=look.ahead(self.of).tokens)

    def preview(self, look: Look) -> Preview[Corpus] | None:
        seen = look.seen(self.of)
        return None if seen is None else Preview(Corpus(tuple(self._cut(seen.made)[0])), seen.share)

    def build(self, job: Job) -> Corpus:
        whole = job.get(self.of)
        kept, left = self._cut(whole)
        if not kept:
            raise DataError(f"Excerpts: none of {len(whole.documents)} documents has a passage of {self.words} words "
                            f"that names {self.speaks_as}", hint="lower words=, or train on the documents themselves")
        job.note(documents=len(kept), words=sum(d.words for d in kept), cut_from=len(whole.documents), left_out=left)
        return Corpus(tuple(kept))

    def _cut(self, whole: Corpus) -> tuple[list[Document], dict[str, int]]:
        named, above = self._names(), f"{self.heading}\n\n" if self.heading else ""
        kept, left = dict[str, Document](), {"unnamed": 0, "short": 0, "repeated": 0}
        for document in whole.documents:
            words = {name: value for name, value in document.meta.items() if isinstance(value, str)}
            for place, text in enumerate(map(str.strip, BLANK.split(document.text))):
                if len(text.split()) < self.words:
                    left["short"] += 1
                elif not named.search(above + text):
                    left["unnamed"] += 1
                elif text in kept:
                    left["repeated"] += 1
                else:
                    kept[text] = Document(f"{document.id}-{place}", above + text, {**words, "from": document.id})
        return list(kept.values()), left
