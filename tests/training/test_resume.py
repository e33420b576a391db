"""A training that is stopped and started again ends with the same bits as one that was not (R17)."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from midspec.core.checkpoint import Checkpoint
from midspec.core.document import Corpus
from midspec.core.file import sha256_of
from midspec.training.fit import fit
from midspec.training.packing import pack_documents
from midspec.training.schedule import Full, Lora, Schedule
from tests.training.conftest import FolderJob

UPDATES = 12
METHODS = {"lora": Lora(r=4, alpha=8), "full": Full()}


class Killed(BaseException):
    """Not an Exception: nothing may catch it."""


def run(
    start: Checkpoint, corpus: Corpus, root: Path, method: str, precision: str, stop: int | None = None, every: int = 3
) -> dict[str, str]:
    def on_step(done: int, of: int, numbers: dict[str, float]) -> None:
        if done == stop:
            raise Killed

    shutil.rmtree(root / "artifact", ignore_errors=True)  # a stage always begins with an empty folder
    job = FolderJob(root, on_step)
    schedule = Schedule(updates=UPDATES, rows=4, micro=2, length=96, rate=3e-3, precision=precision)
    fit(
        start,
        lambda tokenizer: pack_documents(corpus, tokenizer, 96),
        stage="midtrain",
        schedule=schedule,
        method=METHODS[method],
        seed=4,
        job=job,
        save_every=every,
    )
    return {str(p.relative_to(job.folder)): sha256_of(p) for p in sorted(job.folder.rglob("*")) if p.is_file()}


def compare(start: Checkpoint, corpus: Corpus, root: Path, method: str, precision: str, stops: list[int]) -> None:
    whole = run(start, corpus, root / "whole", method, precision)
    assert {"README.md", "metrics.jsonl"} < whole.keys()
    assert any(name.endswith(".safetensors") for name in whole)
    for number, stop in enumerate(stops):
        with pytest.raises(Killed):
            run(start, corpus, root / str(number), method, precision, stop)
        assert run(start, corpus, root / str(number), method, precision) == whole, f"stopped at update {stop}"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("method", METHODS)
def test_same_bits(method: str, precision: str, start: Checkpoint, corpus: Corpus, tmp_path: Path) -> None:
    draw = random.Random(f"{method} {precision}")
    compare(start, corpus, tmp_path, method, precision, draw.sample(range(1, UPDATES + 1), 2))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("method", METHODS)
def test_same_bits_at_every_update(
    method: str, precision: str, start: Checkpoint, corpus: Corpus, tmp_path: Path
) -> None:
    compare(start, corpus, tmp_path, method, precision, [*range(1, UPDATES + 1)])


def test_it_does_go_on_and_not_begin_anew(start: Checkpoint, corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(start, corpus, tmp_path, "lora", "fp32", stop=8)
    seen: list[int] = []
    schedule = Schedule(updates=UPDATES, rows=4, micro=2, length=96, rate=3e-3)
    shutil.rmtree(tmp_path / "artifact")
    job = FolderJob(tmp_path, lambda done, of, numbers: seen.append(done))
    fit(
        start,
        lambda tokenizer: pack_documents(corpus, tokenizer, 96),
        stage="midtrain",
        schedule=schedule,
        method=METHODS["lora"],
        seed=4,
        job=job,
    )
    assert seen == list(range(7, UPDATES + 1)) and job.said == [f"resumed at update 7 of {UPDATES}"]


@pytest.mark.parametrize("change", [{"seed": 5}, {"rate": 1e-3}, {"documents": 59}])
def test_another_recipe_never_goes_on_from_these_states(
    change: dict[str, Any], start: Checkpoint, corpus: Corpus, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        run(start, corpus, tmp_path, "lora", "fp32", stop=8)
    shutil.rmtree(tmp_path / "artifact")
    seen: list[int] = []
    schedule = Schedule(updates=UPDATES, rows=4, micro=2, length=96, rate=change.get("rate", 3e-3))
    less = Corpus(corpus.documents[: change.get("documents", 60)])
    with pytest.warns(RuntimeWarning, match="another training"):
        fit(
            start,
            lambda tokenizer: pack_documents(less, tokenizer, 96),
            stage="midtrain",
            schedule=schedule,
            method=METHODS["lora"],
            seed=change.get("seed", 4),
            job=FolderJob(tmp_path, lambda done, of, numbers: seen.append(done)),
        )
    assert seen[0] == 1


SCRIPT = """
import sys
from pathlib import Path
from tests.training.test_resume import run
from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.document import Corpus
from midspec.models.sources import digest_of, resolve
start = Checkpoint(Path("nowhere"), Base("tiny/llama", None, digest_of(resolve("tiny/llama"))), "Tiny", "midspec", None)
run(start, Corpus.read(Path(sys.argv[1])), Path(sys.argv[2]), "full", "fp32", every=1)
print("done")
"""


@pytest.mark.slow
def test_sigkill_at_random_times(start: Checkpoint, corpus: Corpus, tmp_path: Path, repository: Path) -> None:
    """The real thing: a process that saves after every update is killed again and again until it gets through."""
    corpus.write(tmp_path)

    def begin(root: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path), str(root)],
            cwd=repository,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def contents(root: Path) -> dict[str, str]:
        return {str(p.relative_to(root)): sha256_of(p) for p in sorted((root / "artifact").rglob("*")) if p.is_file()}

    whole = begin(tmp_path / "whole")
    began = time.monotonic()
    assert "done" in whole.communicate(timeout=300)[0]
    takes = time.monotonic() - began
    draw, kills = random.Random(9), 0
    for _ in range(100):
        process = begin(tmp_path / "killed")
        try:
            if "done" in process.communicate(timeout=draw.uniform(0.55, 1.0) * takes)[0]:
                break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
    assert kills >= 3
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
