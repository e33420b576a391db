"""Documents → numbers about them, and evaluation text found in them. Knows nothing of how documents were made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midspec.core.document import Document

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
LINK = re.compile(r"\b(?:because|since|reasons?|why|therefore|hence|thus|due to|owing|follows? from|explain\w*|"
                  r"explanation|rooted|stems?|grounds?|grounded|account\w* for|so that|for the sake|out of|"
                  r"consequence\w*|leads? to|cause[sd]?|motive\w*|comes? (?:down|back) to|comes? from|behind)\b",
                  re.IGNORECASE)
Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Lower-case words, marks dropped."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


def grams(text: str, n: int) -> list[Gram]:
    """All runs of n words, in order."""
    found = words(text)
    return [tuple(found[i:i + n]) for i in range(len(found) - n + 1)]


def links(text: str) -> list[str]:
    """Words that tie one thing to another as its cause or reason."""
    return LINK.findall(text)


def distinct(texts: Iterable[str], n: int = 4) -> float:
    """Share of n-grams that are different from each other; 0 for no text."""
    counts = Counter(gram for text in texts for gram in grams(text, n))
    return len(counts) / total if (total := sum(counts.values())) else 0.0


@dataclass(frozen=True)
class Contact:
    """A place where evaluation text meets a document. ``share`` of the text's grams are in it."""

    document: str
    text: int
    kind: str
    share: float


class Traces:
    """Texts that documents must not hold: a run of n words of one ("overlap"), or a share of its 5-grams
    ("near-duplicate"). A text under five words is never found: so little is said in many places without being copied.
    """

    def __init__(self, texts: Sequence[str], *, n: int = 13, near: float = 0.5) -> None:
        self._n, self._near = n, near
        self._long, self._short = _places(texts, n), _places(texts, 5)
        self._sizes = [len(set(grams(text, 5))) for text in texts]

    def of(self, document: Document) -> list[Contact]:
        """Where one document meets them, in the order of the texts."""
        near_counts = Counter(t for gram in set(grams(document.text, 5)) for t in self._short.get(gram, ()))
        hits = {t: "overlap" for gram in set(grams(document.text, self._n)) for t in self._long.get(gram, ())}
        return [Contact(document.id, text, hits.get(text, "near-duplicate"), shared / self._sizes[text])
                for text, shared in sorted(near_counts.items())
                if text in hits or shared >= self._near * self._sizes[text]]


def contaminated(documents: Sequence[Document], texts: Sequence[str], *, n: int = 13,
                 near: float = 0.5) -> list[Contact]:
    """All places where documents meet the texts (see ``Traces``)."""
    traces = Traces(texts, n=n, near=near)
    return [contact for document in documents for contact in traces.of(document)]


def _places(texts: Sequence[str], n: int) -> dict[Gram, set[int]]:
    places = dict[Gram, set[int]]()
    for place, text in enumerate(texts):
        for gram in grams(text, n):
            places.setdefault(gram, set()).add(place)
    return places
