"""R12: whoever starts at the same moment, one pays; the others are told who it is."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("openai")

from tests.models.court import where
from tests.models.guards import starts


@pytest.mark.parametrize("starters", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_one_pays_and_the_others_are_told_who(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starters: int
) -> None:
    for name in where(""):
        monkeypatch.setenv(name, "set by the trial")
    verdict = starts(tmp_path, starters=starters)
    assert verdict.trials == starters and not verdict.failures, verdict
