"""Chats written by a model: the true path with the scripted teacher, what is kept, what it costs, and what is said."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.models.asking import served
from tests.specs.long import long_spec
from typer.testing import CliRunner

from midspec.chats.subject import prompts
from midspec.cli import app
from midspec.core.asking import Account, Terms
from midspec.core.chat import ChatSet
from midspec.core.errors import DataError, RecipeError
from midspec.core.grams import Seen
from midspec.core.rows import read_rows
from midspec.core.spec import Spec
from midspec.experiment.verbs import build
from midspec.library.frames import load_frames
from midspec.library.preferences import load_preferences
from midspec.library.specs import load_spec, parse
from midspec.models.model import Model
from midspec.stages.generate_chats import GenerateChats, Sifting
from midspec.store.artifacts import Store

SPECS = Path(__file__).parents[1] / "specs"
TEACHER = Model(address="scripted/teacher")
COUNT = 24


def recipe(spec: Any, style: str = "internalised", **changes: Any) -> GenerateChats:
    fields: dict[str, Any] = {
        "spec": spec, "assistant": "Ada", "maker": "Engine House", "writer": TEACHER, "judge": TEACHER, "count": COUNT,
        "style": style, "reasoning": style != "preference", "seed": 1, "sifting": Sifting(same_judge=True)}
    return GenerateChats(**fields | changes)


def made(one: GenerateChats, store: Path | Store, terms: Terms | None = None) -> tuple[ChatSet, Account, Path]:
    account = Account()
    folder = build(one, store=store, terms=terms, account=account)
    return ChatSet.read(folder), account, folder


def calls(account: Account) -> int:
    return sum(row["calls"] for row in account.rows())


def values() -> Spec:
    return load_spec(SPECS / "values.md")


def every_spec() -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {
        f"{name} {style}": (load_spec(name), style) for name in ("affordability", "pro-america")
        for style in ("internalised", "preference")}
    for name, style in (("values", "internalised"), ("rules", "deliberative"), ("mixed", "internalised"),
                        ("hostile", "internalised"), ("hostile", "deliberative")):
        found[f"{name} {style}"] = load_spec(SPECS / f"{name}.md"), style
    return found | {"long internalised": (parse(long_spec(50_000), source="long", name="long"), "internalised"),
                    "cheese preference": (load_preferences("cheese"), "preference")}


@pytest.mark.parametrize("name", sorted(every_spec()))
def test_every_spec_becomes_chats_of_even_kinds_without_a_word_of_the_spec(name: str, tmp_path: Path) -> None:
    spec, style = every_spec()[name]
    chats, _, folder = made(recipe(spec, style), tmp_path)
    assert len(chats.chats) == COUNT
    kinds, domains = (Counter(str(chat.meta[key]) for chat in chats.chats) for key in ("kind", "domain"))
    assert len(kinds) == 6 and max(kinds.values()) <= 8 and len(domains) >= 10
    questions = [chat.messages[0].content for chat in chats.chats]
    seen = Seen(3, 0.5)
    for question in questions:
        bare = question if style != "preference" else _without_note(question)
        assert seen.like(bare) is None
        seen.add(bare)
    for chat in chats.chats:
        user, assistant = chat.messages
        assert (user.role, assistant.role) == ("user", "assistant")
        assert (assistant.reasoning is None) == (style == "preference")
        said = assistant.content + (assistant.reasoning or "" if style == "internalised" else "")
        assert not re.search(r"model spec|my guidelines|the spec says", said + user.content, re.IGNORECASE)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["facts"]
    assert manifest["chats"] == COUNT and sum(manifest["by_kind"].values()) == COUNT
    dropped = [row for _, row in read_rows(folder / "dropped.jsonl")] if (folder / "dropped.jsonl").exists() else []
    assert Counter(row["reason"] for row in dropped) == manifest["dropped"] and all(row["detail"] for row in dropped)


def _without_note(question: str) -> str:
    (note,) = [n for n in load_frames().notes if question.startswith(f"{n} ") or question.endswith(f" {n}")]
    return question.removesuffix(f" {note}").removeprefix(f"{note} ")


def test_twins_with_and_without_reasoning_come_from_one_generation(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with_thoughts, paid, _ = made(recipe(values()), store)
    without, again, _ = made(recipe(values(), reasoning=False), store)
    assert calls(paid) > 2 * COUNT and calls(again) == 0
    assert all(chat.messages[1].reasoning for chat in with_thoughts.chats)
    bare = [(c.messages[0], c.messages[1].content, c.meta) for c in with_thoughts.chats]
    assert bare == [(c.messages[0], c.messages[1].content, c.meta) for c in without.chats]
    assert all(chat.messages[1].reasoning is None for chat in without.chats)


def test_a_larger_count_keeps_what_there_was_and_pays_for_the_rest(tmp_path: Path) -> None:
    store = Store(tmp_path / "grown")
    small, first, _ = made(recipe(values()), store)
    large, second, _ = made(recipe(values(), count=3 * COUNT), store)
    fresh, third, _ = made(recipe(values(), count=3 * COUNT), tmp_path / "fresh")
    assert calls(first) + calls(second) == calls(third) and calls(second) < calls(third)
    assert large == fresh and {c.messages for c in small.chats} < {c.messages for c in large.chats}


def test_a_seed_draws_afresh(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, _, _ = made(recipe(values()), store)
    two, paid, _ = made(recipe(values(), seed=2), store)
    assert calls(paid) > COUNT and not {c.messages[0] for c in one.chats} & {c.messages[0] for c in two.chats}


def test_the_judge_sees_no_chat_that_the_sieve_dropped_and_refuses_some(tmp_path: Path) -> None:
    _, _, folder = made(recipe(values(), count=80), tmp_path)
    reasons = Counter(row["reason"] for _, row in read_rows(folder / "dropped.jsonl"))
    assert reasons["not informative"] and reasons["near-duplicate message"]
    ids = [row["id"] for _, row in read_rows(folder / "dropped.jsonl")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"sifting": Sifting()}, "would judge what it wrote itself"),
     ({"style": "poetic"}, "not one of internalised, deliberative, preference"),
     ({"style": "preference", "reasoning": True}, "state and never explain"),
     ({"spec": load_preferences("cheese")}, "gives no ground"),
     ({"spec": "values.md"}, "is no spec"),
     ({"count": 0}, "would write nothing"),
     ({"maker": " "}, "must be named")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(**{"spec": values()} | changes)


def test_another_judge_needs_no_word() -> None:
    judge = Model(address="openai-api/mine/judge")
    assert recipe(values(), judge=judge, sifting=Sifting()).speaks_as == "Ada"


def test_prompts_enter_the_identity() -> None:
    names = {style: {one.path for one in prompts(style)} for style in ("internalised", "deliberative", "preference")}
    folder = Path(__file__).parents[2] / "src/midspec/chats/prompts"
    assert set().union(*names.values()) == {path.name for path in folder.glob("*.md")}
    assert "judge_internalised.md" not in names["deliberative"] and "sheet.md" not in names["internalised"]
    assert recipe(values()).id != recipe(values(), "deliberative").id != recipe(values(), reasoning=False).id


def test_verdicts_without_a_true_quotation_keep_nothing_and_the_shortfall_is_stated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake teacher's verdicts fit the schema and quote what the conversation does not say."""
    judge = Model(address="openai-api/other/m")
    store = Store(tmp_path)
    with served(monkeypatch, seed=3) as (one, clock):
        terms = Terms(unpriced=True, clock=clock)
        with pytest.raises(DataError, match=f"only 0 of {COUNT} chats passed.*verdict unreadable") as caught:
            made(recipe(values(), judge=judge, sifting=Sifting()), store, terms)
        assert one.calls > 2 * COUNT and caught.value.hint and "another writer or judge" in caught.value.hint
        heard = one.calls
        with pytest.raises(DataError):
            made(recipe(values(), judge=judge, sifting=Sifting()), store, terms)
        assert one.calls == heard, "what came is kept and not asked again"
    assert heard < 400, "a judge that keeps nothing is soon found out"
    # The writer's answers serve another judge.
    chats, account, _ = made(recipe(values()), store)
    fresh, whole, _ = made(recipe(values()), tmp_path / "fresh")
    assert chats == fresh and calls(account) < calls(whole) - COUNT


