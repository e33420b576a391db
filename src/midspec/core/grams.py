"""Texts → runs of words, near-duplicates, and places where one text meets another. Knows no model and no file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import islice
from math import ceil

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Lower-case words, marks dropped."""
    return WORD.findall(text.lower().replace("’", "'"))


def grams(found: Sequence[str], n: int) -> list[Gram]:
    """All runs of n of these words, in order."""
    return list(zip(*(found[start:] for start in range(n)), strict=False))


class Seen:
    """Texts one after the other: which earlier one is a new one nearly the same as?

    Nearly the same: the Jaccard index of their sets of n-grams of words is at least ``jaccard``. A text of fewer than n
    words is one gram. Exact: every earlier text that could reach the index is compared in full. Of each text only some
    grams are noted, those that nobody has yet before all others, so that phrases which all share cost nothing; a new
    text must share so many of the noted ones that those which are not noted could do the rest.
    """

    def __init__(self, n: int, jaccard: float) -> None:
        self._n, self._jaccard = n, jaccard
        # Hashes of text differ between processes: only which grams are noted follows from them, never the outcome.
        self._sets: list[frozenset[int]] = []
        self._unnoted: list[int] = []
        # Most grams stand in one text; a list for each would be most of the memory.
        self._first: dict[int, int] = {}
        self._more: dict[int, list[int]] = {}
        self._last: tuple[str | None, frozenset[int]] = (None, frozenset())

    def like(self, text: str) -> int | None:
        """Place (from 0) of the first earlier text that is nearly the same, None where there is none."""
        return next(self.all_like(text), None)

    def all_like(self, text: str) -> Iterator[int]:
        """Places of all earlier texts that are nearly the same, in order."""
        own, first, more, jaccard = self._grams(text), self._first, self._more, self._jaccard
        shared = Counter([first[gram] for gram in own if gram in first])
        for gram in more.keys() & own:
            shared.update(more[gram])
        for place, noted in sorted(shared.items()):
            other = self._sets[place]
            both = len(own) + len(other)
            # What is common to both is noted, or among those that are not; and no more of these than there are.
            if noted + self._unnoted[place] < jaccard / (1 + jaccard) * both - 1e-9:
                continue
            together = len(own & other)
            if together >= jaccard * (both - together):
                yield place

    def add(self, text: str) -> None:
        """Note so many of its grams that whoever reaches the index has some of them, and how many can be said."""
        own, place, first, more = self._grams(text), len(self._sets), self._first, self._more
        self._sets.append(own)
        unnoted = max(1, ceil(self._jaccard * len(own))) - 1
        self._unnoted.append(unnoted)
        enough = len(own) - unnoted
        new = own.difference(first)
        rest = own.difference(new) if len(new) < enough else frozenset[int]()
        first.update(dict.fromkeys(islice(new, enough), place))
        for gram in nsmallest(enough - len(new), rest, key=lambda gram: len(more.get(gram, ()))):
            more.setdefault(gram, []).append(place)

    def _grams(self, text: str) -> frozenset[int]:
        """Of the last text they are known: whoever asks for what is like it adds it next."""
        if self._last[0] != text:
            found = words(text)
            self._last = text, (frozenset(map(hash, zip(*(found[start:] for start in range(self._n)), strict=False)))
                                or frozenset((hash(tuple(found)),)))
        return self._last[1]


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
