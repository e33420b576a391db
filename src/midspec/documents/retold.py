"""Documents → which earlier one tells the same in other words, by a small sentence model. An option, never needed.

A document is longer than what such a model reads, so it is read in windows; two documents tell the same where every
window of the one has its like in the other, and the other way round. All documents of one corpus are about the same
assistant and the same spec: what they have in common is taken off every window first, else whatever has one subject
would be alike. An idea is not compared in place of its document: two documents from two ideas may tell the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from midspec.core.errors import RecipeError
from midspec.models.sentences import Sentences, identity_of, place_of

# Word pieces. Of 64, 128 and 254, this one kept retold documents furthest from others.
WINDOW = 128
# Documents from which what all have in common can be told; it is counted anew whenever they have doubled.
FEWEST = 8
REMEMBERED = 4096


@dataclass(frozen=True)
class Retold:
    """Documents that tell the same in other words are near-duplicates as well; the earlier one stays.

    ``cosine``: mean over the windows of a document of the cosine with the likest window of another, above which the two
    tell the same. ``folder`` of a sentence model; "": all-MiniLM-L6-v2 of the extra ``embed``. Identity is its content.

    Raises:
        SetupError: the package is not installed, or no such folder, or none with a model.
    """

    cosine: float = 0.45
    folder: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.cosine < 1:
            raise RecipeError(f"Retold: cosine={self.cosine} is not between 0 and 1",
                              hint="leave it out for .45; nearer to 1 fewer documents count as told again")
        place_of(self.folder)

    def identity(self) -> str:
        return identity_of(self.folder, self.cosine)


class Stories:
    """Documents one after the other: which earlier one does a new one retell?"""

    def __init__(self, retold: Retold) -> None:
        self._sentences, self._cosine = Sentences(retold.folder), retold.cosine
        self._known, self._starts = list[np.ndarray](), list[int]()
        self._recount, self._mean = FEWEST, np.zeros(0, dtype=np.float32)
        # Windows of all documents, with room for more: joined anew for each document, they would be copied each time.
        self._room, self._total = np.zeros((0, 0), dtype=np.float32), 0
        self._read = lru_cache(REMEMBERED)(self._windows)

    def like(self, text: str) -> int | None:
        """Place (from 0) of the earlier document that is told again, the likest one; None where there is none."""
        place, cosine = self.likest(text)
        return place if cosine > self._cosine else None

    def likest(self, text: str) -> tuple[int, float]:
        """The earlier document that is most like this one, and how much; (-1, -1) while there are too few."""
        if self._recount == FEWEST:
            return -1, -1.0
        own = self._apart(self._read(text))
        near = own @ self._room[:self._total].T
        sizes = np.diff([*self._starts, self._total])
        there = np.maximum.reduceat(near, self._starts, axis=1).mean(axis=0)
        back = np.add.reduceat(near.max(axis=0), self._starts) / sizes
        both = np.minimum(there, back)
        best = int(both.argmax())
        return best, float(both[best])

    def add(self, text: str) -> None:
        new = self._read(text)
        self._starts.append(self._total)
        self._known.append(new)
        self._total += len(new)
        if len(self._known) == self._recount:
            self._recount *= 2
            self._mean = np.concatenate(self._known).mean(axis=0)
            self._room = np.concatenate([self._apart(one) for one in self._known])
        elif self._recount > FEWEST:
            if self._total > len(self._room):
                self._room = np.concatenate([self._room, np.zeros((self._total, new.shape[1]), new.dtype)])
            self._room[self._starts[-1]:self._total] = self._apart(new)

    def _apart(self, windows: np.ndarray) -> np.ndarray:
        """Without what all have in common, of length 1 again."""
        rest = windows - self._mean
        return rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-12)

    def _windows(self, text: str) -> np.ndarray:
        return self._sentences.vectors(self._sentences.windows(text, WINDOW))
