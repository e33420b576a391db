"""Texts → runs of words, near-duplicates, and places where one text meets another. Knows no model and no file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Lower-case words, marks dropped."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


def grams(found: Sequence[str], n: int) -> list[Gram]:
    """All runs of n of these words, in order."""
    return [tuple(found[i:i + n]) for i in range(len(found) - n + 1)]


class Seen:
    """Texts one after the other: which earlier one is a new one nearly the same as?

    Nearly the same: the Jaccard index of their sets of n-grams of words is at least ``jaccard``. A text of fewer than n
    words is one gram. Exact: every earlier text that could reach the index is compared in full.
    """

    def __init__(self, n: int, jaccard: float) -> None:
        self._n, self._jaccard = n, jaccard
        self._sizes: list[int] = []
        self._places: defaultdict[Gram, list[int]] = defaultdict(list)

    def like(self, text: str) -> int | None:
        """Place (from 0) of the first earlier text that is nearly the same, None where there is none."""
        own = self._grams(text)
        # Whoever reaches the index shares one of these: the grams of ours that are left when the fewest it must
        # share, less one, are taken away.
        rarest = sorted(own, key=lambda gram: len(self._places.get(gram, ())))
        first = rarest[:len(rarest) - max(1, ceil(self._jaccard * len(rarest))) + 1]
        candidates = {place for gram in first for place in self._places.get(gram, ())}
        if not candidates:
            return None
        shared = Counter(place for gram in own for place in self._places.get(gram, ()) if place in candidates)
        fitting = [place for place, together in shared.items()
                   if together >= self._jaccard * (len(own) + self._sizes[place] - together)]
        return min(fitting, default=None)

    def add(self, text: str) -> None:
        own = self._grams(text)
        for gram in own:
            self._places[gram].append(len(self._sizes))
        self._sizes.append(len(own))

    def _grams(self, text: str) -> frozenset[Gram]:
        found = words(text)
        return frozenset(grams(found, self._n) or [tuple(found)])


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
