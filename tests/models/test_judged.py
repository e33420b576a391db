"""Ask before the teacher on a virtual clock: faults, hopeless errors, bad answers, limits, caches, budgets, batches.

Fast sizes here; ``python -m tests.models.trials`` runs the same at any size and prints the verdicts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from tests.models import trials

APIS = ("openai", "anthropic")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each trial names its own server; nothing of it may outlive the test.
    for name in ("COURT_BASE_URL", "COURT_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "set by the trial")


@pytest.mark.parametrize("api", APIS)
def test_faults_are_survived(tmp_path: Path, api: str) -> None:
    verdict = trials.faults(tmp_path, units=80, seed=7, api=api)
    assert not verdict.failures, verdict
    # Nothing but a fault is a reason for another call.
    assert verdict.more["calls a unit"] <= verdict.more["faults that need another call, a unit"] + 1.0001, verdict


@pytest.mark.parametrize(
    ("api", "kind"),
    [("openai", "401"), ("anthropic", "403"), ("openai", "404"), ("anthropic", "404")]
    + [(api, kind) for api in APIS for kind in ("spend", "context")],
)
def test_hopeless_errors_stop_the_run(tmp_path: Path, api: str, kind: str) -> None:
    verdict = trials.hopeless(tmp_path, kind=kind, api=api, units=90, start=30, in_flight=16)
    assert not verdict.failures, verdict


@pytest.mark.parametrize("form", ["tags", "text", "json", "fenced"])
def test_bad_answers_are_kept_aside_and_good_ones_used(tmp_path: Path, form: str) -> None:
    verdict = trials.contents(tmp_path, units=60, seed=7, form=form)
    assert not verdict.failures, verdict


def test_leftover_bytes_are_never_an_answer(tmp_path: Path) -> None:
    verdict = trials.faults(tmp_path, units=60, seed=7, api="openai", kinds={"duplicate": 1, "reset-after": 1})
    assert not verdict.failures, verdict


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    verdict = trials.redirected(tmp_path)
    assert not verdict.failures, verdict


@pytest.mark.parametrize("api", APIS)
def test_a_budget_holds(tmp_path: Path, api: str) -> None:
    verdict = trials.budget(tmp_path, api=api, units=120, in_flight=16)
    assert not verdict.failures, verdict


@pytest.mark.parametrize("api", APIS)
def test_the_spec_is_read_from_the_cache(tmp_path: Path, api: str) -> None:
    verdict = trials.cached(tmp_path, api=api, units=60)
    assert not verdict.failures and verdict.more["billed"] <= 0.2, verdict


def test_a_limit_is_used_and_respected(tmp_path: Path) -> None:
    verdict = trials.limited(tmp_path, per_minute=240, minutes=1.5, drop=None)
    # The floors (93 %, 2 %) are for runs of minutes (trials.py); here the start is a third of the run.
    assert verdict.more["used"] >= 0.85 and verdict.more["refused"] <= 0.04, verdict


@pytest.mark.parametrize("api", APIS)
def test_a_batch_that_takes_hours_passes_at_once(tmp_path: Path, api: str) -> None:
    verdict = trials.batch(tmp_path, api=api, units=60, plan={"hours": [2, 5]})
    assert not verdict.failures, verdict


@pytest.mark.slow
@pytest.mark.parametrize("api", APIS)
def test_a_days_batch_with_late_rows(tmp_path: Path, api: str) -> None:
    verdict = trials.batch(tmp_path, api=api, units=300)
    assert not verdict.failures and verdict.more["expired rows"], verdict


@pytest.mark.parametrize("api", APIS)
def test_orphans_are_adopted(tmp_path: Path, api: str) -> None:
    verdict = trials.batch(tmp_path, api=api, units=40, plan={"lost_replies": 0.7, "hours": [0.5, 1]})
    assert not verdict.failures, verdict


def test_online_and_batch_write_the_same_files(tmp_path: Path) -> None:
    verdict = trials.same_files(tmp_path, units=40)
    assert not verdict.failures, verdict


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    verdict = trials.names(tmp_path, units=100)
    assert not verdict.failures, verdict


def test_quoted_verdicts_are_not_verdicts() -> None:
    verdict = trials.verdicts(300, seed=7)
    assert not verdict.failures, verdict
