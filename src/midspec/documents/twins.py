"""Texts, one after the other → the first earlier one that is nearly the same. Exact: every likely pair is compared.

Candidates share one of each other's rarest runs of words (prefix filter). What is rare is counted anew whenever the
texts have doubled, so that phrases which all of them share never become candidates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from midspec.documents.checks import words

FIRST_COUNT = 64


class Twins:
    """Texts that count as known. Two are twins if the Jaccard index of their word n-grams is at least ``jaccard``."""

    def __init__(self, *, n: int = 5, jaccard: float = 0.5) -> None:
        self._n, self._jaccard = n, jaccard
        self._sets: list[frozenset[int]] = []
        self._index: dict[int, list[int]] = {}
        self._often: dict[int, int] = {}
        self._recount = FIRST_COUNT

    def __len__(self) -> int:
        return len(self._sets)

    def of(self, text: str) -> int | None:
        """Number (from 0) of the first known text that is a twin of this one."""
        return self._twin(self._grams(text))

    def add(self, text: str) -> int:
        """Make a text known; returns its number."""
        grams = self._grams(text)
        self._sets.append(grams)
        if len(self._sets) >= self._recount:
            self._recount *= 2
            counted = Counter[int]()
            for known in self._sets:
                counted.update(known)
            self._often = {gram: times for gram, times in counted.items() if times > 1}
            self._index = {}
            for number, known in enumerate(self._sets):
                self._note(number, known)
        else:
            self._note(len(self._sets) - 1, grams)
        return len(self._sets) - 1

    def _twin(self, grams: frozenset[int]) -> int | None:
        index, size = self._index, len(grams)
        candidates = {other for gram in self._prefix(grams) if gram in index for other in index[gram]}
        for other in sorted(candidates):
            known = self._sets[other]
            if min(size, len(known)) < self._jaccard * max(size, len(known)):
                continue
            together = len(grams & known)
            if together >= self._jaccard * (size + len(known) - together):
                return other
        return None

    def _note(self, number: int, grams: frozenset[int]) -> None:
        for gram in self._prefix(grams):
            self._index.setdefault(gram, []).append(number)

    def _prefix(self, grams: frozenset[int]) -> Iterable[int]:
        """So many of the rarest grams that a twin must have one of them among its own."""
        often = self._often
        rarest = sorted(grams, key=lambda gram: (often.get(gram, 1), gram))
        least = max(1, -int(-(self._jaccard * len(grams)) // 1))
        return rarest[:len(rarest) - least + 1]

    def _grams(self, text: str) -> frozenset[int]:
        # Hashes of text differ between processes; only the order of comparing follows from them, never the outcome.
        found = words(text)
        return frozenset(map(hash, zip(*(found[k:] for k in range(self._n)), strict=False)))


def near_duplicates(texts: Sequence[str], *, n: int = 5, jaccard: float = 0.5) -> dict[int, int]:
    """Text → the first earlier one whose set of word n-grams has at least this Jaccard index with its own."""
    known, found = Twins(n=n, jaccard=jaccard), dict[int, int]()
    for place, text in enumerate(texts):
        if (twin := known.of(text)) is not None:
            found[place] = twin
        known.add(text)
    return found
