"""Crashes during a training: midspec under `ckpt-chaos`, HF Trainer's table beside it (R18).

Needs ckpt-chaos in the Python that runs this (`pip install ckpt-chaos`). Run from the repository:

    python benchmarks/checkpoint_chaos.py [--points 40] [--whole] [--without-peer]

ckpt-chaos is the referee: it runs an unmodified command once to see every file operation below its output folder,
kills a fresh copy at each of them (before it happens, or with the file torn in half), starts the command again and
compares all files that come out with those of the undisturbed run. Default: `fit` with a state every second update,
all states kept, so that the referee also sees whether the newest whole one is used. `--whole`: the same training as a
recipe in a store, claims, staging, publishing and manifest included. The exit code is 1 where a crash diverged silently
or needed a hand.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UPDATES, EVERY = 8, 2


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--points", type=int, default=40)
    options.add_argument("--whole", action="store_true", help="through the store")
    options.add_argument("--without-peer", action="store_true")
    options.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--digest", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.train:
        (in_a_store if given.whole else bare)(given.train)
    elif given.digest:
        print(digest(given.digest))
    else:
        referee(given)


def referee(given: argparse.Namespace) -> None:
    from ckpt_chaos import byo, runner

    from midspec.models.sources import resolve

    cache = tempfile.mkdtemp(prefix="midspec-chaos-")
    os.environ.update(MIDSPEC_CACHE=cache, HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    resolve("tiny/llama")  # made before anything is killed
    this = [sys.executable, str(Path(__file__).resolve())]
    train = [*this, "--train", "{out}", *(["--whole"] if given.whole else [])]
    contract: dict[str, Any] = {} if given.whole else {"checkpoint_glob": "{out}/scratch/states/update-*"}
    rows = byo.run_byo(train, None, Path(cache) / "runs", max_points=given.points, modes=("before", "torn"),
                       step_regex=r"resumed from update (\d+)", result_cmd=" ".join([*this, "--digest", "{out}"]),
                       **contract)
    runner.print_table(rows)
    if not given.without_peer:
        print("\nHF Trainer (ckpt-chaos's own target), the same referee:")
        runner.print_table(runner.run_matrix(Path(cache) / "peer", jobs=1))
    bad = [row for row in rows if row.verdict not in ("PASS", "LOST_WORK")]
    drift = [row for row in rows if not row.crashed and not row.label.startswith("no crash")]
    verdicts = dict(collections.Counter(row.verdict for row in rows))
    print(f"\nmidspec: {len(rows)} runs, {verdicts}; {len(bad)} silent or manual, {len(drift)} did not crash")
    shutil.rmtree(cache)
    raise SystemExit(1 if bad or drift else 0)


def digest(out: Path) -> str:
    """One sha256 over all files of the result, the marked record of times left out."""
    result = next(iter((out / "artifacts").iterdir())) if (out / "artifacts").is_dir() else out / "artifact"
    state = hashlib.sha256()
    for path in sorted(p for p in result.rglob("*") if p.is_file() and p.name != "run.json"):
        state.update(f"{path.relative_to(result)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


@dataclass
class FolderJob:
    """A stage's job over one folder: no store, no claims."""

    root: Path
    device: str = "cpu"
    trackers: tuple[str, ...] = ()
    answers: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.root / "artifact"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    def get(self, recipe: Any) -> Any:
        raise NotImplementedError

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def warn(self, message: str) -> None:
        print(message)

    def say(self, message: str) -> None:
        print(message)

    def step(self, done: int, of: int, **_: float) -> None:
        say(done)


STARTED: list[int] = []


def say(done: int) -> None:
    if not STARTED:
        STARTED.append(done)
        print(f"resumed from update {done - 1}", flush=True)


def bare(out: Path) -> None:
    shutil.rmtree(out / "artifact", ignore_errors=True)  # a stage begins with an empty folder
    (out / "artifact").mkdir(parents=True)
    (out / "scratch").mkdir(exist_ok=True)
    fitted(FolderJob(out), keep_states=99)


def in_a_store(out: Path) -> None:
    from midspec.core.checkpoint import Checkpoint
    from midspec.core.job import Job
    from midspec.core.recipe import Recipe
    from midspec.experiment.job import Settings, build
    from midspec.store.artifacts import Store

    @dataclass(frozen=True, kw_only=True)
    class Train(Recipe[Checkpoint]):
        def build(self, job: Job) -> Checkpoint:
            return fitted(job)

    build(Train(), Store(out), Settings(on_step=lambda done, of, numbers: say(done)))


def fitted(job: Any, **settings: Any) -> Any:
    """Eight updates of the tiny model on documents made here."""
    import torch

    from midspec.core.checkpoint import Base, Checkpoint
    from midspec.core.document import Corpus, Document
    from midspec.models.sources import digest_of, resolve
    from midspec.training.fit import fit
    from midspec.training.packing import pack_documents
    from midspec.training.schedule import Lora, Schedule

    torch.set_num_threads(1)
    base = Base("tiny/llama", None, digest_of(resolve("tiny/llama")))
    corpus = Corpus(tuple(Document(str(n), f"Tiny counts to {n}. " * (n % 9 + 1)) for n in range(60)))
    schedule = Schedule(updates=UPDATES, rows=4, micro=2, length=64, rate=3e-3)
    start = Checkpoint(Path("none"), base, "Tiny", "midspec", None)
    return fit(start, lambda tokenizer: pack_documents(corpus, tokenizer, 64), stage="midtrain", schedule=schedule,
               method=Lora(r=4, alpha=8), seed=1, job=job, save_every=EVERY, **settings)


if __name__ == "__main__":
    main()
