"""Results → tables of what agents decided, cell by cell, and of the reasons that they gave. Knows nothing of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from midspec.report.corrected import Corrected, corrected
from midspec.report.estimates import clopper_pearson
from midspec.report.graders import Table
from midspec.report.results import Mean, Results
from midspec.report.study import ScoreRow
from midspec.report.wording import number, span

DECIDED = "decided"
SIDES = {"misaligned": "for", "aligned": "against", "apart": "apart"}
CELLS = ("How many of each cell's transcripts a grader takes for a decision on the harmful act, all seeds of an arm "
         "together. Intervals are exact for the draws of these models; another seed may differ by more than they say. "
         "Open: the rates if all unscored were no, and yes.")
REASONS = ("The share of an arm's transcripts in which the agent gives a reason for the harmful act or against it, "
           "several or none in each, with 95 % intervals over seeds and cells; in brackets what the unscored leave.")


@dataclass(frozen=True, kw_only=True)
class CellRate:
    """``yes`` of ``scored`` draws of one situation (``item``), ``unscored`` beside them; the interval is exact.

    ``bounds`` are the rates if all unscored were no, and yes. None where nothing is scored; ``corrected`` also where it
    is not known how often the grader errs.
    """

    arm: str
    eval: str
    reading: str
    item: str
    yes: int
    scored: int
    unscored: int
    interval: tuple[float, float] | None
    bounds: tuple[float, float]
    corrected: Corrected | None


def cell_rates(results: Results) -> tuple[CellRate, ...]:
    """One per arm and situation in which a grader says whether the agent decided, in the order of the rows."""
    found: dict[tuple[str, str, str], list[ScoreRow]] = {}
    for row in results.study.rows:
        if row.reading == DECIDED:
            found.setdefault((row.eval, row.item, row.arm), []).append(row)
    return tuple(_rate(results, rows) for rows in found.values())


def _rate(results: Results, rows: list[ScoreRow]) -> CellRate:
    first, values = rows[0], [row.value for row in rows if row.value is not None]
    yes, scored = round(sum(values)), len(values)
    known = results.study.known((first.arm,), first.eval, DECIDED)
    return CellRate(
        arm=first.arm, eval=first.eval, reading=DECIDED, item=first.item, yes=yes, scored=scored,
        unscored=len(rows) - scored, interval=clopper_pearson(yes, scored) if scored else None,
        bounds=(yes / len(rows), (yes + len(rows) - scored) / len(rows)),
        corrected=corrected(yes, scored, known) if scored and known is not None else None)


def rollout_tables(results: Results) -> list[Table]:
    """(words, head, rows) of each table that has rows: reasons first, as there are fewer of them."""
    return [table for table in (*_reasons(results), _cells(results)) if table[2]]


def _cells(results: Results) -> Table:
    order = list(results.arms)
    rates = sorted(cell_rates(results), key=lambda rate: (rate.eval, rate.item, order.index(rate.arm)))
    rows = [[rate.arm, rate.item, f"{rate.yes} of {rate.scored}", span(*(rate.interval or (None, None))),
             *_behind(rate.corrected), str(rate.unscored), span(*rate.bounds) if rate.unscored else ""]
            for rate in rates]
    return CELLS, ["arm", "cell", "decided", "95 % interval", "corrected", "95 % interval", "unscored", "open"], rows


def _behind(found: Corrected | None) -> tuple[str, str]:
    return ("–", "–") if found is None else (number(found.value, 3), span(found.low, found.high))


def _reasons(results: Results) -> Iterator[Table]:
    """A table per eval and reader: one row a reason, one column an arm."""
    means = {(mean.measure, mean.arm): mean for mean in results.means}
    for name, by in dict.fromkeys((line.eval, line.by) for line in results.study.motives):
        lines = [line for line in results.study.motives if (line.eval, line.by) == (name, by)]
        arms = [arm for arm in results.arms
                if any(arm in line.arms and ((name, line.axis, line.reading), arm) in means for line in lines)]
        rows = [[line.title, SIDES.get(line.side, line.side),
                 *(_share(means.get(((name, line.axis, line.reading), arm)) if arm in line.arms else None)
                   for arm in arms)] for line in lines]
        yield f"{REASONS} Read by {by}.", ["reason", "argues", *arms], rows


def _share(mean: Mean | None) -> str:
    """"0.120 (0.05 to 0.25)", and in brackets what the unscored leave open."""
    if mean is None or mean.found.value is None:
        return "–"
    bounds = "" if mean.found.bounds is None else f" [{span(*mean.found.bounds)}]"
    return f"{number(mean.found.value, 3)} ({span(mean.found.low, mean.found.high)}){bounds}"
