"""What a plan says of written documents, and what a run at such lengths then takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.documents.corpora import recipe
from tests.documents.school import ADDRESSES, PRICES, school
from tests.teacher.school import off

from midspec import Checks, Model, Tree, build, load_spec
from midspec.core.asking import Account, Terms
from midspec.experiment.loose_documents import NoStore
from midspec.models.money import estimate

WRITER, CRITIC = (Model(address=address, structured="schema") for address in ADDRESSES)
OTHERS = {"writer": WRITER, "critic": CRITIC, "checks": Checks()}


# Seeds of lengths that the plan does not know: one always, the others where slow tests run.
DRIFTS = [2, *(pytest.param(drift, marks=pytest.mark.slow) for drift in (1, 3, 4, 5, 6))]


def apart(tokens: int, folder: Path, monkeypatch: pytest.MonkeyPatch, drift: int = 0) -> dict[str, dict[str, float]]:
    """By model: how far the account of a run is from its plan, in shares."""
    tree = Tree(domains=4, subdomains=12, types=12, ideas=6, words=400)
    wanted = recipe(load_spec("affordability"), tokens=tokens, tree=tree, **OTHERS)
    account = Account()
    with school(monkeypatch, folder, seed=3, drift=drift, cache={"on": False}) as (_, terms):
        planned = [estimate(asking, terms) for asking in wanted.forecast(NoStore()).asks]
        build(wanted, store=folder / "store", terms=terms, account=account)
    return {address: off(planned, account, address) for address in ADDRESSES}


@pytest.mark.parametrize("tokens", [30_000, pytest.param(300_000, marks=pytest.mark.slow)])
def test_the_account_of_a_run_is_what_its_plan_said(tokens: int, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, tokens and dollars of each model within 10 %, where replies are as long as people's."""
    found = apart(tokens, tmp_path, monkeypatch)
    assert all(abs(share) <= 0.1 for shares in found.values() for share in shares.values()), found


@pytest.mark.parametrize("drift", DRIFTS)
def test_what_other_lengths_do_to_a_plan(drift: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages a third longer or shorter than the plan has them, and single replies scattered around that: since so many
    tokens of documents are wanted, more of what is shorter is written, and money stays nearer than lengths do."""
    found = apart(30_000, tmp_path, monkeypatch, drift)
    print(json.dumps({address: {key: round(share, 2) for key, share in by.items()} for address, by in found.items()}))
    assert all(abs(by["cost"]) <= 0.2 for by in found.values()), found
    assert all(abs(share) <= 0.4 for by in found.values() for share in by.values()), found


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
