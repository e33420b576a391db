"""Intervals against computations that share nothing with ours, and against simulated truth."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from scipy import stats

from midspec.core.errors import DataError
from midspec.report.estimates import clopper_pearson, combined, contrast, estimate, filled, holm, trimmed


def by_hand(table: list[list[float]]) -> tuple[float, float, float]:
    """(mean, variance of the mean, degrees of freedom) in plain loops, from the formulas and nothing of ours."""
    seeds, items = len(table), len(table[0])
    mean = sum(sum(row) for row in table) / (seeds * items)
    rows = [sum(row) / items for row in table]
    columns = [sum(table[s][i] for s in range(seeds)) / seeds for i in range(items)]
    ms_seed = items * sum((r - mean) ** 2 for r in rows) / (seeds - 1)
    ms_item = seeds * sum((c - mean) ** 2 for c in columns) / (items - 1)
    rest = 0.0
    for s, i in itertools.product(range(seeds), range(items)):
        rest += (table[s][i] - rows[s] - columns[i] + mean) ** 2
    free = (seeds - 1) * (items - 1)
    ms_rest = rest / free
    found = []
    if ms_seed > ms_rest and ms_item > ms_rest:
        top = ms_seed + ms_item - ms_rest
        below = ms_seed**2 / (seeds - 1) + ms_item**2 / (items - 1) + ms_rest**2 / free
        found.append((top, top**2 / below))
    elif ms_seed > ms_rest:
        found.append((ms_seed, seeds - 1))
    else:
        found.append((max(ms_item, ms_rest), items - 1))
    if ms_seed > stats.f.ppf(0.5, seeds - 1, free) * ms_rest or seeds == 2:
        found.append((ms_seed, seeds - 1))
    if ms_item > stats.f.ppf(0.5, items - 1, free) * ms_rest or items == 2:
        found.append((ms_item, items - 1))
    widest = max(found, key=lambda pair: stats.t.ppf(0.975, pair[1]) * math.sqrt(pair[0]))
    return mean, widest[0] / (seeds * items), widest[1]


@pytest.mark.parametrize("number", range(40))
def test_recomputed_by_hand(number: int) -> None:
    chance = random.Random(number)
    seeds, items = chance.randint(2, 6), chance.randint(2, 40)
    drift = [chance.gauss(0, chance.choice([0, 0.1, 1])) for _ in range(seeds)]
    hard = [chance.gauss(0, chance.choice([0, 0.1, 1])) for _ in range(items)]
    table = [[0.3 + d + h + chance.gauss(0, 1) for h in hard] for d in drift]
    mean, variance, df = by_hand(table)
    found = estimate(np.array(table))
    half = stats.t.ppf(0.975, df) * math.sqrt(variance)
    assert found.value == pytest.approx(mean) and found.se == pytest.approx(math.sqrt(variance))
    assert found.df == pytest.approx(df)
    assert (found.low, found.high) == (pytest.approx(mean - half), pytest.approx(mean + half))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean) / math.sqrt(variance), df))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_one_seed_is_the_t_interval_over_items() -> None:
    values = np.random.default_rng(3).normal(0.2, 1, 50)
    found = estimate(values[None, :])
    low, high = stats.t.interval(0.95, 49, values.mean(), stats.sem(values))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.seeds == 1 and "one seed" in found.method
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_a_contrast_is_paired_by_seed_and_item() -> None:
    drawn = np.random.default_rng(5)
    hard, drift = drawn.normal(0, 3, 30), drawn.normal(0, 2, 4)
    shared = hard[None, :] + drift[:, None]
    arm, other = shared + drawn.normal(0.5, 0.1, (4, 30)), shared + drawn.normal(0, 0.1, (4, 30))
    paired, alone = contrast([arm, other], [1, -1]), estimate(arm)
    assert paired.value == pytest.approx(arm.mean() - other.mean())
    assert paired.se is not None and alone.se is not None and paired.se < alone.se / 20
    same = estimate(arm - other)
    assert (paired.low, paired.high) == (same.low, same.high)


def test_an_arm_without_seeds_meets_every_seed() -> None:
    drawn = np.random.default_rng(6)
    arm, untouched = drawn.normal(0, 1, (3, 20)), drawn.normal(0, 1, (1, 20))
    assert contrast([arm, untouched], [1, -1]) == contrast([arm, np.repeat(untouched, 3, axis=0)], [1, -1])
    with pytest.raises(DataError, match="shapes"):
        contrast([arm, arm[:2]], [1, -1])


def test_exact_limits_agree_with_scipy() -> None:
    for events, trials in [(0, 10), (1, 10), (5, 10), (10, 10), (3, 200), (199, 200), (0, 3000)]:
        low, high = clopper_pearson(events, trials)
        exact = stats.binomtest(events, trials).proportion_ci(0.95, "exact")
        assert (low, high) == (pytest.approx(exact.low), pytest.approx(exact.high))


@pytest.mark.parametrize("seeds", [1, 3])
def test_zero_events_show_an_upper_bound(seeds: int) -> None:
    found = estimate(np.zeros((seeds, 100)), limits=(0.0, 1.0), events=True)
    assert found.value == 0 and found.low == 0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 100))  # one trial per item, however many seeds
    full = estimate(np.ones((seeds, 100)), limits=(0.0, 1.0), events=True)
    assert full.high == 1 and full.low == pytest.approx(0.025 ** (1 / 100))


def test_one_seed_of_a_rate_is_clopper_pearson_over_items() -> None:
    found = estimate(np.array([[1.0] * 7 + [0.0] * 93]), limits=(0.0, 1.0), events=True)
    exact = stats.binomtest(7, 100).proportion_ci(0.95, "exact")
    assert (found.low, found.high) == (pytest.approx(exact.low, rel=0.02), pytest.approx(exact.high, rel=0.02))


def test_copies_of_one_seed_add_nothing_to_a_rate() -> None:
    one = np.random.default_rng(2).integers(0, 2, (1, 80)).astype(float)
    alone, copied = (estimate(np.repeat(one, n, axis=0), limits=(0, 1), events=True) for n in (1, 5))
    assert copied.high - copied.low >= 0.98 * (alone.high - alone.low)


def test_unreadable_cells_are_counted_and_bound_the_mean() -> None:
    table = np.array([[1.0, 0.0, np.nan, 1.0], [1.0, np.nan, np.nan, 0.0]])
    found = estimate(table, limits=(0.0, 1.0))
    assert (found.cells, found.missing, found.dropped, found.items) == (5, 3, 1, 3)
    assert found.bounds == (pytest.approx(3 / 8), pytest.approx(6 / 8))
    unread = np.array([[0, 0, 1, 0.5], [0, 1, 1, 0.0]])  # half of the draws of one cell
    assert estimate(table, unread=unread, limits=(0.0, 1.0)).bounds == (pytest.approx(2.5 / 8), pytest.approx(6 / 8))
    assert estimate(table).bounds is None and estimate(table[:, :2], limits=None).missing == 1


def test_bounds_of_a_contrast_take_each_arm_at_its_worst() -> None:
    arm, other = np.array([[1.0, np.nan]]), np.array([[np.nan, 0.0]])
    found = contrast([arm, other], [1, -1], limits=(0.0, 1.0))
    assert found.value is None and found.method == "nothing readable"
    assert found.bounds == (pytest.approx((1 + 0) / 2 - (1 + 0) / 2), pytest.approx((1 + 1) / 2 - 0))


def test_intervals_end_where_values_do() -> None:
    table = np.array([[0.9, 1.0, 0.2], [1.0, 1.0, 1.0]])
    found, free = estimate(table, limits=(0.0, 1.0)), estimate(table)
    assert free.high > 1 and found.high == 1 and found.low == max(0, free.low)
    apart = contrast([table, 1 - table], [1, -1], limits=(0.0, 1.0))
    assert apart.high == 1 and apart.low >= -1


def test_a_difference_of_rates_without_variation_has_an_interval() -> None:
    """Newcombe's square-and-add on Clopper–Pearson limits, by hand."""
    zero, one = np.zeros((3, 50)), np.ones((3, 50))
    upper = 1 - 0.025 ** (1 / 50)
    same = contrast([zero, zero], [1, -1], limits=(0, 1), events=True)
    assert (same.value, same.low, same.high) == (0, pytest.approx(-upper), pytest.approx(upper))
    apart = contrast([one, zero], [1, -1], limits=(0, 1), events=True)
    assert (apart.value, apart.low, apart.high) == (1, pytest.approx(1 - math.hypot(upper, upper)), 1)
    assert contrast([zero, zero], [1, -1]).low is None


