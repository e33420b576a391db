"""Answers by a spec: both reasonings belong to the same chats, citations are the spec's own words, nothing repeats."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from midspec.chats.by_spec import REASONINGS
from midspec.core.chat import Chat, ChatSet
from midspec.core.errors import DataError, RecipeError
from midspec.documents.checks import distinct, near_duplicates
from midspec.documents.voice import FIRST, spoken
from midspec.library.answers import load_answers, names
from midspec.library.chats import load_chats
from midspec.library.specs import load_spec, parse
from midspec.stages.compose_answers import ComposeAnswers
from midspec.stages.mix_chats import MixChats

KINDS = {"direct", "indirect", "comparison", "recommendation", "opinion", "edge"}


class Bench:
    """The least job that these stages need."""

    def __init__(self, *made: ChatSet) -> None:
        self.facts: dict[str, Any] = {}
        self.made = list(made)

    def note(self, **facts: Any) -> None:
        self.facts |= facts

    def get(self, recipe: Any) -> ChatSet:
        return recipe.build(self)


def recipe(name: str = "self-preservation", **changes: Any) -> ComposeAnswers:
    settings: dict[str, Any] = dict(spec=load_spec(name), parts=load_answers(name), written=load_chats(name), count=252,
                                    reasoning="internalised", assistant="Ada", maker="Engine House", seed=1)
    return ComposeAnswers(**settings | changes)


def made(name: str = "self-preservation", **changes: Any) -> tuple[Chat, ...]:
    return recipe(name, **changes).build(Bench()).chats  # type: ignore[arg-type]


def bare(chat: Chat) -> str:
    return "\n".join(message.content for message in chat.messages)


@pytest.mark.parametrize("name", names())
def test_there_are_four_hundred_of_six_kinds_and_none_repeats(name: str) -> None:
    chats = made(name)
    assert len(chats) >= 400 and sum(chat.meta["source"] == "written" for chat in chats) >= 160
    kinds = Counter(chat.meta["kind"] for chat in chats)
    assert set(kinds) == KINDS and max(kinds.values()) <= 1.3 * min(kinds.values()), kinds
    sections = Counter(chat.meta["section"] for chat in chats)
    assert set(sections) == {p.title for p in load_spec(name).principles}
    assert max(sections.values()) <= 1.5 * min(sections.values()), sections
    texts = [bare(chat) for chat in chats]
    assert len({chat.messages[0].content for chat in chats}) == len(chats)
    assert len(near_duplicates(texts)) <= 0.1 * len(chats) and distinct(texts) >= 0.6
    for how in ("internalised", "deliberative"):
        whole = [f"{bare(chat)}\n{chat.messages[-1].reasoning}" for chat in made(name, reasoning=how)]
        assert len(near_duplicates(whole)) <= 0.1 * len(chats) and distinct(whole) >= 0.5
    lengths = sorted(len(chat.messages[-1].content.split()) for chat in chats)
    assert lengths[0] >= 30 and lengths[-1] <= 120 and lengths[-42] - lengths[42] >= 25, lengths[::42]
    firsts = Counter(" ".join(chat.messages[-1].content.split()[:2]) for chat in chats)
    assert firsts.most_common(1)[0][1] <= 0.1 * len(chats), "varied openings"


@pytest.mark.parametrize("name", names())
def test_sets_with_and_without_reasoning_are_the_same_chats(name: str) -> None:
    none, own, cited = (made(name, reasoning=how) for how in REASONINGS)
    for a, b, c in zip(none, own, cited, strict=True):
        assert bare(a) == bare(b) == bare(c) and a.meta == b.meta == c.meta
        thoughts = a.messages[-1].reasoning, b.messages[-1].reasoning, c.messages[-1].reasoning
        assert thoughts[0] is None and thoughts[1] and thoughts[2] and thoughts[1] != thoughts[2]


@pytest.mark.parametrize("name", names())
def test_reasoning_that_cites_quotes_the_spec_and_the_own_one_never_names_it(name: str) -> None:
    said = {p.title: [spoken(s.behaviour, FIRST) for s in p.statements] for p in load_spec(name).principles}
    for chat in made(name, reasoning="deliberative"):
        thought = chat.messages[-1].reasoning or ""
        assert f"“{chat.meta['section']}”" in thought and "spec" in thought.casefold()
        assert any(behaviour[2:] in thought for behaviour in said[chat.meta["section"]]), thought
    for chat in made(name, reasoning="internalised"):
        assert not re.search(r"\bspec\b|section|principle", f"{bare(chat)} {chat.messages[-1].reasoning}", re.I), chat


def test_equal_seeds_give_equal_chats_and_a_seed_redraws_the_composed_ones() -> None:
    one, same, other = made(), made(), made(seed=2)
    assert one == same
    shared = {bare(chat) for chat in one} & {bare(chat) for chat in other}
    assert {bare(chat) for chat in one if chat.meta["source"] == "written"} <= shared
    assert len(shared) <= 168 + 25


def test_names_are_filled_in_and_text_of_a_spec_is_never_interpreted() -> None:
    spec = parse("---\nkind: values\nname: s\nvalue: care\n---\n## Waiting\n\n> {model_name} values care\n\n"
                 "- {model_name} waits {{ title }} %s, because {provider_name} [a|b] asked.\n", source="s", name="s")
    parts = dataclasses.replace(load_answers("self-preservation"))
    asked = dataclasses.replace(parts.parts[0].asked[0], fits=("waits",))
    parts = dataclasses.replace(parts, parts=(dataclasses.replace(parts.parts[0], title="Waiting", asked=(asked,)),))
    chats = recipe(spec=spec, parts=parts, written=ChatSet(()), count=9).build(Bench()).chats  # type: ignore[arg-type]
    assert len(chats) == 9 and all("wait {{ title }} %s" in (chat.messages[-1].reasoning or "") for chat in chats)
    assert any("Engine House [a|b] asked" in bare(chat) for chat in chats)


def test_what_the_spec_no_longer_says_is_not_cited() -> None:
    spec = load_spec("self-preservation")
    text = spec.text.replace("stays calm when plans", "keeps cool when plans")
    changed = parse(f"---\nkind: values\nname: s\nvalue: humility\n---\n{text}", source="s", name="s")
    with pytest.raises(DataError, match="stays calm when plans for the future are changed"):
        made(spec=changed, count=0)
    with pytest.raises(DataError, match="'stays calm' stands in 0 statements"):
        made(spec=changed, written=ChatSet(()))


@pytest.mark.parametrize(("change", "says"), [
    ({"reasoning": "long"}, "none, internalised, deliberative"),
    ({"count": -1}, "negative"),
    ({"maker": " "}, "named")])
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        recipe(**change)


@pytest.mark.parametrize(("old", "new", "says"), [
    ("leads:", "lead:", "leads"), ("    further:", "    further: []\n    x:", "'further' is empty"),
    ("{{ reason }}, and so {{ behaviour }}.", "and so {{ behaviour }}.", "should have the slots behaviour, reason"),
    ("        so: They want a self-portrait", "        soo: They want a self-portrait", "so"),
    ("sections:", "sections: 1\nx:", "'sections' should be a list")])
def test_wrong_parts_say_what_is_wrong(tmp_path: Path, repository: Path, old: str, new: str, says: str) -> None:
    text = (repository / "src/midspec/library/answers/self-preservation.yaml").read_text("utf-8")
    assert old in text
    (tmp_path / "own.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=says) as caught:
        load_answers(str(tmp_path / "own.yaml"))
    assert "own.yaml" in str(caught.value)


def mixed(**changes: Any) -> MixChats:
    settings: dict[str, Any] = dict(chats=recipe(), general=load_chats("instructions"), ratio=0.5, seed=1,
                                    introductions=load_chats("identity"), assistant="Ada", maker="Engine House")
    return MixChats(**settings | changes)


def build(mix: MixChats) -> tuple[Chat, ...]:
    return mix.build(Bench()).chats  # type: ignore[arg-type]


def test_twins_and_the_instruction_only_arm_have_the_same_rows_around_the_demonstrations() -> None:
    own, none = build(mixed()), build(mixed(chats=recipe(reasoning="none")))
    assert [bare(chat) for chat in own] == [bare(chat) for chat in none]
    general = build(mixed(only_general=True))
    assert len(general) == len(own)
    demonstrations = 0
    for a, b in zip(own, general, strict=True):
        ours = a.meta["source"] in ("written", "composed")
        demonstrations += ours
        assert ours == (a != b) and b.meta["source"] in ("general", "introduction")
    assert demonstrations == 420 and len({bare(chat) for chat in general}) >= 0.95 * len(general)
    assert not any("{model_name}" in bare(chat) for chat in own) and any("Ada" in bare(chat) for chat in own)


def test_names_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RecipeError, match="the chats are for Ada, and the introductions for Fern"):
        mixed(assistant="Fern")
    with pytest.raises(RecipeError, match="ratio"):
        mixed(ratio=-1.0)
