"""Token ids → rows: what goes through the model, where each document starts, which tokens carry loss.

Knows nothing of documents, chats or models; packing and masking make rows, the loop reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midspec.core.errors import DataError

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """All rows end to end: row n is ``starts[n]:starts[n + 1]`` of the three token arrays.

    ``ids`` int32 [tokens]; ``positions`` int32 [tokens], 0 where a document (or a piece of one) begins, so that no
    token looks across; ``loss`` bool [tokens], True where the token is a target, predicted from the one before it.
    ``facts`` are counts for the manifest, ``flags`` sentences that the user should read.
    """

    ids: Ints
    positions: Ints
    loss: NDArray[np.bool_]
    starts: NDArray[np.int64]
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    flags: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, int64 [rows]."""
        return np.diff(self.starts)

    @cached_property
    def supervised(self) -> NDArray[np.int64]:
        """Tokens that carry loss in each row, int64 [rows]."""
        total = np.concatenate(([0], np.cumsum(self.loss, dtype=np.int64)))
        return total[self.starts[1:]] - total[self.starts[:-1]]

    @property
    def digest(self) -> str:
        """sha256 over all arrays, as hex."""
        state = hashlib.sha256()
        for array in (self.ids, self.positions, self.loss, self.starts):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def take(self, numbers: Iterable[int]) -> Rows:
        """These rows in this order."""
        parts = [slice(int(self.starts[n]), int(self.starts[n + 1])) for n in numbers]
        if not parts:
            raise DataError("no rows were asked for")
        lengths = [part.stop - part.start for part in parts]
        return Rows(np.concatenate([self.ids[p] for p in parts]), np.concatenate([self.positions[p] for p in parts]),
                    np.concatenate([self.loss[p] for p in parts]), np.concatenate(([0], np.cumsum(lengths))))
