"""Kills, failing and full disks: what was published stays whole, what was not is built anew, to the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from midspec.core.file import File
from midspec.stages.corpus_from_file import CorpusFromFile
from midspec.store.artifacts import Store
from midspec.store.ledger import Ledger


@pytest.mark.parametrize("kind", ["kill", "error"])
def test_every_crash_point(kind: str, tmp_path: Path, result: Callable[..., Any]) -> None:
    found = result("every_crash_point", tmp_path, kind)
    assert found["points"] >= 20, "the steps of a publication were not seen"
    # After the rename only the syncs of two folders and the removal of scratch files are left to fail.
    assert 2 <= found["published"] < found["points"] / 2


def kill_builds(folder: Path, times: int, builder: Callable[..., subprocess.Popen[str]]) -> None:
    chance = random.Random(times)
    for _ in range(times):
        process = builder("publish_for_ever", folder)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.06))
        process.kill()
        process.communicate()
        store = Store(folder / "store")
        assert store.verify() == []
        recipe = CorpusFromFile(file=File(str(folder / "texts.jsonl")))
        assert store.find(recipe) is None or len(store.read(recipe).documents) == 100


def test_kills_while_building(tmp_path: Path, builder: Callable[..., subprocess.Popen[str]]) -> None:
    kill_builds(tmp_path, 20, builder)


@pytest.mark.slow
def test_many_kills_while_building(tmp_path: Path, builder: Callable[..., subprocess.Popen[str]]) -> None:
    kill_builds(tmp_path, 200, builder)


def kill_writers(folder: Path, times: int, threads: int, builder: Callable[..., subprocess.Popen[str]]) -> int:
    chance = random.Random(times)
    path, promised = folder / "ledger.sqlite", set[str]()
    for run in range(times):
        process = builder("put_for_ever", path, run, threads)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0]
        promised |= {line for line in (first + rest).split("\n")[:-1]}
        ledger = Ledger(path)
        there = ledger.get_many(sorted(promised))
        assert promised <= there.keys(), "an answer was promised and is lost"
        assert all(value == {"text": key * 50} for key, value in there.items())
        ledger.close()
    assert Ledger(path).verify() == []
    return len(promised)


def test_promised_answers_survive_kills(tmp_path: Path, builder: Callable[..., subprocess.Popen[str]]) -> None:
    assert kill_writers(tmp_path, 20, 64, builder) >= 20


@pytest.mark.slow
def test_promised_answers_survive_many_kills(tmp_path: Path, builder: Callable[..., subprocess.Popen[str]]) -> None:
    assert kill_writers(tmp_path, 200, 64, builder) >= 200


GOOD = {"problems": [], "lost": 0, "count": 400, "same": True}


@pytest.mark.parametrize("limit", [1_000, 20_000, 200_000])
def test_files_that_may_not_grow(limit: int, tmp_path: Path, result: Callable[..., Any]) -> None:
    short = result("short_of_space", tmp_path / "disk", limit)
    assert len(short["said"]) == 2 and short["said"][1].startswith("SetupError") and short["kept"] < 400, short
    assert result("with_space_again", tmp_path / "disk", short["kept"]) == {**GOOD, "found": False}


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_full_disks(tmp_path: Path, result: Callable[..., Any]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    said, found = set[str](), set[bool]()
    for size in (40, 120, 280, *range(360, 460, 20), 700, 8000):
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], capture_output=True
        ).returncode:
            pytest.skip("mounting is not allowed here")
        try:
            short = result("short_of_space", disk, 0)
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            later = result("with_space_again", disk, short["kept"])
        finally:
            subprocess.run(["umount", disk], check=True)
        built = not any(not text.startswith("SetupError") or "published" in text for text in short["said"])
        assert later == {**GOOD, "found": built}, (size, short)
        said |= {text.partition(":")[0] for text in short["said"]}
        found.add(built)
    assert "SetupError" in said and found == {False, True}, "no size was too small, or none was large enough"
