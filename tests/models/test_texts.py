"""S2: text is inserted, never interpreted: prompt → body → wire → reply → ledger, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from tests.models import guards
from tests.models.court import where


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_text_is_inserted_and_never_interpreted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    for name in where(""):
        monkeypatch.setenv(name, "set by the trial")
    verdict = guards.texts(tmp_path, strings=count, seed=7)
    print(verdict)
    assert verdict.trials == count and not verdict.failures, verdict
