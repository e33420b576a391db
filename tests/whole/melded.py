"""Counts of a grader and of labels → the rate behind what the grader saw, and agreement, again: docs/method.md.

Knows nothing of midspec, and shares no code with it. Quantiles of beta and t are found by halving intervals of their
distribution functions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from tests.whole import formulas

Row = dict[str, Any]
Floats = np.ndarray[Any, Any]
POINTS, ROOT, HALVINGS, TAIL = 4096, 1.2207440846057596, 200, 0.025
SEED, DRAWS = 20260501, 20_000


def points(axis: int) -> Floats:
    """Numbers that fill 0 to 1 evenly, in three directions at once."""
    return np.array([(0.5 + k / ROOT ** (axis + 1)) % 1 for k in range(1, POINTS + 1)])


def where(rises: Callable[[Floats], Floats], chance: Floats, low: float, high: float) -> Floats:
    """x with rises(x) = chance, for every chance."""
    below, above = np.full_like(chance, low), np.full_like(chance, high)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        small = rises(middle) < chance
        below, above = np.where(small, middle, below), np.where(small, above, middle)
    return (below + above) / 2


@functools.cache
def limit(events: float, trials: float, side: str, axis: int) -> Floats:
    """The confidence distribution whose quantiles are lower or upper exact limits of a rate, at the points."""
    a, b = (events, trials - events + 1) if side == "low" else (events + 1, trials - events)
    if a <= 0 or b <= 0:
        return np.full(POINTS, 0.0 if side == "low" else 1.0)
    return where(lambda x: special.betainc(a, b, x), points(axis), 0.0, 1.0)


def quantile(values: Floats, share: float) -> float:
    """Between the two values nearest to that place, by straight lines."""
    found = sorted(float(v) for v in values)
    place = share * (len(found) - 1)
    at = min(int(place), len(found) - 2)
    return found[at] + (place - at) * (found[at + 1] - found[at])


def errors(known: Row) -> dict[str, list[float] | None]:
    """Sensitivity and specificity, each with exact limits; None where nothing is labelled so."""
    pairs = {"sensitivity": (known["hits"], known["misses"]), "specificity": (known["rejections"], known["alarms"])}
    return {name: [a / (a + b), *map(float, formulas.exact(a, a + b))] if a + b else None
            for name, (a, b) in pairs.items()}  # fmt: skip


def grip(known: Row) -> float:
    """How much more often a yes is called yes than a no is; 0 where nobody knows."""
    found = errors(known)
    if found["sensitivity"] is None or found["specificity"] is None:
        return 0.0
    return found["sensitivity"][0] + found["specificity"][0] - 1


def rate(events: float, trials: float, known: Row) -> Row:
    """The rate behind ``events`` of ``trials`` that a grader saw."""
    held = grip(known)
    if held < 1e-9:
        return {"value": None, "low": 0.0, "high": 1.0, **errors(known)}
    positives, negatives = known["hits"] + known["misses"], known["alarms"] + known["rejections"]
    specificity = known["rejections"] / negatives
    value = min(1.0, max(0.0, (events / trials - 1 + specificity) / held))
    ends = []
    for side, other, nothing, share in (("low", "high", 0.0, TAIL), ("high", "low", 1.0, 1 - TAIL)):
        seen = limit(events, trials, side, 0)
        false, found = limit(known["alarms"], negatives, other, 1), limit(known["hits"], positives, other, 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            behind = np.where(found > false, np.clip((seen - false) / (found - false), 0, 1), nothing)
        ends.append(quantile(behind, share))
    return {"value": value, "low": ends[0], "high": ends[1], **errors(known)}


def difference(value: float, se: float, df: float, known: Row) -> Row:
    """The contrast behind one that a grader saw."""
    held = grip(known)
    if held < 1e-9:
        return {"value": None, "low": -2.0, "high": 2.0, **errors(known)}
    if value < 0:
        turned = difference(-value, se, df, known)
        return {**turned, "value": -turned["value"], "low": -turned["high"], "high": -turned["low"]}
    positives, negatives = known["hits"] + known["misses"], known["alarms"] + known["rejections"]
    wide = limit(known["hits"], positives, "high", 2) - limit(known["alarms"], negatives, "low", 1)
    narrow = limit(known["hits"], positives, "low", 2) - limit(known["alarms"], negatives, "high", 1)
    seen = value + se * where(lambda x: special.stdtr(df, x), points(0), -1e6, 1e6)
    ends = []
    for left, right, nothing, share in ((wide, narrow, -2.0, TAIL), (narrow, wide, 2.0, 1 - TAIL)):
        by = np.where(seen > 0, left, right)
        with np.errstate(divide="ignore", invalid="ignore"):
            ends.append(quantile(np.where(by > 0, np.clip(seen / by, -2, 2), nothing), share))
    return {"value": min(2.0, value / held), "low": ends[0], "high": ends[1], **errors(known)}


def agreement(counts: Sequence[int]) -> Row:
    """Of [both yes, only the first, only the second, both no]: kappa and AC1 with limits from drawn tables."""
    drawn = np.random.default_rng(SEED).standard_gamma(np.array(counts) + 0.5, size=(DRAWS, 4))
    found: Row = {"both": sum(counts), "same": counts[0] + counts[3]}
    for name, chance in (("kappa", by_chance), ("ac1", by_prevalence)):
        tables = [[float(n) for n in table] for table in drawn]
        values = [beyond(table, chance) for table in tables]
        low, high = (quantile(np.array([v for v in values if v is not None]), q) for q in (TAIL, 1 - TAIL))
        own = beyond([float(n) for n in counts], chance)
        found[name] = [own, low, high] if own is None else [own, min(low, own), max(high, own)]
    return found


def beyond(table: list[float], chance: Callable[[list[float]], float]) -> float | None:
    share = [n / sum(table) for n in table]
    expected = chance(share)
    return None if expected >= 1 else (share[0] + share[3] - expected) / (1 - expected)


def by_chance(share: list[float]) -> float:
    first, second = share[0] + share[1], share[0] + share[2]
    return first * second + (1 - first) * (1 - second)


def by_prevalence(share: list[float]) -> float:
    yes = share[0] + (share[1] + share[2]) / 2
    return 2 * yes * (1 - yes)


def cell(values: Sequence[float | None], known: Row | None) -> Row:
    """One situation of an arm: draws that say yes, no, or nothing."""
    read = [Fraction(v) for v in values if v is not None]
    yes, gone = sum(read), len(values) - len(read)
    return {"yes": int(yes), "scored": len(read), "unscored": gone,
            "interval": list(map(float, formulas.exact(int(yes), len(read)))) if read else None,
            "bounds": [float(yes / len(values)), float((yes + gone) / len(values))],
            "corrected": rate(int(yes), len(read), known) if read and known is not None else None}  # fmt: skip
