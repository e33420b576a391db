"""R1 with real processes: killed at any moment, nothing kept is lost or asked again, and the files are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from tests.models import kills


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COURT_BASE_URL", "COURT_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "set by the trial")


def test_ten_kills_with_calls_in_flight(tmp_path: Path) -> None:
    verdict = kills.online(tmp_path, kills=10, seed=7, units=150, longest=1.5)
    assert verdict.trials == 10 and not verdict.failures, verdict
    assert verdict.more["kills with calls in flight"] >= 5, verdict


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_kills_around_the_record_of_a_batch(tmp_path: Path, api: str) -> None:
    verdict = kills.batches(tmp_path, kills=4, seed=7, api=api)
    assert verdict.trials >= 4 and not verdict.failures, verdict


@pytest.mark.slow
@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_two_hundred_kills(tmp_path: Path, api: str) -> None:
    verdict = kills.online(tmp_path, kills=100, seed=11, api=api)
    print(verdict)
    assert verdict.trials == 100 and not verdict.failures, verdict


@pytest.mark.slow
@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_two_hundred_kills_around_batches(tmp_path: Path, api: str) -> None:
    verdict = kills.batches(tmp_path, kills=100, seed=11, api=api)
    print(verdict)
    assert verdict.trials >= 100 and not verdict.failures, verdict
