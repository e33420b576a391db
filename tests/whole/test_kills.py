"""Killed anywhere, started at once a hundred times: the same artifacts, each built once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from midspec import Pretrained, Store
from tests.whole.artifacts import contents
from tests.whole.conftest import ENVIRONMENT, REPOSITORY, TINY

Run = tuple[Path, str, float]


def kill(reference: Path, kills: int, seed: int) -> str:
    command = [sys.executable, "-m", "tests.whole.kills", str(reference), str(kills), str(seed)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT})
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_killed_runs_make_the_same_artifacts(tiny_run: Run) -> None:
    assert "12 kills" in kill(tiny_run[0], 12, seed=1)


@pytest.mark.slow
def test_two_hundred_kills(tiny_run: Run) -> None:
    shown = kill(tiny_run[0], 200, seed=2)
    assert "200 kills" in shown
    print(shown)


def test_who_waits_is_told_for_whom(tmp_path: Path) -> None:
    """Whether processes that start at once meet is chance; here the first artifact is held until the run says so."""
    store = Store(tmp_path / "store")
    command = [sys.executable, "-m", "midspec.cli", "run", str(TINY), "--store", str(store.root)]
    with store.claim(Pretrained(source="tiny/llama")):
        run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **ENVIRONMENT})
        assert run.stderr is not None
        told = next(line for line in run.stderr if line.startswith("waiting: "))
    run.kill()
    run.communicate()
    assert f"in the hands of process {os.getpid()}" in told


def start_at_once(processes: int, tiny_run: Run, folder: Path) -> None:
    command = [sys.executable, "-m", "midspec.cli", "run", str(TINY), "--store", "store", "--json"]
    started = [
        subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT},
        )
        for _ in range(processes)
    ]
    tallies, said = [], ""
    for process in started:
        out, err = process.communicate(timeout=3000)
        assert process.returncode == 0, err[-3000:]
        tallies.append(json.loads(out)["tally"])
        said += err
    artifacts = [p for p in (folder / "store" / "artifacts").iterdir() if p.is_dir()]
    assert sum(t["built"] for t in tallies) == len(artifacts), "each artifact was built once"
    assert "built by another process" in said, "who came second was told"
    assert contents(folder / "store") == contents(tiny_run[0])


def test_processes_started_at_once_share_the_work(tiny_run: Run, tmp_path: Path) -> None:
    start_at_once(4, tiny_run, tmp_path)


@pytest.mark.slow
def test_a_hundred_processes_started_at_once(tiny_run: Run, tmp_path: Path) -> None:
    start_at_once(100, tiny_run, tmp_path)
