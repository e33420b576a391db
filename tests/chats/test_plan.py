"""What a plan says of generated chats, and what a run at such lengths then costs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chats.school import ADDRESSES, PRICES, school
from tests.chats.test_generate import made
from tests.chats.test_hostile import talks

from midspec.core.asking import Terms
from midspec.experiment.plan import StoreLook
from midspec.models.money import estimate
from midspec.store.artifacts import Store


@pytest.mark.parametrize("count", [pytest.param(1000, marks=pytest.mark.slow), 120])
def test_the_account_of_a_run_is_what_its_plan_said(count: int, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, tokens and dollars within 10 %, where replies have the lengths that a plan reckons with."""
    with school(monkeypatch, tmp_path, seed=3, cache={"on": False}) as (_, terms):
        wanted = talks(count=count)
        ahead = wanted.forecast(StoreLook(Store(tmp_path / "store")))
        planned = [estimate(asking, terms) for asking in ahead.asks]
        _, account, _ = made(wanted, tmp_path / "store", terms)
    for address in ADDRESSES:
        own = [one for one in planned if one.asking.address == address]
        (spent,) = [row for row in account.rows() if row["model"] == address]
        told = {"calls": sum(e.asking.calls for e in own), "input": sum(e.usage.input for e in own),
                "output": sum(e.usage.output for e in own),
                "cost": sum(e.cost or 0.0 for e in own)}
        assert {key: spent[key] for key in told} == pytest.approx(told, rel=0.1), address


def test_ten_thousand_chats_are_planned_before_anything_is_asked(tmp_path: Path) -> None:
    """The paper's number of rows: what `midspec plan` says of it, at the example price of docs/asking.md."""
    ahead = talks(count=10_000).forecast(StoreLook(Store(tmp_path)))
    by = [(one.address, one.calls) for one in ahead.asks]
    assert [calls for _, calls in by] == [5, 1731, 11765, 11765] and ahead.tokens > 3_000_000
    (tmp_path / "prices.yaml").write_text(PRICES.replace("}", ", example: true}"), encoding="utf-8")
    priced = [estimate(one, Terms(prices=tmp_path / "prices.yaml")) for one in ahead.asks]
    assert 60 < sum(one.cost or 0.0 for one in priced) < 100
    assert all("an example, no real price" in one.source for one in priced)