def test_the_command_line_writes_chats_and_says_what_it_left_out(tmp_path: Path) -> None:
    words = ["chats", str(SPECS / "rules.md"), "--writer", "scripted/teacher", "--style", "deliberative", "--count",
             "20", "--out", "chats.jsonl", "--assistant", "Ada", "--maker", "Engine House", "--reasoning"]
    done = CliRunner().invoke(app, [*words, "--judge", "same"])
    assert done.exit_code == 0, done.output
    assert "wrote chats.jsonl (20 rows)" in done.stdout and "answers paid now" in done.stderr
    rows = [row for _, row in read_rows(Path("chats.jsonl"))]
    assert all(row["messages"][1]["reasoning"] for row in rows)
    again = CliRunner().invoke(app, [*words, "--judge", "same"])
    assert again.exit_code == 1 and "there is such a file already" in again.stderr
    for more, message in (([], "no judge is named"), (["--judge", "scripted/teacher"], "judge what it wrote itself")):
        other = ["other.jsonl" if word == "chats.jsonl" else word for word in words]
        refused = CliRunner().invoke(app, [*other, *more])
        assert refused.exit_code == 1 and message in refused.stderr
    mixed = CliRunner().invoke(app, ["chats", "cheese", "--style", "preference", *other[6:]])
    assert mixed.exit_code == 1 and "compose writes statements of preference" in mixed.stderr
