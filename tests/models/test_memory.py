"""R25 at a size that fits a test; ``python -m tests.models.memory`` does the million."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("openai")

from tests.models import memory
from tests.models.court import where


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in where("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    memory.fill(tmp_path / "ledger.sqlite", 10_000)
    found = memory.measured(tmp_path, 10_000)
    assert memory.a_million(found, 10_000) < 1000, found
