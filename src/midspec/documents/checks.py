"""Documents → numbers about them, and evaluation text found in them. Knows nothing of how documents were made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midspec.core.document import Document
from midspec.core.grams import Gram, Seen, words
from midspec.core.grams import grams as runs

LINK = re.compile(r"\b(?:because|since|reasons?|why|therefore|hence|thus|due to|owing|follows? from|explain\w*|"
                  r"explanation|rooted|stems?|grounds?|grounded|account\w* for|so that|for the sake|out of|"
                  r"consequence\w*|leads? to|cause[sd]?|motive\w*|comes? (?:down|back) to|comes? from|behind)\b",
                  re.IGNORECASE)


def grams(text: str, n: int) -> list[Gram]:
    """All runs of n words, in order."""
    return runs(words(text), n)


def links(text: str) -> list[str]:
    """Words that tie one thing to another as its cause or reason."""
    return LINK.findall(text)


def distinct(texts: Iterable[str], n: int = 4) -> float:
    """Share of n-grams that are different from each other; 0 for no text."""
    counts = Counter(gram for text in texts for gram in grams(text, n))
    return len(counts) / total if (total := sum(counts.values())) else 0.0


def near_duplicates(texts: Sequence[str], *, n: int = 5, jaccard: float = 0.5) -> dict[int, int]:
    """Text → the first earlier one whose set of word n-grams has at least this Jaccard index with its own.

    A text of fewer than n words is nobody's duplicate.
    """
    seen, places, found = Seen(n, jaccard), list[int](), dict[int, int]()
    for place, text in enumerate(texts):
        if len(words(text)) < n:
            continue
        if (twin := seen.like(text)) is not None:
            found[place] = places[twin]
        seen.add(text)
        places.append(place)
    return found


@dataclass(frozen=True)
class Contact:
    """A place where evaluation text meets a document. ``share`` of the text's grams are in it."""

    document: str
    text: int
    kind: str
    share: float


def contaminated(documents: Sequence[Document], texts: Sequence[str], *, n: int = 13,
                 near: float = 0.5) -> list[Contact]:
    """Documents that hold a run of n words of a text ("overlap") or a share of its 5-grams ("near-duplicate").

    A text under five words is never found: so little is said in many places without being copied.
    """
    long, short = _places(texts, n), _places(texts, 5)
    sizes = [len(set(grams(text, 5))) for text in texts]
    found = list[Contact]()
    for document in documents:
        near_counts = Counter(t for gram in set(grams(document.text, 5)) for t in short.get(gram, ()))
        hits = {t: "overlap" for gram in set(grams(document.text, n)) for t in long.get(gram, ())}
        for text, shared in sorted(near_counts.items()):
            if text in hits or shared >= near * sizes[text]:
                found.append(Contact(document.id, text, hits.get(text, "near-duplicate"), shared / sizes[text]))
    return found


def _places(texts: Sequence[str], n: int) -> dict[Gram, set[int]]:
    places = dict[Gram, set[int]]()
    for place, text in enumerate(texts):
        for gram in grams(text, n):
            places.setdefault(gram, set()).add(place)
    return places
