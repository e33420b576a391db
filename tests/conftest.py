"""Every test runs offline, in folders of its own, with a fixed number of threads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Set before anything imports torch or transformers. The cache is shared by one test run, never the user's.
_CACHE = tempfile.TemporaryDirectory(prefix="midspec-test-cache-")
os.environ["MIDSPEC_CACHE"] = os.environ.get("MIDSPEC_TEST_CACHE") or _CACHE.name
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HOME=str(Path(_CACHE.name) / "hf"),
    MPLCONFIGDIR=str(Path(_CACHE.name) / "mpl"),
    OMP_NUM_THREADS="2",
    TOKENIZERS_PARALLELISM="false",
)
for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN", "MIDSPEC_STORE"):
    os.environ.pop(key, None)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def repository() -> Path:
    """The checkout that is under test."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Commands write where they are called; a test that forgets to say where must not write into the checkout.
    monkeypatch.chdir(tmp_path)
    yield
