"""Tables of seeds × items → mean, interval, p: docs/method.md ("From answers to numbers") written down a second time.

Knows nothing of midspec, and shares no code with it. Sums are exact fractions, tails and quantiles of t, F and beta are
taken to 30 digits with mpmath.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

mpmath.mp.dps = 40
Cells = list[list[Fraction | None]]
Numbers = dict[str, Any]


def real(value: Any) -> Any:
    """A number at 40 digits."""
    return mpmath.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else mpmath.mpf(value)


@functools.cache
def beta_quantile(chance: float, a: float, b: float) -> Any:
    """x with I_x(a, b) = chance, to 25 digits: Newton's steps on the log-odds of x, within a bracket."""
    if chance > 0.5:
        return 1 - beta_quantile(1 - chance, b, a)
    below, above, odds, norm = mpmath.mpf(-20_000), mpmath.mpf(20_000), mpmath.mpf(0), mpmath.beta(a, b)
    for _ in range(400):
        x = 1 / (1 + mpmath.exp(-odds))
        excess = mpmath.betainc(a, b, 0, x, regularized=True) - chance
        below, above = (below, odds) if excess > 0 else (odds, above)
        slope = x**a * (1 - x) ** b / norm
        onward = odds - excess / slope if slope else below
        if not below < onward < above:
            onward = (below + above) / 2
        if abs(onward - odds) < mpmath.mpf(10) ** -25:
            return x
        odds = onward
    raise ArithmeticError(f"no quantile {chance} of beta({a}, {b})")


def t_reach(df: float) -> Any:
    """Standard errors that a two-sided 95 % interval of Student's t reaches."""
    x = beta_quantile(0.05, df / 2, 0.5)
    return mpmath.sqrt(df * (1 - x) / x)


def t_tails(t: Any, df: float) -> Any:
    """Chance of a value of Student's t at least as far from 0, on both sides."""
    return mpmath.betainc(df / 2, 0.5, 0, df / (df + t * t), regularized=True)


@functools.cache
def f_median(above: int, below: int) -> Any:
    x = beta_quantile(0.5, above / 2, below / 2)
    return below * x / (above * (1 - x))


def exact(events: Any, trials: Any) -> tuple[Any, Any]:
    """Clopper and Pearson's limits; counts need not be whole."""
    low = 0 if events <= 0 else beta_quantile(0.025, float(events), float(trials - events + 1))
    high = 1 if events >= trials else beta_quantile(0.975, float(events + 1), float(trials - events))
    return low, high


def widest(seed: Any, item: Any, rest: Any, seeds: int, items: int, free: int) -> tuple[Any, float]:
    """(summed mean squares over the number of cells, degrees of freedom) of the widest admissible interval."""
    seed, item, rest = real(seed), real(item), real(rest)
    clearly = rest * (1 + mpmath.mpf(10) ** -9)
    if seed > clearly and item > clearly:
        top = seed + item - rest
        below = seed**2 / (seeds - 1) + item**2 / (items - 1) + rest**2 / free
        found = [(top, float(top**2 / below))]
    elif seed > clearly:
        found = [(seed, seeds - 1.0)]
    else:
        found = [(max(item, rest), items - 1.0)]
    if seeds == 2 or seed > f_median(seeds - 1, free) * clearly:
        found.append((seed, seeds - 1.0))
    if items == 2 or item > f_median(items - 1, free) * clearly:
        found.append((item, items - 1.0))
    return max(found, key=lambda pair: t_reach(pair[1]) ** 2 * pair[0])


def additive(table: Cells) -> list[list[Fraction]]:
    """Missing cells at row + column of the additive least-squares fit to the readable ones."""
    seeds, items = len(table), len(table[0])
    known = [(s, i) for s in range(seeds) for i in range(items) if table[s][i] is not None]
    if len(known) == seeds * items:
        return [[cell for cell in row if cell is not None] for row in table]
    design, seen = np.zeros((len(known), seeds + items)), np.zeros(len(known))
    for n, (s, i) in enumerate(known):
        design[n, s] = design[n, seeds + i] = 1
        seen[n] = float(table[s][i] or 0)
    fit = np.linalg.lstsq(design, seen, rcond=None)[0]
    guess = [[Fraction(float(fit[s] + fit[seeds + i])) for i in range(items)] for s in range(seeds)]
    return [[guess[s][i] if (c := table[s][i]) is None else c for i in range(items)] for s in range(seeds)]


