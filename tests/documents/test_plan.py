"""What a plan says of written documents, and what a run at such lengths then takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.documents.corpora import recipe
from tests.documents.school import ADDRESSES, PRICES, school

from midspec import Checks, Model, Tree, build, load_spec
from midspec.core.asking import Account, Terms
from midspec.experiment.loose_documents import NoStore
from midspec.models.money import estimate

WRITER, CRITIC = (Model(address=address, structured="schema") for address in ADDRESSES)
OTHERS = {"writer": WRITER, "critic": CRITIC, "checks": Checks()}


@pytest.mark.parametrize("tokens", [30_000, pytest.param(300_000, marks=pytest.mark.slow)])
def test_the_account_of_a_run_is_what_its_plan_said(tokens: int, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, tokens and dollars of each model within 10 %, where replies are as long as people's."""
    tree = Tree(domains=4, subdomains=12, types=12, ideas=6, words=400)
    wanted = recipe(load_spec("affordability"), tokens=tokens, tree=tree, **OTHERS)
    account = Account()
    with school(monkeypatch, tmp_path, seed=3, cache={"on": False}) as (_, terms):
        planned = [estimate(asking, terms) for asking in wanted.forecast(NoStore()).asks]
        build(wanted, store=tmp_path / "store", terms=terms, account=account)
    for address in ADDRESSES:
        own = [one for one in planned if one.asking.address == address]
        (spent,) = [row for row in account.rows() if row["model"] == address]
        told = {"calls": sum(e.asking.calls for e in own), "input": sum(e.usage.input for e in own),
                "output": sum(e.usage.output for e in own),
                "cost": sum(e.cost or 0.0 for e in own)}
        assert {key: spent[key] for key in told} == pytest.approx(told, rel=0.1), address


def test_the_papers_corpus_is_planned_before_anything_is_asked(tmp_path: Path) -> None:
    """13,201 documents, 41 million tokens, 8 domains, 26 subdomains, 20 types, 25 ideas: as docs/writing.md says."""
    tree = Tree(domains=8, subdomains=26, types=20, ideas=25, words=round(41_000_000 / 13_201 / 1.25))
    ahead = recipe(load_spec("affordability"), tokens=41_000_000, tree=tree, **OTHERS).forecast(NoStore())
    calls = [one.calls for one in ahead.asks]
    drafts = calls[5]
    assert calls[:5] == [1, 8, 26, 26, 1040] and drafts * 0.97 == pytest.approx(13_201, rel=0.001)
    assert sum(one.calls for one in ahead.asks if one.address == CRITIC.address) == calls[6] + drafts
    (tmp_path / "prices.yaml").write_text(PRICES.replace("}", ", example: true}"), encoding="utf-8")
    priced = [estimate(one, Terms(prices=tmp_path / "prices.yaml")) for one in ahead.asks]
    assert all("an example, no real price" in one.source for one in priced)
    told = [f"{name} | {sum(e.asking.calls for e in own):,} | {sum(e.usage.input for e in own) / 1e6:.0f} M | "
            f"{sum(e.usage.output for e in own) / 1e6:.0f} M | ${sum(e.cost or 0 for e in own):,.0f}"
            for name, address in zip(("writer", "critic"), ADDRESSES, strict=True)
            for own in [[one for one in priced if one.asking.address == address]]]
    page = (Path(__file__).resolve().parents[2] / "docs" / "writing.md").read_text(encoding="utf-8")
    assert all(f"| {line} |" in page for line in told), told
