"""Hostile replies at every stage of a chat set: none of them reaches the chats, none that is good is lost, and what
was paid before a stage failed is not paid again.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chats.school import ADDRESSES, School, school
from tests.chats.test_generate import made, recipe, values

from midspec.core.asking import Terms
from midspec.core.errors import StoppedError
from midspec.core.rows import read_rows
from midspec.models.model import Model
from midspec.stages.generate_chats import GenerateChats, Sifting
from midspec.store.artifacts import Store

WRITER, JUDGE = (Model(address=address, structured="schema") for address in ADDRESSES)
# Right replies that look dangerous, beside those that must be refused. A message or reply that asks for the system
# prompt, or that leaves a blank, is right as a text and wrong in a chat, so the sieve drops it and says so.
KINDS = ("refusal", "refusal-inside", "cut-off", "cut-off-silently", "no-tags", "two-tags", "nested-tags", "open-tag",
         "plan-only", "empty", "broken-json", "wrong-shape", "meta-talk", "loop", "wrong-language", "echo", "markup",
         "braces", "control-tokens", "path-names", "quoted-refusal", "injection", "fenced-json", "repairable-json")
MEANT = {"near-duplicate message", "near-duplicate reply", "not informative", "verdict unreadable"}
OURS = {"blank left": ("braces",), "empty refusal": ("refusal", "refusal-inside"),
        "mentions the spec": ("injection", "refusal", "refusal-inside"),
        "message mentions the spec": ("injection",)}
TRACER = re.compile(r"zq[0-9a-f]{12}")


def talks(**changes: Any) -> GenerateChats:
    fields: dict[str, Any] = {"writer": WRITER, "judge": JUDGE, "sifting": Sifting()}
    return recipe(values(), **fields | changes)


def trial(one: School, terms: Terms, folder: Path, count: int) -> Counter[str]:
    """Counts of what went wrong, none of which may be above 0, and of ``replies``."""
    chats, _, place = made(talks(count=count), folder, terms)
    rows = {row.tracer: row for row in one.record.rows if row.outcome == "reply"}
    dropped: list[dict[str, Any]] = [row for _, row in read_rows(place / "dropped.jsonl")]
    text = (place / "chats.jsonl").read_text(encoding="utf-8")
    used = set(TRACER.findall(text))
    wrong = Counter[str](replies=len(rows), chats=len(chats.chats))
    wrong["hostile in the chats"] = sum(not rows[tracer].usable for tracer in used)
    # A reply that was refused as such is kept aside by whoever asked, with the address; the sieve names none.
    said = {text: tracer for tracer, text in (one.texts or {}).items() if text}
    for row in dropped:
        if "asked" in row and (tracer := said.get(str(row["text"]))) is not None and rows[tracer].usable:
            wrong[f"a good one refused: {row['id']}, {rows[tracer].content}, {row['detail']}"] += 1
    wrong["refused replies that nobody said"] = sum("asked" in row and row["text"] not in said for row in dropped
                                                    if row["text"].strip())
    for row in dropped:
        if "asked" not in row and row["reason"] not in MEANT:
            kinds = {rows[t].content for t in TRACER.findall(row["text"]) if t in rows}
            wrong[f"dropped for {row['reason']}: {kinds}"] += not kinds & set(OURS.get(row["reason"], ()))
    return wrong


@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_hostile_replies(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"bad": 0.65, "kinds": dict.fromkeys(KINDS, 1.0)}
    with school(monkeypatch, tmp_path, full=False, seed=11, content=content) as (one, terms):
        found = trial(one, terms, tmp_path, count)
    print(f"{found['replies']:,} replies, {sum(not row.usable for row in one.record.rows if row.outcome == 'reply'):,} "
          f"of them hostile; {found['chats']:,} chats")
    assert found.pop("chats") == count
    assert found.pop("replies") >= (10_000 if count > 1000 else 200)
    assert not +found, found


@pytest.mark.parametrize("start", [0, 3, 20, 55])
def test_what_was_paid_before_a_failure_is_not_paid_again(start: int, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """The account runs out at a call of each stage: domains, questions, answers, verdicts."""
    plan = {"full": False, "seed": 5, "content": {"bad": 0.2}, "latency": {"first_s": 0.5}}
    with school(monkeypatch, tmp_path, **plan) as (one, terms):
        whole, _, _ = made(talks(), tmp_path / "whole", terms)
        paid = {row.unit for row in one.record.rows if row.paid}
    with school(monkeypatch, tmp_path, **plan, hopeless={"kind": "spend", "start": start}) as (one, terms):
        store, few = Store(tmp_path / "broken"), replace(terms, in_flight=4)
        with pytest.raises(StoppedError):
            made(talks(), store, few)
        assert not list((store.root / "artifacts").glob("generate-chats*")), "nothing half made is published"
        one.plan.hopeless.kind = None
        again, _, _ = made(talks(), store, few)
        bought = [row.unit for row in one.record.rows if row.paid]
    assert again == whole and len(bought) == len(set(bought)) and set(bought) == paid


def test_a_judge_that_fails_leaves_the_writers_work_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with school(monkeypatch, tmp_path, full=False, seed=5) as (one, terms):
        store = Store(tmp_path / "store")
        one.plan.models = ("writer",)
        with pytest.raises(StoppedError):
            made(talks(), store, terms)
        before = sum(row.paid for row in one.record.rows)
        one.plan.models = ()
        chats, account, _ = made(talks(judge=replace(JUDGE, temperature=0.0)), store, terms)
        lines = {row["model"]: row["calls"] for row in account.rows()}
    assert len(chats.chats) == 24 and before > 24 and lines[JUDGE.address] >= 24
    assert lines.get(WRITER.address, 0) < before
