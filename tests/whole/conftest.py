"""One undisturbed run of ``experiments/tiny.py``, shared by the tests that look at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = REPOSITORY / "experiments" / "tiny.py"
# One thread: fp32 sums have one order, so artifacts can be compared byte by byte.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def midspec(*words: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "midspec.cli", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **ENVIRONMENT},
    )
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """(store, what the run printed, seconds)."""
    import time

    folder = tmp_path_factory.mktemp("tiny")
    started = time.time()
    done = midspec("run", str(TINY), "--store", "store", cwd=folder)
    return folder / "store", done.stdout + done.stderr, time.time() - started
