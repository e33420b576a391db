"""Study → what its manipulation checks found. Knows nothing of results: a check is about the treatment alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midspec.core.errors import DataError
from midspec.report.study import CheckLine, Study


@dataclass(frozen=True)
class Checked:
    """``values`` are (arm, value, whether it passes); ``limit`` is the least value, None where only equality counts."""

    line: CheckLine
    values: tuple[tuple[str, float | None, bool], ...]
    limit: float | None
    spread: float | None
    passed: bool


def checked(study: Study) -> tuple[Checked, ...]:
    """All checks in their order. An arm without a readable row fails: nothing says that the treatment took.

    Raises:
        DataError: the arm to compare with has no rows.
    """
    return tuple(_check(study, line) for line in study.checks)


def _check(study: Study, line: CheckLine) -> Checked:
    limit = line.at_least
    if line.above is not None and limit is not None:
        base = _value(study, line, line.above)
        if base is None:
            raise DataError(f"check {line.words!r}: arm {line.above!r} to compare with has no rows")
        limit += base
    values = {arm: _value(study, line, arm) for arm in line.arms}
    known = [v for v in values.values() if v is not None]
    spread = max(known) - min(known) if known else None
    even = line.equal is None or (spread is not None and spread <= line.equal)
    fine = {arm: v is not None and (limit is None or v >= limit) for arm, v in values.items()}
    return Checked(line, tuple((arm, v, fine[arm]) for arm, v in values.items()), limit, spread,
                   even and all(fine.values()))


def _value(study: Study, line: CheckLine, arm: str) -> float | None:
    found = [row.value for row in study.rows
             if row.arm == arm and (row.eval, row.reading) == (line.eval, line.reading)
             and line.axis in (None, row.axis) and row.value is not None]
    if not found:
        return None
    return float(np.mean([value > 0 for value in found] if line.share else found))
