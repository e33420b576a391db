"""The true rate is recovered from what a grader of known errors sees, where an interval that trusts it fails."""

from __future__ import annotations

import math

import numpy as np
import pytest

from midspec.core.calibration import Confusion
from midspec.core.errors import DataError
from midspec.report.agreement import agreement
from midspec.report.corrected import corrected, corrected_difference
from midspec.report.estimates import clopper_pearson

TRIALS = 1000
# Labelled of each kind, graded responses, sensitivity, specificity.
SETTINGS = [(60, 300, 0.9, 0.95), (60, 300, 0.75, 0.9), (30, 100, 0.8, 0.97)]


def confusion(hits: int, positives: int, alarms: int, negatives: int) -> Confusion:
    return Confusion(reading="decided", hits=hits, misses=positives - hits, alarms=alarms,
                     rejections=negatives - alarms)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 0.95])
@pytest.mark.parametrize(("labelled", "graded", "sensitivity", "specificity"), SETTINGS)
def test_coverage_of_a_rate(labelled: int, graded: int, sensitivity: float, specificity: float, rate: float) -> None:
    """T4: at least 94 % of the intervals hold the true rate; of those that trust the grader, often nearly none."""
    throw = np.random.default_rng(7)
    seen = throw.binomial(graded, rate * sensitivity + (1 - rate) * (1 - specificity), TRIALS)
    hits, alarms = throw.binomial(labelled, sensitivity, TRIALS), throw.binomial(labelled, 1 - specificity, TRIALS)
    held = naive = 0
    for events, hit, alarm in zip(seen.tolist(), hits.tolist(), alarms.tolist(), strict=True):
        found = corrected(events, graded, confusion(hit, labelled, alarm, labelled))
        held += found.low <= rate <= found.high
        low, high = clopper_pearson(events, graded)
        naive += low <= rate <= high
    assert held / TRIALS >= 0.94
    if (rate, specificity) != (0.05, 0.97):  # there both errors happen to cancel
        assert naive / TRIALS < 0.9


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.5), (0.6, 0.2), (0.05, 0.3), (0.98, 0.02)])
def test_coverage_of_a_difference(first: float, second: float) -> None:
    labelled, graded, sensitivity, specificity = 60, 300, 0.75, 0.85
    throw, wanted = np.random.default_rng(7), first - second
    seen = [throw.binomial(graded, p * sensitivity + (1 - p) * (1 - specificity), TRIALS) / graded
            for p in (first, second)]
    hits, alarms = throw.binomial(labelled, sensitivity, TRIALS), throw.binomial(labelled, 1 - specificity, TRIALS)
    held = 0
    for a, b, hit, alarm in zip(*(x.tolist() for x in (*seen, hits, alarms)), strict=True):
        se = math.sqrt((a * (1 - a) + b * (1 - b)) / (graded - 1))
        found = corrected_difference(a - b, se, graded - 1, confusion(hit, labelled, alarm, labelled))
        held += found.low <= wanted <= found.high
    assert held / TRIALS >= 0.94


def test_a_faultless_grader_known_for_sure_leaves_the_exact_interval() -> None:
    many = 10_000_000
    found = corrected(7, 50, confusion(many, many, 0, many))
    assert (found.value, found.low, found.high) == pytest.approx((0.14, *clopper_pearson(7, 50)), abs=1e-3)


def test_zero_events_show_their_upper_bound() -> None:
    """T6."""
    found = corrected(0, 30, confusion(60, 60, 0, 60))
    assert found.value == 0 == found.low and 0.1 < found.high < 0.2


def test_a_grader_that_tells_nothing_leaves_all_open() -> None:
    found = corrected(30, 100, confusion(20, 60, 20, 60))
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)
    found = corrected(30, 100, confusion(0, 0, 3, 60))
    assert (found.value, found.low, found.high, found.sensitivity) == (None, 0.0, 1.0, None)
    found = corrected_difference(0.2, 0.05, math.inf, confusion(20, 60, 20, 60))
    assert (found.value, found.low, found.high) == (None, -2.0, 2.0)


def test_a_worse_known_grader_gives_a_wider_interval() -> None:
    widths = [found.high - found.low for n in (20, 60, 600)
              for found in [corrected(60, 300, confusion(round(0.9 * n), n, round(0.05 * n), n))]]
    assert widths[0] > widths[1] > widths[2] > 0.08
    with pytest.raises(DataError, match="5 events in 4"):
        corrected(5, 4, confusion(1, 1, 1, 1))


def test_the_sign_of_a_difference_does_not_hang_on_the_grader() -> None:
    sure = corrected_difference(0.2, 0.05, 100, confusion(50, 60, 10, 60))
    assert sure.low > 0 and sure.value == pytest.approx(0.2 / (50 / 60 - 10 / 60))
    turned = corrected_difference(-0.2, 0.05, 100, confusion(50, 60, 10, 60))
    assert (turned.low, turned.high) == pytest.approx((-sure.high, -sure.low), abs=1e-9)


def test_agreement_by_hand() -> None:
    # 20 and 15 agree of 50; chance: 25/50·30/50 + 25/50·20/50 = .5, and AC1's 2·.55·.45.
    found = agreement([20, 5, 10, 15])
    assert found.kappa[0] == pytest.approx((0.7 - 0.5) / 0.5) and found.ac1[0] == pytest.approx((0.7 - 0.495) / 0.505)
    assert found.both == 50 and found.same == 35
    assert found.kappa[1] < 0.4 < found.kappa[2] and found.ac1[1] < found.ac1[0] < found.ac1[2]


def test_agreement_at_the_ends() -> None:
    alike = agreement([0, 0, 0, 40])
    assert alike.kappa[0] is None and alike.ac1[0] == 1.0 and 0.8 < alike.ac1[1] < 1 == alike.ac1[2]
    assert agreement([10, 0, 0, 10]).kappa[0] == 1.0 and agreement([0, 10, 10, 0]).kappa[0] == -1.0
    with pytest.raises(DataError, match="four counts"):
        agreement([0, 0, 0, 0])


def test_coverage_of_agreement() -> None:
    shares = np.array([0.25, 0.05, 0.08, 0.62])
    truth, throw = agreement([2500, 500, 800, 6200]), np.random.default_rng(7)
    tables = throw.multinomial(60, shares, 400)
    held = [0, 0]
    for counts in tables.tolist():
        found = agreement(counts)
        held[0] += found.kappa[1] <= (truth.kappa[0] or 0) <= found.kappa[2]
        held[1] += found.ac1[1] <= (truth.ac1[0] or 0) <= found.ac1[2]
    assert min(held) / 400 >= 0.93, held
