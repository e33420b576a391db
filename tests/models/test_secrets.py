"""Keys stay where they belong (S5), and only the configured host is contacted (S10): real processes, canary keys."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from tests.models.court import KEY
from tests.models.guards import forms, secrets


def test_no_key_is_written_anywhere_and_no_stranger_is_met(tmp_path: Path) -> None:
    keys, hosts = secrets(tmp_path, seed=7)
    assert keys.trials > 20 and not keys.failures, keys
    assert hosts.trials >= 4 and not hosts.failures, hosts


def test_the_canary_would_be_found(tmp_path: Path) -> None:
    for form in forms(KEY):
        assert any(found in b"..." + form + b"..." for found in forms(KEY))
    assert base64.b64encode(b"x" + KEY.encode()) and any(
        form in base64.b64encode(b"x" + KEY.encode()) for form in forms(KEY)
    )
