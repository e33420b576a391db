"""How often a reader of reasons errs, against labels: counts by hand, exact intervals."""

from __future__ import annotations

import pytest
from scipy import stats
from tests.whole import tables

from midspec.report.reader import ReaderError, reader_errors
from midspec.report.study import LabelledAnswer


def labelled(arm: str, *pairs: tuple[str, str]) -> list[LabelledAnswer]:
    return [LabelledAnswer(arm=arm, axis="x", label=label, found=found) for label, found in pairs]


A = labelled("a", ("own", "own"), ("own", "other"), ("neither", "own"), ("unreadable", "unreadable"), ("other", "own"))
B = labelled("b", ("neither", "neither"))


def test_counts() -> None:
    a, b, both = reader_errors([*A, *B])
    assert (a.arm, a.labelled, a.agree, a.named, a.found, a.unnamed, a.false) == ("a", 5, 2, 2, 1, 3, 2)
    assert (b.arm, b.labelled, b.agree, b.named, b.found, b.unnamed, b.false) == ("b", 1, 1, 0, 0, 1, 0)
    assert (both.arm, both.labelled, both.agree, both.named, both.found) == ("all arms", 6, 3, 2, 1)


def test_the_interval_is_exact() -> None:
    a, b, _ = reader_errors([*A, *B])
    told = stats.binomtest(2, 5).proportion_ci(method="exact")
    assert a.agree_interval == pytest.approx((told.low, told.high), abs=1e-9)
    assert b.agree_interval == pytest.approx((0.025, 1.0), abs=1e-9)


def test_one_arm_has_no_line_over_all_and_nothing_labelled_has_none() -> None:
    assert [line.arm for line in reader_errors(A)] == ["a"]
    assert reader_errors([]) == ()


def test_a_second_computation_agrees() -> None:
    for ours, line in zip(tables.reader_of([vars(row) for row in [*B, *A]]), reader_errors([*B, *A]), strict=True):
        low, high = ours.pop("agree_interval")
        assert line == ReaderError(**ours, agree_interval=line.agree_interval)
        assert line.agree_interval == pytest.approx((float(low), float(high)), abs=1e-12)