def one_way(values: Sequence[Fraction]) -> tuple[Fraction, Fraction, float] | None:
    """(mean, variance of the mean, degrees of freedom) of a sample."""
    if len(values) < 2:
        return None
    mean = sum(values) / Fraction(len(values))
    return mean, sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values), len(values) - 1.0


def crossed(table: Cells) -> tuple[Fraction, Fraction, float] | None:
    """(mean, variance of the mean, degrees of freedom) of a table without empty rows or columns."""
    seeds, items = len(table), len(table[0])
    gaps = sum(cell is None for row in table for cell in row)
    if seeds == 1 or items == 1:
        return one_way([cell for row in table for cell in row if cell is not None])
    free = (seeds - 1) * (items - 1) - gaps
    if free < 1:
        return None
    full = additive(table)
    rows = [sum(row) / Fraction(items) for row in full]
    columns = [sum(row[i] for row in full) / Fraction(seeds) for i in range(items)]
    mean = sum(rows) / Fraction(seeds)
    seed = items * sum((r - mean) ** 2 for r in rows) / Fraction(seeds - 1)
    item = seeds * sum((c - mean) ** 2 for c in columns) / Fraction(items - 1)
    left = sum((full[s][i] - rows[s] - columns[i] + mean) ** 2 for s in range(seeds) for i in range(items))
    squares, df = widest(seed, item, left / Fraction(free), seeds, items, free)
    return mean, squares / (seeds * items - gaps), df


def used(table: Cells) -> Cells:
    """Without the seeds and the items that have no readable cell."""
    rows = [row for row in table if any(c is not None for c in row)]
    keep = [i for i in range(len(table[0])) if any(row[i] is not None for row in rows)]
    return [[row[i] for i in keep] for row in rows]


def between(table: Cells, unread: list[list[Fraction]], limits: tuple[Fraction, Fraction]) -> tuple[Fraction, ...]:
    """The mean if every unreadable draw were the least, and if it were the largest, possible value."""
    size = len(table) * len(table[0])
    pairs = [
        (c or Fraction(0), u) for row, gone in zip(table, unread, strict=True) for c, u in zip(row, gone, strict=True)
    ]
    return tuple(sum(c * (1 - u) + limit * u for c, u in pairs) / size for limit in limits)


def counts(table: Cells) -> Numbers:
    kept = used(table)
    cells = sum(c is not None for row in table for c in row)
    return {
        "seeds": len(kept),
        "items": len(kept[0]) if kept else 0,
        "cells": cells,
        "missing": len(table) * len(table[0]) - cells,
        "dropped": len(table[0]) - (len(kept[0]) if kept else 0),
    }


def student(table: Cells) -> Numbers:
    """Mean with its t interval; None where it cannot be known."""
    kept = used(table)
    blank: Numbers = {"value": None, "low": None, "high": None, "se": None, "df": None, "p": None, "trials": None}
    if not kept:
        return blank
    spread = crossed(kept)
    if spread is None:
        readable = [c for row in kept for c in row if c is not None]
        return blank | {"value": sum(readable) / Fraction(len(readable))}
    mean, variance, df = spread
    if mpmath.sqrt(real(variance)) <= 1e-12 * max(1, abs(real(mean))):
        return blank | {"value": mean, "se": 0}
    error, centre = mpmath.sqrt(real(variance)), real(mean)
    reach = t_reach(df) * error
    found = {"value": mean, "low": centre - reach, "high": centre + reach, "se": error, "df": df}
    return found | {"p": t_tails(centre / error, df), "trials": None}


def rate(table: Cells) -> Numbers:
    """A share of yes with Clopper and Pearson's limits at the effective number of trials."""
    found, kept = student(table), used(table)
    if not kept:
        return found
    readable = [c for row in kept for c in row if c is not None]
    value = sum(readable) / Fraction(len(readable))
    trials = real(len(kept[0]))
    if found["se"]:
        narrower = (t_reach(len(readable) - 1) / t_reach(found["df"])) ** 2
        trials = min(real(value * (1 - value)) / found["se"] ** 2 * narrower, real(len(readable)))
    low, high = exact(real(value) * trials, trials)
    return found | {"value": value, "low": low, "high": high, "p": None, "trials": trials}
