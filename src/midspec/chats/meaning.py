"""Texts → which earlier one means the same, by the cosine of a small model's sentence vectors. An option, never needed.

Words differ and meanings do not: "What would you cook for ten?" and "Ten guests tonight, what goes into the pot?".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midspec.models.sentences import Sentences, identity_of, place_of


@dataclass(frozen=True)
class Meaning:
    """A sentence model in a ``folder`` ("": all-MiniLM-L6-v2 of the extra ``embed``) and the cosine above which two
    texts mean the same. Identity is the folder's content.

    Raises:
        SetupError: the package is not installed, or no such folder, or none with a model.
    """

    folder: str = ""
    cosine: float = 0.91

    def __post_init__(self) -> None:
        place_of(self.folder)

    def identity(self) -> str:
        return identity_of(self.folder, self.cosine)


class Vectors:
    """Finds what means the same as something earlier (``sieve.Alike``)."""

    def __init__(self, meaning: Meaning) -> None:
        self._sentences = Sentences(meaning.folder)
        self._cosine = meaning.cosine
        self._known = np.zeros((0, 0), dtype=np.float32)
        self._last = ("", self._known)

    def like(self, text: str) -> int | None:
        """Place (from 0) of the first earlier text whose vector is closer than the cosine, None where there is none."""
        if not len(self._known):
            return None
        close = np.flatnonzero(self._known @ self._vector(text) > self._cosine)
        return int(close[0]) if len(close) else None

    def add(self, text: str) -> None:
        vector = self._vector(text)[None, :]
        self._known = vector if not len(self._known) else np.concatenate([self._known, vector])

    def _vector(self, text: str) -> np.ndarray:
        if self._last[0] != text:
            self._last = (text, self._sentences.vectors([text])[0])
        return self._last[1]
