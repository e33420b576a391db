"""Study → numbers: every mean and contrast with its interval, and the one-line answer. Knows nothing of pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from midspec.core.errors import DataError
from midspec.report.checks import Checked, checked
from midspec.report.corrected import Corrected, corrected, corrected_difference
from midspec.report.estimates import TIE, Estimate, Floats, contrast, estimate, holm
from midspec.report.study import ContrastLine, Reading, ScoreRow, Study

WITHHOLD = 0.2
Measure = tuple[str, str, str]  # eval, axis, reading


@dataclass(frozen=True, eq=False)
class Table:
    """Scores of one arm in one measure: ``values`` and ``unread`` [seeds, items], see ``estimates.estimate``."""

    seeds: tuple[int | None, ...]
    items: tuple[str, ...]
    values: Floats
    unread: Floats
    events: bool
    rows: int
    unreadable: int


@dataclass(frozen=True)
class Mean:
    """One arm in one measure; ``by_seed`` are (seed, mean of its readable items or None).

    ``corrected`` is the rate behind what a grader saw, where it is known how often that grader errs.
    """

    arm: str
    measure: Measure
    found: Estimate
    by_seed: tuple[tuple[int | None, float | None], ...]
    rows: int
    unreadable: int
    corrected: Corrected | None = None


@dataclass(frozen=True)
class Difference:
    """One contrast; ``p_holm`` is adjusted over its family; for ``verdict`` see there. ``corrected`` as of a mean."""

    line: ContrastLine
    found: Estimate
    p_holm: float | None
    verdict: str
    share_unreadable: float
    corrected: Corrected | None = None


class Results:
    """All numbers of a study, computed once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.tables = tables(study.rows)

    @cached_property
    def checked(self) -> tuple[Checked, ...]:
        """The manipulation checks, in their order."""
        return checked(self.study)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Measures in the order in which rows name them, without those that only a manipulation check asks for."""
        every = dict.fromkeys(measure for _, measure in self.tables)
        return tuple(measure for measure in every if not self._only_checked(measure))

    @cached_property
    def plain(self) -> tuple[Measure, ...]:
        """Measures without the reasons that agents give: those have a table of their own."""
        named = {(line.eval, line.axis, line.reading) for line in self.study.motives}
        return tuple(measure for measure in self.measures if measure not in named)

    def _only_checked(self, measure: Measure) -> bool:
        name, axis, reading = measure
        contrasted = any((d.eval, d.axis, d.reading) == measure for d in self.study.contrasts)
        return not contrasted and any(c.eval == name and c.reading == reading and c.axis in (None, axis)
                                      for c in self.study.checks)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(arm.key for arm in self.study.arms))

    def reading(self, measure: Measure) -> Reading:
        return self.study.reading(measure[0], measure[2])

    def limits(self, measure: Measure) -> tuple[float, float] | None:
        reading = self.reading(measure)
        return None if reading.low is None or reading.high is None else (reading.low, reading.high)

    @cached_property
    def means(self) -> tuple[Mean, ...]:
        """One per measure and arm that has rows in it, in their orders."""
        return tuple(self._mean(arm, measure) for measure in self.measures for arm in self.arms
                     if (arm, measure) in self.tables)

    def _mean(self, arm: str, measure: Measure) -> Mean:
        table = self.tables[arm, measure]
        limits = self.limits(measure)
        found = estimate(table.values, unread=table.unread, limits=limits, events=table.events and limits == (0.0, 1.0))
        if table.seeds == (None,):
            found = replace(found, method=found.method.replace(", one seed", ""))
        by_seed = tuple((seed, None if np.isnan(row).all() else float(np.nanmean(row)))
                        for seed, row in zip(table.seeds, table.values, strict=True))
        known, behind = self.study.known((arm,), measure[0], measure[2]), None
        if known is not None and found.value is not None and found.trials is not None:
            behind = corrected(found.value * found.trials, found.trials, known)
        return Mean(arm, measure, found, by_seed, table.rows, table.unreadable, behind)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """One per contrast line. Holm's family are the primary lines, or all lines where none is primary."""
        found = [self._contrast(line) for line in self.study.contrasts]
        primary = [line.primary for line in self.study.contrasts]
        family = primary if any(primary) else [True] * len(primary)
        adjusted = iter(holm([f.p for (f, _), inside in zip(found, family, strict=True) if inside]))
        p_holm = [next(adjusted) if inside else None for inside in family]
        return tuple(Difference(line, f, p, verdict(f, p, share), share, self._behind(line, f))
                     for line, (f, share), p in zip(self.study.contrasts, found, p_holm, strict=True))

    def _behind(self, line: ContrastLine, found: Estimate) -> Corrected | None:
        """The contrast behind the one that a grader saw: only where weights cancel, and so its false alarms."""
        known = self.study.known([arm for arm, weight in line.weights.items() if weight], line.eval, line.reading)
        if known is None or found.value is None or not found.se or found.df is None or abs(
                sum(line.weights.values())) > TIE:
            return None
        return corrected_difference(found.value, found.se, found.df, known)

    def _contrast(self, line: ContrastLine) -> tuple[Estimate, float]:
        measure = (line.eval, line.axis, line.reading)
        weights = {arm: float(w) for arm, w in line.weights.items() if w}
        lacking = [arm for arm in weights if (arm, measure) not in self.tables]
        if lacking:
            raise DataError(f"contrast {line.name!r}: arm {lacking[0]!r} has no rows for {', '.join(measure)}",
                            hint=f"measures here: {'; '.join(', '.join(m) for m in self.measures)}")
        parts = [self.tables[arm, measure] for arm in weights]
        values, unread = aligned(parts)
        limits = self.limits(measure)
        events = limits == (0.0, 1.0) and all(p.events for p in parts)
        found = contrast(values, list(weights.values()), unread=unread, limits=limits, events=events)
        return found, sum(p.unreadable for p in parts) / sum(p.rows for p in parts)


