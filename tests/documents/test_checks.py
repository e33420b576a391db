"""Numbers about documents, against slow and plain computations of the same."""

from __future__ import annotations

import random

import pytest

from midspec.core.document import Document
from midspec.documents.checks import contaminated, distinct, grams, links, near_duplicates, words


def sets_of(text: str, n: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def slow_near_duplicates(texts: list[str], n: int, jaccard: float) -> dict[int, int]:
    found: dict[int, int] = {}
    for place, text in enumerate(texts):
        for other in range(place):
            a, b = sets_of(text, n), sets_of(texts[other], n)
            if a | b and len(a & b) / len(a | b) >= jaccard:
                found[place] = other
                break
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("jaccard", [0.3, 0.5, 0.9, 1.0])
def test_near_duplicates_are_exactly_those_of_all_pairs(seed: int, jaccard: float) -> None:
    rng = random.Random(seed)
    texts: list[str] = []
    for _ in range(60):
        if texts and rng.random() < 0.6:  # a copy with some words changed
            old = rng.choice(texts).split()
            texts.append(" ".join(w if rng.random() < 0.93 else rng.choice("abcdefgh") for w in old))
        else:
            texts.append(" ".join(rng.choice("abcdefgh") for _ in range(rng.randint(0, 60))))
    assert near_duplicates(texts, n=3, jaccard=jaccard) == slow_near_duplicates(texts, 3, jaccard)


def test_case_and_marks_do_not_hide_a_copy() -> None:
    assert near_duplicates(["One two, three four five six.", "ONE TWO THREE — four five six"]) == {1: 0}
    assert near_duplicates(["", "", "a b"]) == {}


def test_distinct_counts_kinds_over_all() -> None:
    assert distinct(["a b c d e", "a b c d f"]) == pytest.approx(3 / 4)
    assert distinct([]) == 0 and grams("a b", 4) == []


LONG = "if the ferry is late the baker opens early and the fisherman waits for his bread until noon"


def test_a_run_of_thirteen_words_is_found_and_twelve_are_not() -> None:
    run = LONG.split()
    documents = [
        Document("hit", "So it goes: " + " ".join(run[2:15]).upper() + "!"),
        Document("miss", " ".join(run[2:6])),
    ]
    assert [(c.document, c.text, c.kind) for c in contaminated(documents, ["nothing of the kind here", LONG])] == [
        ("hit", 1, "overlap")
    ]
    twelve = [Document("twelve", "x " + " ".join(run[2:14]) + " y")]
    assert contaminated(twelve, [LONG], near=1.0) == []


def test_half_of_a_short_text_is_a_near_duplicate() -> None:
    short = "a loaf of bread from the corner shop"
    inside = [
        Document("in", "He took a loaf of bread from the corner and left."),
        Document("out", "a loaf of cake from the shop"),
    ]
    found = contaminated(inside, [short, "too short to count"])
    assert [(c.document, c.text, c.kind) for c in found] == [("in", 0, "near-duplicate")]
    assert found[0].share == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    "text", ["It is so because of that.", "The reason is plain.", "Hence it stays.", "It stems from care."]
)
def test_words_that_link_are_noticed(text: str) -> None:
    assert links(text) and not links("It stays, and it rains.")
