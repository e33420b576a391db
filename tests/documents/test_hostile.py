"""Hostile replies at every stage of a corpus: none of them reaches its files, none that is good is lost, and what was
paid before a stage failed is not paid again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.documents.corpora import SMALL, recipe
from tests.documents.school import ADDRESSES, School, school
from tests.documents.test_plan import OTHERS

from midspec import GenerateDocuments, Model, Store, build, load_spec
from midspec.core.asking import Account, Terms
from midspec.core.document import Corpus
from midspec.core.errors import StoppedError
from midspec.core.rows import read_rows

# Right replies that look dangerous, beside those that must be refused.
KINDS = ("refusal", "refusal-inside", "cut-off", "cut-off-silently", "no-tags", "two-tags", "nested-tags", "open-tag",
         "plan-only", "empty", "broken-json", "wrong-shape", "meta-talk", "loop", "wrong-language", "echo", "markup",
         "braces", "control-tokens", "path-names", "quoted-refusal", "injection", "fenced-json", "repairable-json")
# Not about the reply itself: enough were kept, or three replies in a row about a text were refused.
MEANT = ("spare", "no usable reply", "no readable verdict", "near-duplicate")
# A text with a blank, an odd character or a paragraph about somebody else is right as a reply and wrong as a document.
OURS = {"still wrong after a rewrite": {"braces", "control-tokens", "markup", "path-names", "injection",
                                        "quoted-refusal"}}
TRACER = re.compile(r"zq[0-9a-f]{12}")


def wanted(**changes: Any) -> GenerateDocuments:
    return recipe(load_spec("affordability"), **OTHERS | changes)


def trial(one: School, terms: Terms, folder: Path, recipe: GenerateDocuments) -> Counter[str]:
    """Counts of what went wrong, none of which may be above 0, of ``replies``, and of stages that saw bad ones."""
    place = build(recipe, store=folder / "store", terms=terms)
    rows = {row.tracer: row for row in one.record.rows if row.outcome == "reply"}
    dropped: list[dict[str, Any]] = [row for _, row in read_rows(place / "dropped.jsonl")]
    wrong = Counter[str](replies=len(rows))
    for name in ("documents.jsonl", "coverage.jsonl", "README.md"):
        for tracer in set(TRACER.findall((place / name).read_text(encoding="utf-8"))):
            wrong[f"{rows[tracer].content} in {name}"] += not rows[tracer].usable
    said = {text: tracer for tracer, text in (one.texts or {}).items() if text}
    for row in dropped:
        if "asked" in row:
            tracer = said.get(str(row["text"]))
            wrong[f"refused and never said: {row['id']}"] += tracer is None and bool(row["text"].strip())
            # What is planted into a short text may make it longer than a document may be.
            if tracer is not None and rows[tracer].usable and "words, at most" not in row["detail"]:
                wrong[f"a good one refused: {row['id']}, {rows[tracer].content}, {row['detail']}"] += 1
            continue
        reason, _, _ = row["reason"].partition(":")
        kinds = {rows[tracer].content for tracer in TRACER.findall(row["text"])}
        allowed = reason.startswith(MEANT) or kinds & OURS.get(reason, set())
        wrong[f"dropped for {row['reason']}: {kinds}"] += not allowed
    wrong["stages"] = len({row["id"].split()[0] for row in dropped if "asked" in row})
    return wrong


@pytest.mark.parametrize("tokens", [6000, pytest.param(520_000, marks=pytest.mark.slow)])
def test_hostile_replies(tokens: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"bad": 0.55, "kinds": dict.fromkeys(KINDS, 1.0)}
    tree = replace(SMALL, types=20, ideas=25) if tokens > 6000 else SMALL
    with school(monkeypatch, tmp_path, full=False, seed=11, content=content) as (one, terms):
        found = trial(one, terms, tmp_path, wanted(tokens=tokens, tree=tree))
        corpus = Store(tmp_path / "store").read(wanted(tokens=tokens, tree=tree))
    assert sum(document.meta["tokens"] for document in corpus.documents) >= tokens
    print(f"{found['replies']:,} replies, {sum(not row.usable for row in one.record.rows if row.outcome == 'reply'):,} "
          f"of them hostile; {len(corpus.documents):,} documents")
    assert found.pop("replies") >= (10_000 if tokens > 6000 else 150)
    assert found.pop("stages") >= (6 if tokens > 6000 else 4)
    assert not +found, json.dumps(found, indent=1)


@pytest.mark.parametrize("start", [0, 2, 6, 12, 20, 60, 100])
def test_what_was_paid_before_a_failure_is_not_paid_again(start: int, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """The account runs out at a call of each stage: domains, subdomains, assertions, types, ideas, drafts, verdicts."""
    plan: dict[str, Any] = {"full": False, "seed": 5, "content": {"bad": 0.2}, "latency": {"first_s": 0.5}}
    with school(monkeypatch, tmp_path, **plan) as (one, terms):
        whole = Corpus.read(build(wanted(), store=tmp_path / "whole", terms=terms))
        paid = {row.unit for row in one.record.rows if row.paid}
    with school(monkeypatch, tmp_path, **plan, hopeless={"kind": "spend", "start": start}) as (one, terms):
        store, few = Store(tmp_path / "broken"), replace(terms, in_flight=4)
        with pytest.raises(StoppedError):
            build(wanted(), store=store, terms=few)
        assert not list((store.root / "artifacts").glob("generate-documents*")), "nothing half made is published"
        one.plan.hopeless.kind = None
        again = Corpus.read(build(wanted(), store=store, terms=few))
        bought = [row.unit for row in one.record.rows if row.paid]
    assert again == whole and len(bought) == len(set(bought)) and set(bought) == paid


def test_a_critic_that_fails_leaves_the_writers_work_to_another(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    with school(monkeypatch, tmp_path, full=False, seed=5) as (one, terms):
        store, account = Store(tmp_path / "store"), Account()
        one.plan.models = ("writer",)
        with pytest.raises(StoppedError):
            build(wanted(), store=store, terms=terms)
        before = sum(row.paid for row in one.record.rows)
        one.plan.models = ()
        other = Model(address=ADDRESSES[1], structured="schema", temperature=0.0)
        corpus = Corpus.read(build(wanted(critic=other), store=store, terms=terms, account=account))
        lines = {row["model"]: row["calls"] for row in account.rows()}
    assert len(corpus.documents) > 20 and before > 50 and lines[ADDRESSES[1]] >= len(corpus.documents)
    assert lines.get(ADDRESSES[0], 0) < before / 2