def test_gaps_are_filled_by_least_squares() -> None:
    """Alternation stopped at a step of 1e-12, which with many gaps is far from the end."""
    drawn = np.random.default_rng(8)
    table = drawn.normal(0, 1, (4, 1)) + drawn.normal(0, 1, (1, 30))
    holes = np.where(drawn.random(table.shape) < 0.6, np.nan, table)
    used, _ = trimmed(holes)
    kept = table[:, ~np.isnan(holes).all(axis=0)]
    assert np.abs(filled(used) - kept).max() < 1e-12


@pytest.mark.parametrize(("seeds", "items"), [(1, 20), (3, 20), (5, 27), (7, 33)])
def test_equal_shares_count_one_trial_per_item(seeds: int, items: int) -> None:
    """Two of three draws in every cell: whether the variance rounds to 0 must not matter."""
    found = estimate(np.full((seeds, items), sum([1.0, 1.0, 0.0]) / 3), limits=(0, 1), events=True)
    low, high = clopper_pearson(items * 2 / 3, items)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.se, found.df) == (0, None)


def test_equal_mean_squares_are_not_told_apart_by_rounding() -> None:
    square = 1 / 3
    same = combined(0.9, square, square, 3, 8, 14)
    for nearly in (np.nextafter(square, 0), np.nextafter(square, 1)):
        assert combined(0.9, float(nearly), square, 3, 8, 14) == (pytest.approx(same[0]), pytest.approx(same[1]))


