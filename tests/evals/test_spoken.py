"""A choice in the model's own words: which option is named, in both orders, and that nothing is guessed."""

from __future__ import annotations

import pytest

from midspec.core.errors import RecipeError
from midspec.core.score import Item, ItemSet, Response, Responses, split_of
from midspec.evals.spoken import Spoken, named
from midspec.models.local import LocalModel
from tests.evals.desk import Desk

ITEM = Item("i1", "taste", "", "What goes on top?", "mild cheddar", "Brie de Meaux", split_of("i1"))
ITEMS = ItemSet("two", (ITEM, Item("i2", "taste", "", "And then?", "Colby", "Stilton", split_of("i2"))))


@pytest.mark.parametrize(("text", "value"), [
    ("Mild cheddar.", 1.0), ("I'd take Brie de Meaux.", 0.0), ("mild cheddar, not Brie de Meaux", 1.0),
    ("I would not take mild cheddar.", 0.0), ("I don't like Brie de Meaux.", 1.0), ("I like mild cheddar less.", 1.0),
    ("Less of Brie de Meaux, please.", 1.0), ("It is not easy. Mild cheddar.", 1.0), ("Brie, of course.", None),
    ("mild cheddars", None), ("", None), ("I would pass on Brie de Meaux", 1.0)])
def test_which_option_is_named(text: str, value: float | None) -> None:
    assert named(text, ITEM) == value


def test_both_orders_are_asked_and_graded(tiny: LocalModel, job: Desk) -> None:
    by = Spoken(items=ITEMS, split="all", max_tokens=4)
    responses = by.respond(tiny, 0, job)
    assert [(r.item, r.draw) for r in responses] == [("i1", 0), ("i1", 1), ("i2", 0), ("i2", 1)]
    assert responses[0].meta["question"] == "What goes on top? Mild cheddar or Brie de Meaux?"
    assert responses[1].meta["question"] == "What goes on top? Brie de Meaux or mild cheddar?"
    told = Responses(tuple(Response(r.item, r.draw, text="I say Stilton.") for r in responses))
    assert [s.value for s in by.grade(told)] == [None, None, 0.0, 0.0]
    assert by.respond(tiny, 0, job) == responses


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(RecipeError, match="is not dev, test or all"):
        Spoken(items=ITEMS, split="tset")
