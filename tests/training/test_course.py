"""The order of rows: from the seed alone, every row as often as it should be, dose known before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midspec.core.checkpoint import Dose
from midspec.training.course import course_of, dose_of, planned_tokens
from midspec.training.rows import Rows
from midspec.training.schedule import Schedule


@given(st.integers(1, 50), st.integers(1, 8), st.integers(1, 40), st.integers(0, 2**40))
def test_in_updates(rows: int, batch: int, updates: int, seed: int) -> None:
    course = course_of(rows, Schedule(updates=updates, rows=batch, micro=1), seed)
    assert len(course) == updates
    assert all(len(course[n]) == batch for n in range(updates))
    counts = np.bincount(course.order, minlength=rows)
    assert counts.max() - counts.min() <= 1, "no row is read again before all others"
    for at in range(0, len(course.order) - rows, rows):
        assert set(course.order[at : at + rows]) == set(range(rows))


@given(st.integers(1, 50), st.integers(1, 8), st.integers(1, 4))
def test_in_passes_each_row_as_often_as_said(rows: int, batch: int, passes: int) -> None:
    schedule = Schedule(passes=passes, rows=batch, micro=1)
    course = course_of(rows, schedule, 3)
    assert (np.bincount(course.order, minlength=rows) == passes).all()
    assert len(course) == schedule.updates_for(rows)
    assert course.passes == passes


def test_order_from_the_seed_alone() -> None:
    one = course_of(100, Schedule(updates=20, rows=8, micro=1), 7).order
    assert (one == course_of(100, Schedule(updates=20, rows=8, micro=4, world=2, rate=1.0), 7).order).all()
    assert (one != course_of(100, Schedule(updates=20, rows=8, micro=1), 8).order).any()
    two = course_of(100, Schedule(passes=2, rows=8, micro=1), 7).order
    assert (two[:100] != two[100:]).any(), "each pass has an order of its own"
    # Fixed for ever: a state saved by one version must be continued by another in the same order.
    assert course_of(10, Schedule(updates=1, rows=10, micro=1), 1).order.tolist() == GOLDEN


GOLDEN = [9, 2, 4, 7, 5, 0, 8, 6, 3, 1]


def test_dose_is_counted() -> None:
    rows = Rows(
        np.arange(10, dtype=np.int32),
        np.array([0, 1, 2, 0, 0, 1, 2, 3, 0, 1], np.int32),
        np.array([0, 1, 1, 0, 0, 1, 1, 1, 0, 1], bool),
        np.array([0, 3, 4, 8, 10]),
    )
    schedule = Schedule(passes=2, rows=3, micro=1, length=4, rate=0.01)
    assert dose_of(rows, schedule, "midtrain", 5) == Dose("midtrain", 20, 12, 3, 3, 4, 2.0, 0.01, 5)
    assert planned_tokens(schedule) is None
    assert planned_tokens(Schedule(updates=3, rows=2, micro=1, length=5)) == 30


def test_beyond_the_end() -> None:
    course = course_of(3, Schedule(passes=1, rows=2, micro=1), 1)
    assert [len(course[n]) for n in range(len(course))] == [2, 1]
    with pytest.raises(IndexError):
        course[2]
