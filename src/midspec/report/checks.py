"""Study → what its manipulation checks found. Knows nothing of results: a check is about the treatment alone.

The rule stands in docs/method.md ("Checks").
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from midspec.core.errors import DataError
from midspec.report.study import CheckLine, Study

# A check whose answers are mostly unreadable says nothing: the same share at which a contrast is withheld.
MOST_UNREADABLE = 0.2
# A limit that is met exactly must not fail by the last digit of a float.
FORGIVEN = 1e-9


@dataclass(frozen=True)
class ArmCheck:
    """What one arm has: ``value`` None where nothing is readable, ``unreadable`` out of ``rows``."""

    arm: str
    value: float | None
    rows: int
    unreadable: int
    passed: bool


@dataclass(frozen=True)
class Checked:
    """``limit`` is the least value, None where there is none; ``spread`` the largest value less the least."""

    line: CheckLine
    values: tuple[ArmCheck, ...]
    limit: float | None
    spread: float | None
    passed: bool


def checked(study: Study) -> tuple[Checked, ...]:
    """All checks in their order.

    An arm fails where it has no readable row, or where more than a fifth of its rows is unreadable: nothing says then
    that the treatment took. All arms fail where the arm to compare with is such an arm.

    Raises:
        DataError: the arm to compare with has no rows.
    """
    return tuple(_check(study, line) for line in study.checks)


def _check(study: Study, line: CheckLine) -> Checked:
    limit, comparable = line.at_least, True
    if line.above is not None and limit is not None:
        base, rows, unreadable = _value(study, line, line.above)
        if not rows:
            raise DataError(f"check {line.words!r}: arm {line.above!r} to compare with has no rows")
        limit, comparable = None if base is None else limit + base, _readable(base, rows, unreadable)
    values: list[ArmCheck] = []
    for arm in line.arms:
        value, rows, unreadable = _value(study, line, arm)
        enough = limit is None or (value is not None and value >= limit - FORGIVEN)
        fine = comparable and enough and _readable(value, rows, unreadable)
        values.append(ArmCheck(arm, value, rows, unreadable, fine))
    known = [one.value for one in values if one.value is not None]
    spread = max(known) - min(known) if known else None
    even = line.equal is None or (spread is not None and spread <= line.equal + FORGIVEN)
    return Checked(line, tuple(values), limit, spread, even and bool(values) and all(one.passed for one in values))


def _readable(value: float | None, rows: int, unreadable: int) -> bool:
    return value is not None and unreadable <= MOST_UNREADABLE * rows


def _value(study: Study, line: CheckLine, arm: str) -> tuple[float | None, int, int]:
    """(mean over seeds and items, draws of one item being averaged first; rows; unreadable rows)."""
    found = [row for row in study.rows if row.arm == arm and (row.eval, row.reading) == (line.eval, line.reading)
             and line.axis in (None, row.axis)]
    cells: dict[tuple[int | None, str, str], list[float]] = defaultdict(list)
    for row in found:
        if row.value is not None:
            cells[row.seed, row.axis, row.item].append(row.value)
    means = [float(np.mean(draws)) for draws in cells.values()]
    value = float(np.mean([mean > 0 for mean in means] if line.share else means)) if means else None
    return value, len(found), sum(row.value is None for row in found)
