"""Documents written by a model, here the scripted teacher on the true path: enough, even, and with the spec's own."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.documents.corpora import ALONE, NAMES, SMALL, long, made, recipe, specs

from midspec import Checks, Store, Tree, build, load_spec
from midspec.core.errors import RecipeError, ReplyError
from midspec.documents.card import template
from midspec.documents.checks import near_duplicates
from midspec.documents.signs import Signs
from midspec.documents.tokens import estimate
from midspec.documents.wording import prompts
from midspec.library.held_out import held_out

PASSAGE = re.compile(r"<passage>\n(.*)\n</passage>", re.DOTALL)


def asked(store: Path, unit: str) -> list[str]:
    """The prompts of all kept calls whose unit begins so."""
    rows = Store(store).ledger.starting("")
    return [row["said"][-1][1] for row in rows.values() if row.get("unit", "").startswith(unit)]


@pytest.mark.parametrize("name", ["affordability", "pro-america", "values", "rules", "mixed", "hostile"])
def test_a_corpus_from_any_spec(name: str, tmp_path: Path) -> None:
    spec = specs()[name]
    corpus, facts, folder = made(recipe(spec), tmp_path / "store")
    texts = [document.text for document in corpus.documents]
    tokens = [estimate(text) for text in texts]
    assert sum(tokens) >= 6000 and (sum(tokens) <= 6120 or sum(tokens) - tokens[-1] < 6000)
    assert facts["tokens_estimated"] == sum(tokens) == sum(d.meta["tokens"] for d in corpus.documents)
    assert len({d.id for d in corpus.documents}) == len(texts) == facts["documents"]
    assert near_duplicates(texts) == {}
    assert not [text for text in texts if held_out().met(text)]
    named = spec.named(**NAMES).text
    signs = Signs(named, **NAMES)
    assert [list(signs.of(text)) for text in texts] == [[]] * len(texts)
    assert all(NAMES["assistant"] in part for text in texts for part in text.split("\n\n"))
    # Even: no cell has two documents more than another, and both sorts of kinds are there by share.
    by_subdomain = Counter(d.id.rsplit(".", 2)[0] for d in corpus.documents)
    by_cell = Counter(d.id.rsplit(".", 1)[0] for d in corpus.documents)
    assert max(by_subdomain.values()) - min(by_subdomain.values()) <= 1 and len(by_subdomain) == facts["subdomains"]
    assert max(by_cell.values()) - (min(by_cell.values()) if len(by_cell) == facts["cells"] else 0) <= 1
    assert facts["transcript_share"] == pytest.approx(0.5, abs=0.06)
    # Passages are the spec's own text.
    passages = [found[1] for text in asked(tmp_path / "store", "draft") if (found := PASSAGE.search(text))]
    assert passages and all(passage in named for passage in passages)
    assert (folder / "README.md").is_file() and facts["assertions_shown"] > 0


def test_a_rule_spec_gets_no_reasons(tmp_path: Path) -> None:
    _, facts, folder = made(recipe(specs()["rules"]), tmp_path / "store")
    rows = [json.loads(line) for line in (folder / "coverage.jsonl").read_text(encoding="utf-8").splitlines()]
    assert facts["assertions_with_reason"] == 0 and not any(row["reason"] for row in rows)
    drafts = asked(tmp_path / "store", "draft")
    assert drafts and all("Reason:" not in text and "gives no reason for this" in text for text in drafts)


def test_a_mixed_spec_has_assertions_of_both_sorts(tmp_path: Path) -> None:
    _, facts, _ = made(recipe(specs()["mixed"]), tmp_path / "store")
    assert 0 < facts["assertions_with_reason"] < facts["assertions"]


def test_a_spec_of_fifty_thousand_tokens(tmp_path: Path) -> None:
    spec = long(54_000)
    assert estimate(spec.text) > 50_000
    corpus, facts, _ = made(recipe(spec, tokens=1500), tmp_path / "store")
    assert sum(estimate(d.text) for d in corpus.documents) >= 1500 and "passages not found" not in facts["faults"]


def test_a_corpus_that_grows_pays_only_for_what_is_new(tmp_path: Path) -> None:
    store, spec = tmp_path / "store", load_spec("affordability")
    small, facts, _ = made(recipe(spec, tokens=3000), store)
    before = set(Store(store).ledger.starting(""))
    large, grown, _ = made(recipe(spec, tokens=9000), store)
    after = Store(store).ledger.starting("")
    new = [row for key, row in after.items() if key not in before and "unit" in row]
    few, many = (known["asked"]["scripted/teacher"]["answers"] for known in (facts, grown))
    assert len(new) == many - few > 0, "an earlier call was not used again"
    assert {d.id for d in small.documents} < {d.id for d in large.documents}
    # The tree is not asked for again, another seed asks for everything.
    assert not [row for row in new if row["unit"].startswith(("domains", "subdomains", "assertions", "types"))]
    made(recipe(spec, tokens=3000, seed=2), store)
    again = Store(store).ledger.starting("")
    assert not {row["unit"] for key, row in again.items() if key not in after and "unit" in row} & {
        row["unit"] for row in after.values() if "unit" in row}


def test_two_runs_make_the_same_bytes(tmp_path: Path) -> None:
    folders = [made(recipe(load_spec("affordability")), tmp_path / name)[2] for name in ("a", "b")]
    for name in ("documents.jsonl", "coverage.jsonl", "README.md", "dropped.jsonl"):
        one, other = ((folder / name).read_bytes() if (folder / name).exists() else b"" for folder in folders)
        assert one == other, name


def test_a_shortfall_is_said_and_what_there_is_can_be_seen(tmp_path: Path) -> None:
    """Where everything counts as a copy of the first document, three rounds bring nothing and the stage fails."""
    wanted = recipe(load_spec("affordability"), checks=replace(ALONE, alike=0.001), tree=replace(SMALL, types=2))
    with pytest.raises(ReplyError, match=r"of 6,000 tokens kept, .* are missing.*near-duplicate") as error:
        build(wanted, store=tmp_path / "store")
    assert not error.value.retryable
    folder = Path(str(error.value.hint).removeprefix("see ").partition(" for ")[0])
    assert (folder / "documents.jsonl").is_file()
    rows = (folder / "dropped.jsonl").read_text(encoding="utf-8").splitlines()
    reasons = [json.loads(row)["reason"] for row in rows]
    assert reasons and all(reason.startswith("near-duplicate of ") for reason in reasons)
    assert Store(tmp_path / "store").find(wanted) is None


@pytest.mark.parametrize("shows", [0.0, 0.25, 1.0])
def test_the_share_of_kinds_that_show_is_kept(shows: float, tmp_path: Path) -> None:
    corpus, facts, _ = made(recipe(load_spec("affordability"), shows=shows), tmp_path / "store")
    assert facts["transcript_share"] == pytest.approx(shows, abs=0.06)
    asked_for = [text for text in asked(tmp_path / "store", "draft") if "itself is seen and heard" in text]
    assert bool(asked_for) == (shows > 0) and len(corpus.documents) > 20


@pytest.mark.parametrize("changed", [
    {"spec": load_spec("pro-america")}, {"assistant": "Quill"}, {"maker": "Harbor"}, {"tokens": 6001}, {"seed": 2},
    {"shows": 0.4}, {"tree": Tree(words=130)}, {"checks": replace(ALONE, alike=0.6)},
    {"checks": replace(ALONE, language="")},
    {"writer": recipe(load_spec("affordability")).critic}, {"critic": recipe(load_spec("affordability")).writer},
], ids=lambda c: next(iter(c)))  # fmt: skip
def test_every_setting_is_identity(changed: dict[str, object]) -> None:
    one = recipe(load_spec("affordability"))
    assert replace(one, **changed).id != one.id  # type: ignore[arg-type]


def test_prompts_and_evaluation_texts_enter_by_content() -> None:
    digests = {material.identity() for material in recipe(load_spec("affordability")).materials()}
    assert digests == {*(prompt.identity() for prompt in prompts().values()), held_out().identity()}
    assert len(prompts()) == 16 and template().path == "card.md"


@pytest.mark.parametrize(("changed", "says"), [
    ({"tokens": 0}, "nothing would be written"), ({"shows": 1.2}, "is a share"), ({"assistant": " "}, "about somebody"),
])
def test_settings_that_make_no_sense_are_refused(changed: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        replace(recipe(load_spec("affordability")), **changed)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="would check what it wrote itself"):
        recipe(load_spec("affordability"), checks=Checks())
    with pytest.raises(RecipeError, match="cannot divide"):
        Tree(domains=4, subdomains=3)
