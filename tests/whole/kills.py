"""Kill a run of ``experiments/tiny.py`` with SIGKILL at random moments, again and again; the artifacts must not differ.

A parent that has imported everything forks a child for each attempt, so that a kill hits stages rather than imports.
By hand: ``OMP_NUM_THREADS=1 python -m tests.whole.kills REFERENCE_STORE KILLS SEED``.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.whole.artifacts import contents

TINY = Path(__file__).resolve().parents[2] / "experiments" / "tiny.py"
LONGEST_SECONDS = 3.0


def attempt(store: Path, seconds: float | None) -> bool:
    """Run the experiment in a child and kill it after ``seconds``; True where it finished first."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        from midspec import run

        try:
            run(TINY, store=store)
        except BaseException:
            os._exit(1)
        os._exit(0)
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if os.waitstatus_to_exitcode(status) != 0:
                raise AssertionError(f"a run after a kill failed with exit code {os.waitstatus_to_exitcode(status)}")
            return True
        if deadline is not None and time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.002)


def working_on(store: Path) -> str:
    """The stage that a kill hit, by what lies in staging."""
    return next((p.name.rpartition("-")[0] for p in sorted((store / "staging").glob("*"))), "between stages or report")


def kill_runs(reference: Path, kills: int, seed: int) -> Counter[str]:
    """``kills`` kills over as many complete runs as they need; returns how often each stage was hit.

    Raises:
        AssertionError: an artifact or report differs from the reference, or a run after a kill failed.
    """
    import peft  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401

    import midspec.experiment.verbs  # noqa: F401  imported before the fork

    chance, hit, expected = random.Random(seed), Counter[str](), contents(reference)
    while sum(hit.values()) < kills:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "store"
            finished = False
            while not finished:
                left = sum(hit.values()) < kills
                finished = attempt(store, chance.uniform(0, LONGEST_SECONDS) if left else None)
                if not finished:
                    hit[working_on(store)] += 1
            found = contents(store)
            differing = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))
            assert not differing, f"after kills (seed {seed}): {differing[:5]}"
            leftovers = [p for place in ("staging", "scratch") for p in (store / place).glob("*")]
            assert not leftovers, leftovers
            shutil.rmtree(store)
    return hit


if __name__ == "__main__":
    found = kill_runs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(f"{sum(found.values())} kills, 0 differing artifacts, by stage hit: {dict(found.most_common())}")