def tables(rows: Iterable[ScoreRow]) -> dict[tuple[str, Measure], Table]:
    """Rows by arm and measure. Draws of one item are averaged; items keep the order of their first row.

    Raises:
        DataError: the same arm, seed, item, reading and draw twice, or a value that is not finite.
    """
    cells: dict[tuple[str, Measure], dict[tuple[int | None, str], dict[int, float | None]]] = {}
    for row in rows:
        if row.value is not None and not np.isfinite(row.value):
            raise DataError(f"score of {row.arm!r}, item {row.item!r}: {row.value} is not a number",
                            hint="an unreadable answer is None")
        cell = cells.setdefault((row.arm, (row.eval, row.axis, row.reading)), {}).setdefault((row.seed, row.item), {})
        if row.draw in cell:
            raise DataError(f"two scores for arm {row.arm!r}, seed {row.seed}, eval {row.eval!r}, item {row.item!r}, "
                            f"reading {row.reading!r}, draw {row.draw}",
                            hint="number the draws of one item; ask two evals that read the same items in two "
                                 "experiments")
        cell[row.draw] = row.value
    return {key: _table(found) for key, found in cells.items()}


def _table(cells: dict[tuple[int | None, str], dict[int, float | None]]) -> Table:
    items = tuple(dict.fromkeys(item for _, item in cells))
    seeds = tuple(sorted({seed for seed, _ in cells}, key=lambda s: (s is not None, s or 0)))
    column = {item: n for n, item in enumerate(items)}
    values, unread = np.full((len(seeds), len(items)), np.nan), np.ones((len(seeds), len(items)))
    events, unreadable = True, 0
    for (seed, item), draws in cells.items():
        known = [v for v in draws.values() if v is not None]
        at = seeds.index(seed), column[item]
        unread[at] = 1 - len(known) / len(draws)
        unreadable += len(draws) - len(known)
        events = events and all(v in (0, 1) for v in known)
        if known:
            values[at] = sum(known) / len(known)
    return Table(seeds, items, values, unread, events, sum(map(len, cells.values())), unreadable)


def aligned(parts: list[Table]) -> tuple[list[Floats], list[Floats]]:
    """(values, unread) of the tables over the seeds that all have and the items that any has.

    A table whose only seed is None keeps its one row: it is set against every seed.
    """
    items = tuple(dict.fromkeys(item for part in parts for item in part.items))
    seeded = [part for part in parts if part.seeds != (None,)]
    shared = [s for s in seeded[0].seeds if all(s in part.seeds for part in seeded)] if seeded else [None]
    values: list[Floats] = []
    unread: list[Floats] = []
    for part in parts:
        rows = [part.seeds.index(s) for s in ([None] if part.seeds == (None,) else shared)]
        here = [items.index(item) for item in part.items] if part.items != items else list(range(len(items)))
        wide, gaps = np.full((len(rows), len(items)), np.nan), np.ones((len(rows), len(items)))
        wide[:, here], gaps[:, here] = part.values[rows], part.unread[rows]
        values.append(wide)
        unread.append(gaps)
    return values, unread


def verdict(found: Estimate, p_holm: float | None, share_unreadable: float) -> str:
    """What a contrast says: above or below zero, open, withheld (too much unreadable), or unknown (no interval)."""
    if share_unreadable > WITHHOLD:
        return "withheld"
    if found.value is None or found.low is None or found.high is None:
        return "unknown"
    sure = (found.low > 0 or found.high < 0) and (p_holm is None or p_holm < 0.05)
    if not sure or (found.bounds is not None and found.bounds[0] <= 0 <= found.bounds[1]):
        return "open"
    return "above" if found.value > 0 else "below"
