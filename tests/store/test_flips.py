"""One bit, anywhere: ``verify`` names the file, and nothing damaged is used."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import DataError
from midspec.store.artifacts import Store
from midspec.store.ledger import Ledger
from midspec.store.manifest import MANIFEST, RUN

ROWS = {f"key {n}": {"text": f"answer {n}, " * (n % 40 + 1), "finish": "stop"} for n in range(120)}


def fill(store: Store, bench: Any) -> dict[str, Any]:
    """Three artifacts, one made from another, and a ledger; returns the recipes by folder name."""
    first = bench.Write(words=2)
    recipes = [first, bench.Write(words=3), bench.Write(words=2, after=first)]
    for recipe in recipes:
        bench.make(store, recipe)
    store.ledger.put_many(ROWS)
    store.ledger.close()
    return {recipe.folder_name: recipe for recipe in recipes}


def flip(path: Path, place: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def damage_artifacts(store: Store, bench: Any, times: int) -> None:
    recipes = fill(store, bench)
    files = sorted(p for p in (store.root / "artifacts").rglob("*") if p.is_file())
    assert {MANIFEST, RUN, "documents.jsonl", "dropped.jsonl", "weights.bin"} == {p.name for p in files}
    chance = random.Random(times)
    for _ in range(times):
        path = chance.choice(files)
        place, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
        flip(path, place, bit)
        again = Store(store.root)
        named = {problem.file for problem in again.verify()}
        assert path in named, f"{path}: bit {bit} of byte {place} was not seen"
        assert {p.relative_to(store.root).parts[:2] for p in named} == {path.relative_to(store.root).parts[:2]}
        folder = next(p for p in path.parents if p.name in recipes)
        with pytest.raises(DataError) as caught:
            again.read(recipes[folder.name])
        assert str(path) in str(caught.value) and "delete" in str(caught.value)
        flip(path, place, bit)
    assert Store(store.root).verify() == []


def damage_ledger(store: Store, bench: Any, times: int) -> int:
    """Returns how many flips hit a row; those in pages' unused bytes change nothing and need not be seen."""
    fill(store, bench)
    path = store.ledger.path
    chance = random.Random(times)
    hits = 0
    for _ in range(times):
        place, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
        flip(path, place, bit)
        ledger = Ledger(path)
        named = {problem.file for problem in ledger.verify()}
        assert named <= {path}
        if named:
            hits += 1
        else:
            assert ledger.get_many(list(ROWS)) == ROWS, f"bit {bit} of byte {place} was not seen"
        never_wrong(ledger)
        ledger.close()
        flip(path, place, bit)
    assert Ledger(path).verify() == []
    return hits


def never_wrong(ledger: Ledger) -> None:
    for key, row in ROWS.items():
        try:
            assert ledger.get_many([key]).get(key, row) == row
        except DataError as error:
            assert str(ledger.path) in str(error)


def test_flips_in_artifacts(store: Store, bench: Any) -> None:
    damage_artifacts(store, bench, 150)


def test_flips_in_the_ledger(store: Store, bench: Any) -> None:
    assert damage_ledger(store, bench, 150) > 75


@pytest.mark.slow
def test_a_thousand_flips(store: Store, bench: Any) -> None:
    damage_artifacts(store, bench, 1000)


@pytest.mark.slow
def test_a_thousand_flips_in_the_ledger(store: Store, bench: Any) -> None:
    assert damage_ledger(store, bench, 1000) > 500


def test_every_bit_of_the_records(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    bench.make(store, recipe, weights=10)
    for name in (MANIFEST, RUN):
        path = store.folder(recipe) / name
        for place in range(path.stat().st_size):
            flip(path, place, 5)  # the bit between "e" and "E", which JSON would read as the same number
            with pytest.raises(DataError, match=name):
                store.find(recipe)
            flip(path, place, 5)


@pytest.mark.parametrize("name", [MANIFEST, RUN, "documents.jsonl", "adapter/weights.bin"])
def test_cut_lengthened_and_missing_files(name: str, store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    bench.make(store, recipe)
    path = store.folder(recipe) / name
    whole = path.read_bytes()
    for wrong in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"\n", bytes(len(whole))):
        path.write_bytes(wrong)
        assert path in {problem.file for problem in store.verify()}
        with pytest.raises(DataError, match=path.name):
            Store(store.root).read(recipe)
    path.unlink()
    assert path in {problem.file for problem in store.verify()}
    if name == RUN:  # a damaged record may be deleted; what it said is then not known
        assert store.find(recipe).run == {} and store.read(recipe).documents
    else:
        with pytest.raises(DataError, match=path.name):
            Store(store.root).read(recipe)


def test_a_ledger_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for content in (b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 5000):
        path.write_bytes(content)
        ledger = Ledger(path)
        assert [problem.file for problem in ledger.verify()] == [path]
        with pytest.raises(DataError, match="recover"):
            ledger.get_many(["a"])
        with pytest.raises(DataError, match="recover"):
            ledger.put_many({"a": {}})
        with pytest.raises(DataError, match="recover"):
            ledger.count()


def test_damaged_answers_are_dropped_and_can_be_asked_again(store: Store, bench: Any) -> None:
    fill(store, bench)
    place = store.ledger.path.read_bytes().index(b"answer 7, ")
    flip(store.ledger.path, place, 0)
    with pytest.raises(DataError, match="'key 7' is damaged"):
        store.ledger.get_many(["key 6", "key 7"])
    assert store.ledger.drop_damaged(dry=True) == 1 and store.ledger.count() == 120
    assert store.ledger.drop_damaged() == 1
    assert store.ledger.get_many(list(ROWS)) == {key: row for key, row in ROWS.items() if key != "key 7"}
    store.ledger.put_many(ROWS)
    assert store.ledger.get_many(list(ROWS)) == ROWS and store.ledger.verify() == []
