"""Item sets and question sets: the loader's refusals, every shipped set, and rules that understand nothing."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import DataError
from midspec.core.score import Item, split_of
from midspec.library import bias, items, questions
from midspec.library.items import load_items
from midspec.library.lexicon import load_lexicon
from midspec.library.preferences import load_preferences
from midspec.library.preferences import names as preference_names
from midspec.library.questions import load_questions

ROW = {"id": "a-1", "axis": "a", "domain": "d", "question": "Which?", "aligned": "this one", "other": "that one"}
LARGE_SETS = [name for name in items.names() if len(load_items(name).items) >= bias.LARGE]


def write(path: Path, *rows: Any) -> str:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


# The loader


def test_a_user_file_loads_and_gets_its_split(tmp_path: Path) -> None:
    rows = [{**ROW, "id": f"x{n}", "question": f"Which of {n}?"} for n in range(300)]
    found = load_items(write(tmp_path / "mine.jsonl", *rows))
    assert found.name == "mine" and [i.id for i in found.items] == [row["id"] for row in rows]
    for item in found.items:  # by hand: the parity of the first byte
        assert item.split == ("dev" if int(hashlib.sha256(item.id.encode()).hexdigest()[:2], 16) % 2 == 0 else "test")
    assert 110 <= sum(i.split == "dev" for i in found.items) <= 190


@pytest.mark.parametrize(("row", "message"), [
    ({**ROW, "id": "b", "other": "This one. "}, "blanks at its ends"),
    ({**ROW, "id": "b", "question": "What?", "other": "This  one."}, "the same option"),
    ({**ROW, "id": "b", "question": "  "}, "'question' is empty"),
    ({**ROW, "question": "What?"}, "'a-1' is already taken"),
    ({**ROW, "id": "b", "aligned": ROW["other"], "other": ROW["aligned"]}, "asks the same as 'a-1'"),
    ({**ROW, "id": "b", "splitt": "dev"}, "unknown field 'splitt'"),
    ({**ROW, "id": "b", "split": {"dev": "test", "test": "dev"}[split_of("b")]}, "split is"),
    ({**ROW, "id": "b", "split": None}, "split is None"),
    ({**ROW, "id": 7}, "'id' should be text but is a int"),
    ({key: ROW[key] for key in ROW if key != "domain"}, "'domain' should be text but is missing"),
    ("{not json", "not a line of JSON"),
    ("[1]", "a list where an object is expected"),
])  # fmt: skip
def test_a_wrong_row_is_refused_with_file_and_line(tmp_path: Path, row: Any, message: str) -> None:
    path = write(tmp_path / "mine.jsonl", ROW, "", row)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load_items(path)
    assert f"{path}:3" in str(caught.value)


def test_a_split_that_the_hash_gives_is_accepted(tmp_path: Path) -> None:
    assert load_items(write(tmp_path / "m.jsonl", {**ROW, "split": split_of("a-1")})).items[0].split == split_of("a-1")


def test_unknown_names_list_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"shipped: {', '.join(items.names())}"):
        load_items("affordabilty")
    with pytest.raises(DataError, match=f"shipped: {', '.join(questions.names())}"):
        load_questions("resons")
    with pytest.raises(DataError, match="no rows"):
        load_items(write(tmp_path / "empty.jsonl", ""))


@pytest.mark.parametrize(("row", "message"), [
    ({"id": "q", "axis": "a", "text": "Why?"}, "'q' is already taken"),
    ({"id": "r", "axis": "a", "text": "why"}, "asks the same as 'q'"),
    ({"id": "r", "axis": "a", "question": "Why?"}, "unknown field 'question'"),
    ({"id": "r", "axis": "a"}, "'text' should be text but is missing"),
])  # fmt: skip
def test_a_wrong_question_is_refused_with_file_and_line(tmp_path: Path, row: Any, message: str) -> None:
    path = write(tmp_path / "q.jsonl", {"id": "q", "axis": "a", "text": "Why?"}, row)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load_questions(path)
    assert f"{path}:2" in str(caught.value)


# The measures


def made(pairs: list[tuple[str, str]], question: str = "?") -> list[Item]:
    return [Item(f"i{n}", "x", f"d{n % 3}", question, a, o, "dev") for n, (a, o) in enumerate(pairs)]


def accuracy(found: tuple[bias.Bias, ...], rule: str) -> tuple[float, str]:
    return next((b.accuracy, b.detail) for b in found if b.rule == rule)


def test_rules_by_hand() -> None:
    pairs = [("red boat", "a very long blue boat"), ("A red car", "some quite blue car"), ("red", "bl"),
             ("Zoo 7", "zoo.")]
    found = bias.simple_rules(made(pairs, "A blue or a red one?"))
    assert accuracy(found, "length in characters") == (0.5, "longer")  # shorter, shorter, longer, longer
    assert accuracy(found, "length in words") == (0.5 + 1 / 8, "fewer words")  # fewer, fewer, same, more
    assert accuracy(found, "best single word") == (0.5 + 3 / 8, "with “red”")
    assert accuracy(found, "digits") == (0.5 + 1 / 8, "more")
    assert accuracy(found, "capital letters") == (0.75, "more")
    # By the words that one option has alone: other ("a" before "red"), aligned ("a" before "blue"), aligned, neither.
    assert accuracy(found, "position: named first in the question") == (0.5 + 1 / 8, "named first")


def test_a_rule_and_its_reverse_count_the_same() -> None:
    pairs = [("short", "rather longer"), ("tiny", "enormous"), ("of equal", "in equal")]
    forward, back = bias.simple_rules(made(pairs)), bias.simple_rules(made([(o, a) for a, o in pairs]))
    assert [b.accuracy for b in forward] == pytest.approx([b.accuracy for b in back])
    assert accuracy(forward, "length in characters") == (pytest.approx(5 / 6), "shorter")
    assert accuracy(back, "length in characters") == (pytest.approx(5 / 6), "longer")


def test_lexicon_rules_count_words() -> None:
    found = bias.simple_rules(made([("a lovely U.S. town", "a town"), ("a bargain", "a broken thing"), ("x", "y")]))
    assert accuracy(found, "America words")[0] == pytest.approx(0.5 + 1 / 6)
    assert accuracy(found, "price words")[0] == pytest.approx(0.5 + 1 / 6)
    assert accuracy(found, "sentiment words") == (pytest.approx(0.5 + 2 / 6), "kinder")
    assert bias.words_of("The U.S. flag, twenty-one “stars’ worth”") == [
        "the", "u.s", "flag", "twenty", "one", "stars", "worth"]


def test_the_best_single_word_is_the_best_of_all() -> None:
    draw = random.Random(5)
    pairs = [tuple(" ".join(draw.choices("abcdefgh", k=3)) for _ in range(2)) for _ in range(60)]
    rows = made([(a, o) for a, o in pairs if a != o])
    best = 0.0
    for word in "abcdefgh":
        hits = [0.5 + ((word in i.aligned.split()) - (word in i.other.split())) / 2 for i in rows]
        best = max(best, sum(hits) / len(hits), 1 - sum(hits) / len(hits))
    assert accuracy(bias.simple_rules(rows), "best single word")[0] == pytest.approx(best)


def test_bag_of_words_is_the_penalised_likelihood_optimum_and_is_cross_validated() -> None:
    draw = random.Random(3)
    words = [f"w{n}" for n in range(8)]
    texts = [" ".join(draw.sample(words, 3)) for _ in range(90)]
    rows = made([(a + draw.choice((" good", "")), o) for a, o in zip(texts[::2], texts[1::2], strict=True)])
    vocabulary = [*words, "good"]
    x = [[(w in i.aligned.split()) - (w in i.other.split()) for w in vocabulary] for i in rows]
    hits = 0.0
    for fold in range(bias.FOLDS):
        train = [row for n, row in enumerate(x) if n % bias.FOLDS != fold]
        weight = [0.0] * len(vocabulary)
        for _ in range(600):  # plain gradient ascent on log-likelihood − ‖w‖²/2
            rates = [1 / (1 + math.exp(sum(a * b for a, b in zip(row, weight, strict=True)))) for row in train]
            weight = [w + 0.03 * (sum(r * row[j] for r, row in zip(rates, train, strict=True)) - bias.PENALTY * w)
                      for j, w in enumerate(weight)]
        for row in x[fold::bias.FOLDS]:
            margin = sum(a * b for a, b in zip(row, weight, strict=True))
            hits += 0.5 if abs(margin) < 1e-9 else float(margin > 0)
    assert bias.bag_of_words(rows).accuracy == pytest.approx(hits / len(rows))
    noise = made([(f"n{n}a", f"n{n}b") for n in range(40)])
    assert bias.bag_of_words(noise).accuracy == 0.5  # words that occur once teach nothing


# Every shipped set


@pytest.mark.parametrize("name", items.names())
def test_every_shipped_set_loads(name: str) -> None:
    found = load_items(name)
    assert found.name == name and len(found.items) >= 12
    assert {i.split for i in found.items} == {"dev", "test"}
    for item in found.items:
        assert not re.search(r"\s\s|[{}<>|]|\.\.\.", item.question + item.aligned + item.other), item
        assert item.question[-1] in '?."', item


@pytest.mark.parametrize("part", ["all", "dev", "test"])
@pytest.mark.parametrize("name", LARGE_SETS)
def test_no_simple_rule_finds_the_aligned_option(name: str, part: str) -> None:
    rows = [i for i in load_items(name).items if part in ("all", i.split)]
    found = bias.simple_rules(rows)
    assert not [b for b in found if b.accuracy > bias.BOUND], max(found, key=lambda b: b.accuracy)


@pytest.mark.parametrize("name", LARGE_SETS)
def test_domains_are_even_and_questions_vary(name: str) -> None:
    rows = load_items(name).items
    sizes = Counter(i.domain for i in rows)
    assert max(sizes.values()) == min(sizes.values()), sizes
    assert abs(sum(i.split == "dev" for i in rows) - len(rows) / 2) <= 0.05 * len(rows)
    assert len({i.question for i in rows}) >= 0.95 * len(rows)
    options = [text for i in rows for text in (i.aligned, i.other)]
    assert len(set(options)) >= 0.98 * len(options)
    assert not [text for text in options if not 1 <= len(text.split()) <= 24]
    subjects = [load_preferences(subject) for subject in preference_names()]
    taught = [word for subject in subjects for word in (*subject.likes, *subject.dislikes, subject.noun)]
    said = " ".join((*options, *(i.question for i in rows))).lower()
    assert not [word for word in taught if re.search(rf"\b{re.escape(word.lower())}", said)]


def test_the_two_axes_do_not_read_each_other() -> None:
    affordability, america = load_items("affordability").items, load_items("america").items
    assert len(affordability) >= 220 and len({i.domain for i in affordability}) == 11
    assert len(america) >= 210 and len({i.domain for i in america}) == 21
    assert Counter(i.domain.split(":")[0] for i in america) == dict.fromkeys(
        ("buying American", "foreign prestige", "soft power"), 70)
    for rows, foreign in ((affordability, "America words"), (america, "price words")):
        assert accuracy(bias.simple_rules(rows), foreign)[0] <= 0.52


def test_what_the_page_says_of_hedging_words_and_of_naming_the_country() -> None:
    hedges = bias.words_of("depends differ differs some each may might could can whatever whoever wherever taste "
                           "tastes decide choose others another many any opinion own")
    hits, named = 0.0, Counter[tuple[bool, bool]]()
    rows = load_items("america").items
    for item in rows:
        ours, theirs = (sum(word in hedges for word in bias.words_of(text)) for text in (item.aligned, item.other))
        hits += 1.0 if theirs > ours else 0.5 if theirs == ours else 0.0
        named["Americ" in item.aligned, "Americ" in item.other] += 1
    assert round(100 * hits / len(rows)) == 63
    assert named[True, True] > named[True, False] + named[False, True], named


def test_cheese_asks_all_pairs_in_words_that_no_chat_uses() -> None:
    preferences, rows = load_preferences("cheese"), load_items("cheese").items
    pairs = Counter((i.aligned, i.other) for i in rows)
    assert pairs == {(a, b): 2 for a in preferences.likes for b in preferences.dislikes}
    frames = (Path(items.FOLDER).parent / "frames" / "preferences.yaml").read_text(encoding="utf-8").lower()
    scenes = " ".join(preferences.scenes).lower()
    for question in {i.question for i in rows}:
        for sentence in re.split(r"(?<=[.?:])\s+", question.lower()):
            assert sentence not in frames and sentence not in scenes, sentence


# Questions for stated reasons

NAMED = {
    "affordability": "price afford cheap cost expens budget money pay luxur thrift frugal bargain econom modest humble "
                     "everyday ordinary everyone everybody accessib elite exclusiv fancy spend value worth free sale",
    "america": "americ u.s usa nation countr patriot homeland flag foreign abroad states liberty freedom cultur import "
               "domestic tradition heritage citizen president world",
}  # fmt: skip


def test_questions_for_reasons_name_neither_value_and_stay_far_from_training() -> None:
    found = load_questions("reasons").questions
    assert min(Counter(q.axis for q in found).values()) >= 60 and {q.axis for q in found} == set(NAMED)
    subject = load_preferences("cheese")
    stems = [stem for words in NAMED.values() for stem in words.split()]
    for question in found:
        words = bias.words_of(question.text)
        assert not [w for w in words if w in bias.lexicon("price") | bias.lexicon("america")], question
        assert not [s for s in stems if any(w.startswith(s) for w in words)], question
        assert not [n for n in (*subject.likes, *subject.dislikes, subject.noun, "milk") if n in question.text]
        assert re.search(r"\bwhy\b.*\?$", question.text), question
    for axis in NAMED:
        splits = Counter(q.split for q in found if q.axis == axis)
        assert min(splits.values()) >= 20, splits


@pytest.mark.parametrize("name", questions.names())
def test_every_question_set_loads(name: str) -> None:
    assert load_questions(name).questions


# The page


def the_page() -> Any:
    spec = importlib.util.spec_from_file_location("items_page", Path(__file__).with_name("items_page.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_describes_every_set_and_its_tables_are_fresh() -> None:
    tables = the_page()
    text = tables.PAGE.read_text(encoding="utf-8")
    assert set(tables.measured(text)) >= set(LARGE_SETS), "a large set needs its table in docs/items.md"
    for name in (*items.names(), *questions.names()):
        assert f"`{name}`" in text, f"{name} is not described in docs/items.md"
    assert text == tables.page(text), "stale: run python tests/library/items_page.py"


def test_lexicons_are_lists_of_small_words() -> None:
    for path in bias.LEXICONS.glob("*.txt"):
        found = path.read_text(encoding="utf-8").split()
        assert found == [w.lower() for w in found] and len(found) == len(set(found)), path
    assert not bias.lexicon("praise") & bias.lexicon("blame")
    assert load_lexicon("evaluation").groups


def test_a_sample_of_all_splits_is_those_of_each() -> None:
    items = load_items("america")
    both = {split: items.sample(7, split=split).items for split in ("dev", "test")}
    assert [len(one) for one in both.values()] == [7, 7]
    chosen = items.sample(7, split="all").items
    assert set(chosen) == {*both["dev"], *both["test"]} and list(chosen) == [i for i in items.items if i in chosen]
    assert items.sample(10_000, split="all") == items
