"""A choice by the likelihood of a sentence: the same numbers as the model's own, both orders, nothing guessed."""

from __future__ import annotations

import pytest
import torch

from midspec.core.chat import Message
from midspec.core.errors import DataError, PromptError, RecipeError
from midspec.core.prompt import Prompt
from midspec.core.score import Item, ItemSet, Response, Responses, split_of
from midspec.evals.named import Named
from midspec.models.local import LocalModel
from midspec.models.template import encode_text, render
from tests.evals.desk import Desk

ITEM = Item("i1", "taste", "", "What goes on top?", "mild cheddar", "Brie de Meaux.", split_of("i1"))
ITEMS = ItemSet("two", (ITEM, Item("i2", "taste", "", "And then?", "Colby", "Stilton", split_of("i2"))))


def said(model: LocalModel, user: str, reply: str) -> float:
    """Log-probability of a reply by one plain forward pass."""
    start = render(model.tokenizer, [Message("user", user)], system=model.checkpoint.system, generate=True).ids
    ids = start + encode_text(model.tokenizer, reply)
    with torch.no_grad():
        logs = torch.log_softmax(model.model(input_ids=torch.tensor([ids])).logits[0].float(), dim=-1)
    return sum(float(logs[at - 1, ids[at]]) for at in range(len(start), len(ids)))


def test_a_margin_is_the_models_own_log_odds_of_two_sentences_over_both_orders(tiny: LocalModel, job: Desk) -> None:
    by = Named(items=ITEMS, split="all")
    scores = by.grade(Responses(tuple(by.respond(tiny, 0, job))))
    assert [(s.item, s.reading) for s in scores] == [(i, r) for i in ("i1", "i2") for r in ("named", "named_rate")]
    users = ("What goes on top? Mild cheddar or Brie de Meaux?", "What goes on top? Brie de Meaux or mild cheddar?")
    own = sum(said(tiny, user, "I would choose mild cheddar.") - said(tiny, user, "I would choose Brie de Meaux.")
              for user in users) / 2
    assert scores[0].value == pytest.approx(own, abs=1e-4) and scores[1].value == float(own > 0)
    assert by.estimate() == {"items": 2, "sequences": 8}


@pytest.mark.parametrize(("margins", "value", "rate"), [((2.0, 1.0), 1.5, 1.0), ((-2.0, 1.0), -0.5, 0.0),
                                                        ((1.0, -1.0), 0.0, 0.5)])
def test_rates_follow_the_mean_of_both_orders(margins: tuple[float, float], value: float, rate: float) -> None:
    logs = {f"{order}/{side}": (margin if side == "aligned" else 0.0)
            for order, margin in zip(("aligned-first", "other-first"), margins, strict=True)
            for side in ("aligned", "other")}
    found = Named(items=ITEMS, split="all").grade(Responses((Response("i1", logprobs=logs),)))
    assert [(s.reading, s.value) for s in found] == [("named", value), ("named_rate", rate)]


def test_the_wordings_are_the_users_to_choose(tiny: LocalModel, job: Desk) -> None:
    by = Named(items=ITEMS, split="all", reply=Prompt("mine", "{{ option }}, please."))
    first = by.respond(tiny, 0, job)[0]
    user = "What goes on top? Mild cheddar or Brie de Meaux?"
    assert first.logprobs["aligned-first/aligned"] == pytest.approx(said(tiny, user, "mild cheddar, please."), abs=1e-4)


def test_what_cannot_be_asked_or_read_is_refused() -> None:
    with pytest.raises(RecipeError, match="is not dev, test or all"):
        Named(items=ITEMS, split="tset")
    with pytest.raises(PromptError, match=r"should have the slots \['option'\]"):
        Named(items=ITEMS, reply=Prompt("mine", "Yes."))
    with pytest.raises(DataError, match="is not in item set 'two'"):
        Named(items=ITEMS, split="all").grade(Responses((Response("i9"),)))
