"""Why something has to be built: the fields that differ from the nearest thing that is there."""

from __future__ import annotations

from typing import Any

from midspec.store.artifacts import Store
from midspec.store.nearest import why


def test_nothing_of_this_class(store: Store, bench: Any) -> None:
    assert why(bench.Write(words=1), store) is None
    bench.make(store, bench.Write(words=1))
    assert why(bench.Other(words=1), store) is None


def test_one_field(store: Store, bench: Any) -> None:
    bench.make(store, bench.Write(words=1))
    assert why(bench.Write(words=2), store) == ["words: 1 → 2"]
    assert why(bench.Write(words=1, rate=bench.Rate(peak=3e-4)), store) == ["rate.peak: 0.0001 → 0.0003"]
    assert why(bench.Write(words=1, tags=("a", "b")), store) == ["tags: () → ('a', 'b')"]
    assert why(bench.Write(words=1), store) == []


def test_the_nearest_one_is_chosen(store: Store, bench: Any) -> None:
    for recipe in (bench.Write(words=1), bench.Write(words=9, rate=bench.Rate(warm=0.1)), bench.Write(words=9)):
        bench.make(store, recipe)
    assert why(bench.Write(words=9, rate=bench.Rate(warm=0.1, peak=2.0)), store) == ["rate.peak: 0.0001 → 2.0"]
    assert why(bench.Write(words=5, rate=bench.Rate(warm=0.1)), store) == ["words: 9 → 5"]


def test_inputs(store: Store, bench: Any) -> None:
    first, second = bench.Write(words=1), bench.Write(words=2)
    bench.make(store, first)
    bench.make(store, bench.Write(words=7, after=first))
    assert why(bench.Write(words=7, after=second), store) == ["after: changed"]
    assert why(bench.Write(words=7), store) in (["words: 1 → 7"], ["after: an input → None"])


def test_values_that_round_to_the_same(store: Store, bench: Any) -> None:
    bench.make(store, bench.Write(words=1, rate=bench.Rate(peak=0.1 + 0.2)))
    assert why(bench.Write(words=1, rate=bench.Rate(peak=0.3)), store) == ["rate.peak: 0.30000000000000004 → 0.3"]


def test_damaged_neighbours_are_passed_over(store: Store, bench: Any) -> None:
    near, far = bench.Write(words=1), bench.Write(words=3, rate=bench.Rate(peak=1.0))
    for recipe in (near, far):
        bench.make(store, recipe)
    (store.folder(near) / "manifest.json").write_bytes(b"{}")
    assert why(bench.Write(words=2), store) == ["words: 3 → 2", "rate.peak: 1.0 → 0.0001"]


def test_long_values_are_cut(store: Store, bench: Any) -> None:
    bench.make(store, bench.Write(words=1, tags=("x" * 200,)))
    (said,) = why(bench.Write(words=1, tags=("y" * 200,)), store) or []
    assert len(said) < 150 and "xxx" in said and "yyy" in said
    assert why(bench.Write(words=1, tags=("x" * 201,)), store) == ["tags: changed"]
