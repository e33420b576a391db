"""What is published, found, read, checked and removed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import ClaimError, DataError, SetupError
from midspec.store.artifacts import Store
from midspec.store.manifest import verify_artifact


def test_nothing_is_there_at_first(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    assert store.find(recipe) is None and store.manifests() == [] and store.verify() == []
    assert store.collect(set(), dry=False) == [] and not store.root.exists()
    with pytest.raises(DataError, match="not in"):
        store.read(recipe)


def test_what_is_published_is_found_and_read(store: Store, bench: Any) -> None:
    first = bench.Write(words=2)
    made = bench.make(store, first)
    second = bench.make(store, bench.Write(words=2, after=first))
    assert store.find(first) == made and store.manifests() == sorted([made, second], key=lambda m: m.folder_name)
    assert [d.text for d in store.read(first).documents] == [f"text {n} " * 2 for n in range(20)]
    assert (made.id, made.label, made.version, made.facts) == (first.id, "write", 1, {"documents": 20, "share": 0.25})
    assert made.run == {"seconds": 1.5} and made.inputs == {} and second.inputs == {first.id: made.digest}
    folder = store.folder(first)
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert files == {*made.outputs, "manifest.json", "run.json"}
    for name, digest in made.outputs.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert json.loads((folder / "manifest.json").read_text())["description"]["fields"]["words"] == 2
    assert not list((store.root / "staging").iterdir()) and store.verify() == []


def test_manifests_are_the_same_in_every_run(tmp_path: Path, bench: Any) -> None:
    content = list[bytes]()
    for name, seconds in (("a", 1), ("b", 2)):
        store = Store(tmp_path / name)
        bench.make(store, bench.Write(words=2), run={"seconds": seconds})
        made = bench.make(store, bench.Write(words=3, after=bench.Write(words=2)), run={"seconds": seconds})
        content.append((store.folder(bench.Write(words=3, after=bench.Write(words=2))) / "manifest.json").read_bytes())
        assert made.run == {"seconds": seconds}
    assert content[0] == content[1]


def test_finding_is_cheap_and_reading_is_not_blind(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    bench.make(store, recipe, weights=1000)
    weights = store.folder(recipe) / "adapter" / "weights.bin"
    os.truncate(weights, 40 * 2**30)  # a hole: hashing it would take a minute
    started = time.perf_counter()
    assert store.find(recipe) is not None
    assert time.perf_counter() - started < 0.5
    with pytest.raises(DataError, match=r"weights\.bin: 42949672960 bytes where 1000 were written"):
        store.read(recipe)


def test_files_that_do_not_belong_are_named(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    bench.make(store, recipe)
    (store.folder(recipe) / "adapter" / "more.txt").write_text("x")
    assert [problem.file.name for problem in store.verify()] == ["more.txt"]


def publish(store: Store, recipe: Any, fill: Any, facts: dict[str, Any] | None = None) -> None:
    with store.claim(recipe):
        staging = store.staging(recipe)
        fill(staging)
        store.publish(recipe, staging, facts or {}, {})


def text(folder: Path) -> None:
    (folder / "documents.jsonl").write_text('{"id": "a", "text": "b"}\n')


@pytest.mark.parametrize(
    ("fill", "facts", "expected"),
    [
        (lambda folder: None, {}, "made no file"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), {}, "reserved"),
        (lambda folder: (folder / "run.json").write_text("{}"), {}, "reserved"),
        (lambda folder: (folder / "link").symlink_to("/etc/passwd"), {}, "not a plain file"),
        (lambda folder: (folder / "link").symlink_to("/etc"), {}, "not a plain file"),
        (lambda folder: os.mkfifo(folder / "pipe"), {}, "not a plain file"),
        (text, {"loss": float("nan")}, "manifest.json"),
        (text, {"path": Path("x")}, "manifest.json"),
    ],
    ids=["empty", "manifest", "run", "link to a file", "link to a folder", "pipe", "nan", "path"],
)
def test_what_cannot_be_an_artifact(store: Store, bench: Any, fill: Any, facts: dict[str, Any], expected: str) -> None:
    recipe = bench.Write(words=1)
    with pytest.raises(DataError, match=expected):
        publish(store, recipe, fill, facts)
    assert store.find(recipe) is None and store.verify() == []


def test_an_input_must_be_there(store: Store, bench: Any) -> None:
    with pytest.raises(DataError, match="its input write-"):
        bench.make(store, bench.Write(words=1, after=bench.Write(words=2)))


def test_a_published_artifact_stays(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    made = bench.make(store, recipe)
    publish(store, recipe, text)
    assert store.find(recipe) == made and not list((store.root / "staging").iterdir())


def test_folders_of_work(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    with store.claim(recipe):
        (store.staging(recipe) / "half").write_text("x")
        (store.scratch(recipe) / "step-10").write_text("y")
        assert list(store.staging(recipe).iterdir()) == []
        assert (store.scratch(recipe) / "step-10").read_text() == "y"
    bench.make(store, recipe)
    assert not list((store.root / "scratch").iterdir())


def test_another_recipe_with_the_same_short_name_is_refused(store: Store, bench: Any) -> None:
    first, second = bench.Write(words=1), bench.Write(words=2)
    bench.make(store, first)
    store.folder(first).rename(store.folder(second))
    with pytest.raises(DataError, match="wanted"):
        store.find(second)
    assert [problem.file.parent for problem in store.verify()] == [store.folder(second)]


def test_an_artifact_is_checked_wherever_it_lies(store: Store, bench: Any, tmp_path: Path) -> None:
    recipe = bench.Write(words=1)
    bench.make(store, recipe)
    copy = store.folder(recipe).rename(tmp_path / "released")
    assert verify_artifact(copy) == []
    (copy / "documents.jsonl").write_text("x")
    assert [problem.file.name for problem in verify_artifact(copy)] == ["documents.jsonl"]


def test_an_input_that_was_made_anew_differently_is_named(store: Store, bench: Any) -> None:
    first = bench.Write(words=1)
    bench.make(store, first)
    later = bench.Write(words=1, after=first)
    bench.make(store, later)
    store.collect({later.id}, dry=False)
    assert store.find(first) is not None, "an input of what is kept is kept"
    import shutil

    shutil.rmtree(store.folder(first))
    assert store.verify() == []
    bench.make(store, first, weights=4000)
    (problem,) = store.verify()
    assert problem.file.parent == store.folder(later) and "another version of input" in problem.what


def test_collecting(store: Store, bench: Any) -> None:
    first, loose = bench.Write(words=1), bench.Write(words=5)
    kept = bench.Write(words=2, after=first)
    unfinished, given_up = bench.Write(words=3), bench.Write(words=4)
    for recipe in (first, kept, loose):
        bench.make(store, recipe)
    for recipe in (unfinished, given_up):
        with store.claim(recipe):
            store.staging(recipe)
            (store.scratch(recipe) / "step").write_text("x")
    (store.folder(loose) / "manifest.json").write_bytes(b"{}")  # damaged things go too
    expected = {
        store.folder(loose),
        store.root / "scratch" / given_up.folder_name,
        store.root / "staging" / unfinished.folder_name,
        store.root / "staging" / given_up.folder_name,
    }
    keep = {kept.id, unfinished.id}
    assert set(store.collect(keep, dry=True)) == expected and all(path.exists() for path in expected)
    with store.claim(unfinished), pytest.raises(ClaimError, match=f"process {os.getpid()}"):
        store.collect(keep, dry=False)
    assert set(store.collect(keep, dry=False)) == expected and not any(path.exists() for path in expected)
    assert (
        store.find(first) and store.find(kept) and (store.root / "scratch" / unfinished.folder_name / "step").exists()
    )
    assert store.verify() == [] and store.collect(keep, dry=False) == []


def test_damage_after_the_first_reading_in_another_process_is_seen_by_the_next(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    bench.make(store, recipe)
    store.read(recipe)
    (store.folder(recipe) / "adapter" / "weights.bin").write_bytes(bytes(5000))
    with pytest.raises(DataError, match="changed since"):
        Store(store.root).read(recipe)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of open files are read from /proc")
def test_bytes_are_on_the_disk_before_the_name(store: Store, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    events = list[str]()
    sync, rename = os.fsync, os.rename

    def watched_sync(handle: int) -> None:
        sync(handle)
        events.append(str(Path(f"/proc/self/fd/{handle}").readlink()))

    def watched_rename(old: Path, new: Path) -> None:
        rename(old, new)
        events.append("rename")

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "rename", watched_rename)
    recipe = bench.Write(words=1)
    bench.make(store, recipe)
    folder, staging = store.folder(recipe), store.root / "staging" / recipe.folder_name
    before, after = set(events[: events.index("rename")]), set(events[events.index("rename") :])
    written = {staging / path.relative_to(folder) for path in (folder, *folder.rglob("*"))}
    assert {str(path) for path in written} == before
    assert str(folder.parent) in after and events[events.index("rename") - 1] == str(staging)


@pytest.mark.parametrize("name", ["fsync", "rename", "open"])
def test_a_failing_disk_is_said_in_one_sentence(
    name: str, store: Store, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = bench.Write(words=1)

    def full(*arguments: Any, **settings: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(store.root / "here"))

    with store.claim(recipe):
        staging = store.staging(recipe)
        text(staging)
        monkeypatch.setattr(os, name, full)
        with pytest.raises(SetupError, match="here: No space left on device; nothing was published") as caught:
            store.publish(recipe, staging, {}, {})
        monkeypatch.undo()
        assert "free space" in str(caught.value)
    assert store.find(recipe) is None