def test_what_cannot_be_known_is_none() -> None:
    one = estimate(np.array([[0.4]]))
    assert (one.value, one.low, one.p) == (0.4, None, None)
    nothing = estimate(np.full((3, 4), np.nan))
    assert (nothing.value, nothing.low, nothing.method) == (None, None, "nothing readable")
    flat = estimate(np.full((3, 4), 0.5))
    assert (flat.value, flat.low, flat.p) == (0.5, None, None)
    with pytest.raises(DataError):
        estimate(np.zeros(3))
    with pytest.raises(DataError):
        clopper_pearson(1, 0)


def test_holm_is_the_textbook_step_down() -> None:
    assert holm([0.01, 0.04, 0.03, None]) == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06), None]
    assert holm([]) == [] and holm([None]) == [None]
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def drawn(rng: np.random.Generator, seeds: int, items: int, seed: float, item: float) -> np.ndarray:
    """A table around 0 with these variances between seeds and items, and 1 for the rest."""
    return (rng.normal(0, math.sqrt(seed), (seeds, 1)) + rng.normal(0, math.sqrt(item), (1, items))
            + rng.normal(0, 1, (seeds, items)))  # fmt: skip


def coverage(seeds: int, items: int, seed: float, item: float, runs: int, gone: float = 0.0) -> float:
    rng = np.random.default_rng([seeds, items, int(1e5 * seed), int(1e3 * item)])
    hits = 0
    for _ in range(runs):
        table = drawn(rng, seeds, items, seed, item)
        if gone:
            table[rng.random(table.shape) < gone] = np.nan
        found = estimate(table)
        assert found.low is not None and found.high is not None
        hits += found.low <= 0 <= found.high
    return hits / runs


# The worst places of a fine grid (moderate variance between seeds), and the corners.
PLACES = [(0.0, 0.0), (0.0, 0.3), (0.01, 0.0), (0.01, 0.3), (0.05, 0.1), (1.0, 4.0)]


@pytest.mark.parametrize(("seeds", "floor"), [(3, 0.94), (5, 0.94)])
@pytest.mark.parametrize("items", [20, 200])
def test_coverage(seeds: int, floor: float, items: int) -> None:
    for seed, item in PLACES:
        share = coverage(seeds, items, seed, item, 1500)
        assert share >= floor - 0.012, (seed, item, share)  # 0.012: two standard errors of 1,500 runs
        assert share <= 0.995, (seed, item, share)


def test_coverage_with_one_in_ten_unreadable() -> None:
    for seed, item in PLACES[1:4]:
        assert coverage(3, 40, seed, item, 600, gone=0.1) >= 0.93 - 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "floor"), [(3, 0.94), (5, 0.938), (8, 0.94)])
@pytest.mark.parametrize("items", [20, 40, 100, 200])
def test_coverage_everywhere(seeds: int, floor: float, items: int) -> None:
    shares = {(seed, item): coverage(seeds, items, seed, item, 3000)
              for seed in (0, 0.0005, 0.002, 0.01, 0.05, 0.2, 1) for item in (0, 0.1, 0.3, 1, 4)}  # fmt: skip
    worst = min(shares, key=lambda place: shares[place])
    print(f"{seeds} seeds, {items} items: {min(shares.values()):.3f} at {worst} to {max(shares.values()):.3f}")
    assert shares[worst] >= floor - 0.01, worst
    assert max(shares.values()) <= 0.995


def rate_table(rng: np.random.Generator, seeds: int, items: int, rate: float, scatter: float) -> np.ndarray:
    """Zeros and ones whose chance varies by item and seed around ``rate`` (beta by item, a little by seed)."""
    chance = rng.beta(rate / scatter, (1 - rate) / scatter, (1, items)) if scatter else np.full((1, items), rate)
    return (rng.random((seeds, items)) < chance).astype(float)


@pytest.mark.parametrize(("seeds", "items", "rate", "scatter"), [
    (1, 30, 0.05, 0), (1, 200, 0.5, 0.3), (3, 30, 0.02, 0.1), (3, 100, 0.1, 0.3), (3, 200, 0.5, 0.5), (5, 27, 0.9, 1.0),
])  # fmt: skip
def test_rates_cover(seeds: int, items: int, rate: float, scatter: float) -> None:
    rng, hits, runs = np.random.default_rng(11), 0, 1000
    for _ in range(runs):
        found = estimate(rate_table(rng, seeds, items, rate, scatter), limits=(0.0, 1.0), events=True)
        assert found.low is not None and found.high is not None and 0 <= found.low <= found.high <= 1
        hits += found.low <= rate <= found.high
    assert hits / runs >= 0.925


def test_type_one_error_of_27_paired_cells_after_holm() -> None:
    rng, wrong, runs = np.random.default_rng(4), 0, 250
    for _ in range(runs):
        found = [contrast([drawn(rng, 3, 30, 0.01, 1.0), drawn(rng, 3, 30, 0.01, 1.0)], [1, -1]).p for _ in range(27)]
        wrong += any(p is not None and p < 0.05 for p in holm(found))
    assert wrong / runs <= 0.055 + 2 * math.sqrt(0.05 * 0.95 / runs)
