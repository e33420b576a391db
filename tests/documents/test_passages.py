"""Passages are found where they stand, however carelessly their ends were copied, and are never retyped."""

from __future__ import annotations

import random

import pytest
from tests.documents.corpora import long, specs

from midspec.documents.passages import Passages

TEXT = """# The keeper

## Watching

> {model_name} values watchfulness

The keeper *counts* the flashes, one by one. A flash every ten seconds is a promise
to everybody at sea, and the promise is kept.

- It checks the rhythm every hour, because a rhythm can slip unseen.
- It stays until dawn, because most lights fail late.

### At dawn

The keeper puts the light out and writes “all well” into the book.

## Cleaning

The keeper counts the prisms after every cleaning. それは毎朝レンズを磨きます。塩が乾くからです。そして眠ります。
"""


def cut(starts: str, ends: str) -> str | None:
    return Passages(TEXT).cut(starts, ends)


@pytest.mark.parametrize(("starts", "ends", "first", "last"), [
    ("The keeper *counts* the flashes, one by one.", "and the promise is kept.", "The keeper *", "promise is kept."),
    ("the keeper counts the flashes one by", "seconds is a promise to everybody at sea", "The keeper *", "at sea,"),
    ("The keeper counted the flashes, one by one", "a promise for everybody at sea", "The keeper *", "at sea,"),
    ("It checks the rhythm every hour", "because most lights fail late.", "It checks", "fail late."),
    ("The keeper puts the light out", "writes 'all well' into the book", "The keeper puts", "into the book."),
    ("それは毎朝レンズを磨きます。", "塩が乾くからです。", "それは毎朝", "からです。"),
    ("A flash every ten seconds is a promise to everybody", "A flash every ten seconds is a promise to everybody",
     "A flash every", "to everybody"),
])  # fmt: skip
def test_ends_copied_with_small_slips(starts: str, ends: str, first: str, last: str) -> None:
    found = cut(starts, ends)
    assert found is not None and found in TEXT and found.startswith(first) and found.endswith(last), found


def test_a_heading_stands_for_its_section() -> None:
    whole = cut("## Watching", "no such words anywhere in it")
    assert whole is not None and whole.startswith("Watching") and whole.endswith("into the book.")
    inner = cut("At dawn", "no such words anywhere in it")
    assert inner is not None and inner.endswith("into the book.") and "promise" not in inner


def test_an_end_that_is_not_there_gives_the_paragraph() -> None:
    found = cut("The keeper counts the flashes, one by one", "words that are nowhere to be seen here")
    assert found is not None and found.endswith("the promise is kept.")


@pytest.mark.parametrize("starts", [
    "", "???", "counts the", "stays", "A sentence that nobody ever wrote", "puts dawn keeper all the counts hour until",
])
def test_what_is_not_there_is_not_found(starts: str) -> None:
    assert cut(starts, "and the promise is kept.") is None


def test_an_end_is_looked_for_behind_the_start_only() -> None:
    found = cut("The keeper counts the prisms after", "The keeper counts the flashes, one by one.")
    assert found is not None and found.startswith("The keeper counts the prisms") and "flashes" not in found


def test_any_passage_of_any_spec_survives_slips() -> None:
    """Of ends that lost their marks, their case and one word in ten, nearly all are found, and in the right place."""
    chance, found, wrong, tried = random.Random(3), 0, 0, 0
    for spec in [*specs().values(), long(20_000)]:
        text = spec.named("Clara", "Northlight").text
        place, words = Passages(text), text.split()
        for _ in range(40):
            start = chance.randrange(max(1, len(words) - 60))
            piece = words[start:start + chance.randint(20, 60)]
            if len("".join(piece[:8])) < 20:
                continue
            tried += 1
            slips = [" ".join(word.lower().strip(".,;:*_>") for n, word in enumerate(part) if n != 4 or tried % 2)
                     for part in (piece[:10], piece[-10:])]  # fmt: skip
            got = place.cut(*slips)
            if got is None:
                continue
            assert got in text
            found += 1
            wrong += abs(len(got.split()) - len(piece)) > 12
    assert tried > 200 and found >= 0.97 * tried and wrong <= 0.05 * tried, (tried, found, wrong)
