"""Rows, schedule, seed → which rows each update reads. Pure numbers; the same for any number of processes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from midspec.core.checkpoint import Dose
from midspec.training.rows import Rows
from midspec.training.schedule import Schedule


@dataclass(frozen=True)
class Course:
    """``order`` int64: row numbers, pass after pass, each pass in an order of its own; ``rows`` of them an update."""

    order: NDArray[np.int64]
    rows: int
    of: int

    def __len__(self) -> int:
        """Updates."""
        return -(-len(self.order) // self.rows)

    def __getitem__(self, update: int) -> NDArray[np.int64]:
        """Row numbers of update 0 … len - 1; only the last may have fewer than ``rows``."""
        if not 0 <= update < len(self):
            raise IndexError(update)
        return self.order[update * self.rows:(update + 1) * self.rows]

    @property
    def passes(self) -> float:
        return len(self.order) / self.of


def course_of(rows: int, schedule: Schedule, seed: int) -> Course:
    """The order in which ``rows`` rows are read.

    With ``updates`` set, every update is full and the data begins anew as often as needed. With ``passes`` set, the
    data is read that often, and the last update takes what is left.
    """
    if schedule.updates is not None:
        total = schedule.updates * schedule.rows
    else:
        assert schedule.passes is not None
        total = math.ceil(schedule.passes * rows)
    shuffled = [_shuffled(rows, seed, number) for number in range(-(-total // rows))]
    return Course(np.concatenate(shuffled)[:total], schedule.rows, rows)


def _shuffled(rows: int, seed: int, number: int) -> NDArray[np.int64]:
    # Raw bits of PCG64 are promised to stay; numpy's permutation() is not.
    bits = np.random.PCG64(np.random.SeedSequence([seed, number])).random_raw(rows)
    return np.argsort(bits, kind="stable")


def dose_of(rows: Rows, schedule: Schedule, stage: str, seed: int) -> Dose:
    """What a training stage will give; known before it runs, stored after it."""
    course = course_of(len(rows), schedule, seed)
    return Dose(stage, int(rows.lengths[course.order].sum()), int(rows.supervised[course.order].sum()), len(course),
                schedule.rows, schedule.length, round(course.passes, 6), schedule.rate, seed)


def planned_tokens(schedule: Schedule) -> int | None:
    """The most tokens that a schedule in updates can read; None for one in passes, which needs the data."""
    return None if schedule.updates is None else schedule.updates * schedule.rows * schedule.length
