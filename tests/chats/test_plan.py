"""What a plan says of generated chats, and what a run at such lengths then costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.chats.school import ADDRESSES, PRICES, school
from tests.chats.test_generate import made
from tests.chats.test_hostile import talks
from tests.teacher.school import off

from midspec.core.asking import Terms
from midspec.experiment.plan import StoreLook
from midspec.models.money import estimate
from midspec.store.artifacts import Store

# Seeds of lengths that the plan does not know.
DRIFTS = [2, *(pytest.param(drift, marks=pytest.mark.slow) for drift in (1, 3, 4, 5, 6))]


def apart(count: int, folder: Path, monkeypatch: pytest.MonkeyPatch, drift: int = 0) -> dict[str, dict[str, float]]:
    """By model: how far the account of a run is from its plan, in shares."""
    with school(monkeypatch, folder, seed=3, drift=drift, cache={"on": False}) as (_, terms):
        wanted = talks(count=count)
        ahead = wanted.forecast(StoreLook(Store(folder / "store")))
        planned = [estimate(asking, terms) for asking in ahead.asks]
        _, account, _ = made(wanted, folder / "store", terms)
    return {address: off(planned, account, address) for address in ADDRESSES}


@pytest.mark.parametrize("count", [pytest.param(1000, marks=pytest.mark.slow), 120])
def test_the_account_of_a_run_is_what_its_plan_said(count: int, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, tokens and dollars within 10 %, where replies have the lengths that a plan reckons with."""
    found = apart(count, tmp_path, monkeypatch)
    assert all(abs(share) <= 0.1 for shares in found.values() for share in shares.values()), found


@pytest.mark.parametrize("drift", DRIFTS)
def test_what_other_lengths_do_to_a_plan(drift: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many chats are wanted, whatever their length: the writer's output is off by as much as its replies are."""
    found = apart(120, tmp_path, monkeypatch, drift)
    print(json.dumps({address: {key: round(share, 2) for key, share in by.items()} for address, by in found.items()}))
    assert all(abs(share) <= 0.1 for by in found.values() for key, share in by.items() if key in ("calls", "input")), (
        found)
    assert all(abs(by["cost"]) <= 0.3 and abs(by["output"]) <= 0.5 for by in found.values()), found


def test_ten_thousand_chats_are_planned_before_anything_is_asked(tmp_path: Path) -> None:
    """The paper's number of rows: what `midspec plan` says of it, at the example price of docs/asking.md."""
    ahead = talks(count=10_000).forecast(StoreLook(Store(tmp_path)))
    by = [(one.address, one.calls) for one in ahead.asks]
    assert [calls for _, calls in by] == [5, 1731, 11765, 11765] and ahead.tokens > 3_000_000
    (tmp_path / "prices.yaml").write_text(PRICES.replace("}", ", example: true}"), encoding="utf-8")
    priced = [estimate(one, Terms(prices=tmp_path / "prices.yaml")) for one in ahead.asks]
    assert 60 < sum(one.cost or 0.0 for one in priced) < 100
    assert all("an example, no real price" in one.source for one in priced)
