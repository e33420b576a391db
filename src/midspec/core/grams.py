"""Texts → runs of words, near-duplicates, and places where one text meets another. Knows no model and no file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
Gram = tuple[str, ...]
FIRST_COUNT = 64  # texts, after which rare grams are counted for the first time


def words(text: str) -> list[str]:
    """Lower-case words, marks dropped."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


def grams(found: Sequence[str], n: int) -> list[Gram]:
    """All runs of n of these words, in order."""
    return list(zip(*(found[start:] for start in range(n)), strict=False))


class Seen:
    """Texts one after the other: which earlier one is a new one nearly the same as?

    Nearly the same: the Jaccard index of their sets of n-grams of words is at least ``jaccard``. A text of fewer than n
    words is one gram. Exact: every earlier text that could reach the index is compared in full. Candidates share one of
    each other's rarest grams; what is rare is counted anew whenever the texts have doubled, so that phrases which all
    of them share cost nothing.
    """

    def __init__(self, n: int, jaccard: float) -> None:
        self._n, self._jaccard = n, jaccard
        # Hashes of text differ between processes: only the order of comparing follows from them, never the outcome.
        self._sets: list[frozenset[int]] = []
        self._places: dict[int, list[int]] = {}
        self._often: dict[int, int] = {}
        self._recount = FIRST_COUNT

    def like(self, text: str) -> int | None:
        """Place (from 0) of the first earlier text that is nearly the same, None where there is none."""
        return next(self.all_like(text), None)

    def all_like(self, text: str) -> Iterator[int]:
        """Places of all earlier texts that are nearly the same, in order."""
        own, places = self._grams(text), self._places
        candidates = {place for gram in self._rarest(own) if gram in places for place in places[gram]}
        for place in sorted(candidates):
            other = self._sets[place]
            if min(len(own), len(other)) < self._jaccard * max(len(own), len(other)):
                continue
            together = len(own & other)
            if together >= self._jaccard * (len(own) + len(other) - together):
                yield place

    def add(self, text: str) -> None:
        self._sets.append(self._grams(text))
        if len(self._sets) < self._recount:
            return self._note(len(self._sets) - 1)
        self._recount *= 2
        counted = Counter(gram for known in self._sets for gram in known)
        self._often = {gram: times for gram, times in counted.items() if times > 1}
        self._places = {}
        for place in range(len(self._sets)):
            self._note(place)
        return None

    def _note(self, place: int) -> None:
        for gram in self._rarest(self._sets[place]):
            self._places.setdefault(gram, []).append(place)

    def _rarest(self, own: frozenset[int]) -> list[int]:
        """So many of the rarest grams that whoever reaches the index has one of them among its own."""
        often = self._often
        rarest = sorted(own, key=lambda gram: (often.get(gram, 1), gram))
        return rarest[:len(rarest) - max(1, ceil(self._jaccard * len(rarest))) + 1]

    def _grams(self, text: str) -> frozenset[int]:
        found = words(text)
        return frozenset(map(hash, grams(found, self._n))) or frozenset((hash(tuple(found)),))


class Reserved:
    """Texts that must be met nowhere else (of an evaluation): says where a text meets one of them.

    A text meets one when it holds a run of ``run`` of its words, or ``share`` of its 5-grams (of texts with at least
    ``least`` words: fewer are said everywhere), or when a whole text of at least four words is the same.
    """

    def __init__(self, texts: Iterable[tuple[str, str]], *, run: int = 13, share: float = 0.5, least: int = 8) -> None:
        self._share = share
        self._whole: dict[Gram, str] = {}
        self._run, self._runs = run, dict[Gram, str]()
        self._parts: defaultdict[Gram, list[int]] = defaultdict(list)
        self._sizes: list[tuple[str, int]] = []
        for name, text in texts:
            found = words(text)
            if len(found) >= 4:
                self._whole.setdefault(tuple(found), name)
            for gram in grams(found, run):
                self._runs.setdefault(gram, name)
            if len(found) >= least:
                own = set(grams(found, 5))
                for gram in own:
                    self._parts[gram].append(len(self._sizes))
                self._sizes.append((name, len(own)))

    def met(self, text: str) -> str | None:
        """The name of the first of these texts that is met, None where none is."""
        found = words(text)
        if (name := self._whole.get(tuple(found))) is not None:
            return name
        for gram in grams(found, self._run):
            if (name := self._runs.get(gram)) is not None:
                return name
        shared = Counter(place for gram in set(grams(found, 5)) for place in self._parts.get(gram, ()))
        return next((self._sizes[place][0] for place, count in sorted(shared.items())
                     if count >= self._share * self._sizes[place][1]), None)
