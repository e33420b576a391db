"""Two graders on the same transcripts → how far they agree beyond chance, with 95 % intervals. Knows no graders.

Kappa (Cohen 1960) takes each grader's own rate of yes as chance and breaks down where nearly all are alike; AC1 (Gwet
2008) does not. Both intervals are quantiles over tables that fit the counts (a Dirichlet distribution with half a count
added to each cell, Jeffreys's rule), so that perfect agreement of a few still shows a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from midspec.core.errors import DataError
from midspec.report.estimates import LEVEL, Floats

DRAWS = 20_000
TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Of ``both`` transcripts that both scored, ``same`` got one verdict. Each of ``kappa`` and ``ac1`` is (value, low,
    high); the value is None where chance alone would agree always.
    """

    both: int
    same: int
    kappa: tuple[float | None, float, float]
    ac1: tuple[float | None, float, float]


def agreement(counts: Sequence[int]) -> Agreement:
    """From [both yes, only the first, only the second, both no].

    Raises:
        DataError: not four counts, or none at all.
    """
    if len(counts) != 4 or min(counts) < 0 or not sum(counts):
        raise DataError(f"agreement: four counts are needed, not {list(counts)}",
                        hint="both yes, only the first, only the second, both no")
    cells = np.array([counts], dtype=np.float64)
    drawn = _drawn(tuple(counts))
    return Agreement(both=sum(counts), same=counts[0] + counts[3], kappa=_with_limits(kappa, cells, drawn),
                     ac1=_with_limits(ac1, cells, drawn))


def kappa(cells: Floats) -> Floats:
    """Cohen's kappa of tables [n, 4]; NaN where it is not defined."""
    share = cells / cells.sum(axis=1, keepdims=True)
    first, second = share[:, 0] + share[:, 1], share[:, 0] + share[:, 2]
    return _beyond(share[:, 0] + share[:, 3], first * second + (1 - first) * (1 - second))


def ac1(cells: Floats) -> Floats:
    """Gwet's AC1 of tables [n, 4]."""
    share = cells / cells.sum(axis=1, keepdims=True)
    yes = share[:, 0] + (share[:, 1] + share[:, 2]) / 2
    return _beyond(share[:, 0] + share[:, 3], 2 * yes * (1 - yes))


def _beyond(seen: Floats, chance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1, (seen - chance) / (1 - chance), np.nan)


def _with_limits(of: Any, cells: Floats, drawn: Floats) -> tuple[float | None, float, float]:
    value = float(of(cells)[0])
    low, high = np.quantile(of(drawn), [TAIL, 1 - TAIL])
    if np.isnan(value):
        return None, float(low), float(high)
    # All alike is the end of the scale, which no draw reaches.
    return value, min(float(low), value), max(float(high), value)


@lru_cache(maxsize=64)
def _drawn(counts: tuple[int, ...]) -> Floats:
    gammas = np.random.default_rng(20260501).standard_gamma(np.array(counts) + 0.5, size=(DRAWS, 4))
    return gammas / gammas.sum(axis=1, keepdims=True)
