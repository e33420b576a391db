"""Readings of a forced choice equal what a plain script computes; order, side and split mean what they say."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from midspec.core.errors import DataError, PromptError, RecipeError
from midspec.core.prompt import Prompt
from midspec.core.recipe import identity
from midspec.core.score import Item, ItemSet, Response, Responses, Score
from midspec.evals._opening import Opening
from midspec.evals._readings import READINGS, margins, order_facts
from midspec.evals.choice import Choice
from midspec.models.local import LocalModel
from tests.evals.desk import Desk

PROMPTS = Path(__file__).parents[2] / "src/midspec/evals/prompts"


def ask(model: LocalModel, user: str, answer: str) -> list[float]:
    """Log-probability of each token of an answer, by transformers' own template and a plain forward pass."""
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": user}]
    text = model.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    before = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    ids = before + model.tokenizer(answer, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logprobs = torch.log_softmax(model.model(input_ids=torch.tensor([ids])).logits[0], dim=-1)
    return [logprobs[n - 1, ids[n]].item() for n in range(len(before), len(ids))]


def by_hand(model: LocalModel, item: Item) -> dict[str, float]:
    """Each reading spelled out, without the eval's code."""
    q, a, o = item.question, item.aligned, item.other
    read = {path.stem: path.read_text().strip() for path in PROMPTS.glob("*.md")}

    def total(prompt: str, answer: str, **slots: str) -> float:
        user = read[prompt]
        for name, value in slots.items():
            user = user.replace("{{ " + name + " }}", value)
        return sum(ask(model, user, answer))

    def listed(prompt: str, first: str, second: str, answer: str) -> float:
        return total(prompt, answer, question=q, first=first, second=second)

    def agree(option: str, first: str, second: str) -> float:
        slots = {"question": q, "option": option, "first": first, "second": second}
        return total("yesno", "Yes", **slots) - total("yesno", "No", **slots)

    na, no = len(ask(model, "x", a)), len(ask(model, "x", o))
    text = [(listed("text", *order, a), listed("text", *order, o)) for order in ((a, o), (o, a))]
    opened = total("open", a, question=q), total("open", o, question=q)
    return {
        "letter": (listed("letter", a, o, "A") - listed("letter", a, o, "B")
                   + listed("letter", o, a, "B") - listed("letter", o, a, "A")) / 2,
        "text": sum(x - y for x, y in text) / 2,
        "text_per_token": sum(x / na - y / no for x, y in text) / 2,
        "yesno": sum(agree(a, *words) - agree(o, *words) for words in (("Yes", "No"), ("No", "Yes"))) / 2,
        "open": opened[0] - opened[1],
        "open_per_token": opened[0] / na - opened[1] / no,
        "pmi": opened[0] - total("premise", a) - opened[1] + total("premise", o),
    }


def scores(choice: Choice, model: LocalModel, job: Desk) -> dict[tuple[str, str], Score]:
    return {(s.item, s.reading): s for s in choice.grade(Responses(tuple(choice.respond(model, 0, job))))}


def test_every_reading_as_by_hand(tiny: LocalModel, job: Desk, items: ItemSet) -> None:
    found = scores(Choice(items=items, split="all"), tiny, job)
    assert len(found) == 3 * len(READINGS)
    for item in items.items[:2]:
        for reading, value in by_hand(tiny, item).items():
            score = found[item.id, reading]
            assert score.value == pytest.approx(value, abs=1e-4), (item.id, reading)
            assert (score.axis, score.domain) == (item.axis, item.domain)


def test_the_other_side_is_the_negative(tiny: LocalModel, job: Desk, items: ItemSet) -> None:
    turned = ItemSet("turned", tuple(replace(i, aligned=i.other, other=i.aligned) for i in items.items))
    there = scores(Choice(items=items, split="all"), tiny, job)
    back = scores(Choice(items=turned, split="all"), tiny, job)
    for key, score in there.items():
        assert score.value == pytest.approx(-(back[key].value or 0), abs=1e-4), key
        assert abs(score.value or 0) > 1e-3, "a test on zeros would see nothing"


def test_equal_options_favour_neither(tiny: LocalModel, job: Desk) -> None:
    same = ItemSet("same", (Item("i", "axis", "places", "Which one?", "the one", "the one", "dev"),))
    for score in scores(Choice(items=same, split="all"), tiny, job).values():
        assert score.value == pytest.approx(0, abs=1e-5), score.reading


def test_a_rate_says_which_way_the_margin_points_and_asks_nothing_more(
    tiny: LocalModel, job: Desk, items: ItemSet
) -> None:
    both = Choice(items=items, split="all", readings=("yesno", "yesno_rate"))
    assert both.estimate() == Choice(items=items, split="all", readings=("yesno",)).estimate()
    found = scores(both, tiny, job)
    assert set(job.facts["order_effects"]) == {"yesno"}
    for item in items.items:
        margin, rate = found[item.id, "yesno"].value, found[item.id, "yesno_rate"].value
        assert margin and rate == (1.0 if margin > 0 else 0.0)
    even = replace(items.items[0], aligned="A river", other="A river")
    found = scores(Choice(items=ItemSet("even", (even,)), split="all", readings=("text_rate",)), tiny, job)
    assert found[even.id, "text_rate"].value == 0.5, "equal options favour neither"
    (_, reading) = both.explain()
    assert (reading.low, reading.even, reading.high) == (0.0, 0.5, 1.0) and "how often" in reading.words


def test_both_orders_are_kept_and_told(tiny: LocalModel, job: Desk, items: ItemSet) -> None:
    responses = Choice(items=items, split="all").respond(tiny, 0, job)
    pairs = [margins(r, "letter") for r in responses]
    assert all(len(pair) == 2 for pair in pairs)
    facts = job.facts["order_effects"]
    assert set(facts) == {"letter", "text", "text_per_token", "yesno"}
    assert facts["letter"]["bias"] == pytest.approx(sum(a - b for a, b in pairs) / 6, abs=1e-6)
    assert job.facts["items"] == 3 and job.facts["sequences"] == 60 == sum(len(r.logprobs) for r in responses)


def test_order_facts_on_known_numbers() -> None:
    def response(first: float, second: float) -> Response:
        return Response("i", logprobs={"letter/aligned-first/aligned": first, "letter/aligned-first/other": 0.0,
                                       "letter/other-first/aligned": second, "letter/other-first/other": 0.0})

    assert order_facts([response(3, 1), response(1, -3)], "letter") == {"bias": 1.5, "agree": 0.5}
    assert order_facts([], "letter") is None


def test_responses_survive_their_file(tiny: LocalModel, job: Desk, items: ItemSet, tmp_path: Path) -> None:
    choice = Choice(items=items, split="all")
    kept = Responses(tuple(choice.respond(tiny, 0, job)))
    kept.write(tmp_path)
    assert choice.grade(Responses.read(tmp_path)) == choice.grade(kept)


def test_splits_and_chosen_readings(tiny: LocalModel, job: Desk, items: ItemSet) -> None:
    whole = scores(Choice(items=items, split="all"), tiny, job)
    for split, ids in (("dev", {"i1", "i3"}), ("test", {"i2"})):
        part = scores(Choice(items=items, split=split, readings=("yesno", "pmi")), tiny, job)
        assert {key[0] for key in part} == ids and {key[1] for key in part} == {"yesno", "pmi"}
        for key, score in part.items():
            assert score.value == pytest.approx(whole[key].value, abs=1e-5)
    assert Choice(items=items, split="test", readings=("yesno",)).estimate() == {"items": 1, "sequences": 8}


def test_a_split_is_graded_from_all_responses(tiny: LocalModel, job: Desk, items: ItemSet) -> None:
    kept = Responses(tuple(Choice(items=items, split="all").respond(tiny, 0, job)))
    assert {s.item for s in Choice(items=items, split="dev").grade(kept)} == {"i1", "i3"}
    with pytest.raises(DataError, match="'i2' is not in item set 'three'"):
        Choice(items=replace(items, items=items.items[:1]), split="all").grade(kept)


def test_prompts_and_items_are_its_identity(items: ItemSet) -> None:
    choice = Choice(items=items, split="all")
    assert identity(choice, "x") == identity(Choice(items=copy.deepcopy(items), split="all"), "x")
    reworded = tuple(replace(p, text=p.text.replace("Answer", "Reply")) for p in choice.prompts)
    others = [replace(choice, prompts=reworded), replace(choice, split="dev"), replace(choice, readings=("letter",)),
              replace(choice, items=replace(items, items=items.items[:2]))]
    assert len({str(identity(c, "x")) for c in (choice, *others)}) == 5


def test_wrong_settings_are_named(items: ItemSet) -> None:
    with pytest.raises(RecipeError, match=r"\['vibes'\]"):
        Choice(items=items, readings=("letter", "vibes"))
    with pytest.raises(RecipeError, match="split 'train'"):
        Choice(items=items, split="train")
    with pytest.raises(PromptError, match=r"letter\.md should have the slots"):
        Choice(items=items, prompts=(Prompt("letter.md", "{{ question }} A or B?"),))
    with pytest.raises(DataError, match="no items in split 'test'"):
        Choice(items=replace(items, items=items.items[:1]), split="test").estimate()
    with pytest.raises(DataError, match="an id twice"):
        Choice(items=replace(items, items=items.items[:1] * 2)).estimate()


def test_every_reading_is_explained(items: ItemSet) -> None:
    explained = Choice(items=items, split="all").explain()
    assert [r.name for r in explained] == list(READINGS)
    assert all(r.even == 0 and r.low is None and "nats" in r.words for r in explained)


def test_without_a_chat_template_answers_begin_with_a_space(tiny: LocalModel) -> None:
    bare = copy.deepcopy(tiny.tokenizer)
    bare.chat_template = None
    opening = Opening(replace(tiny, tokenizer=bare))
    assert bare.decode(opening.prefix("Which one?")).endswith("User: Which one?\n\nAssistant:")
    assert opening.answer("Yes") == bare(" Yes", add_special_tokens=False)["input_ids"]
    assert Opening(tiny).answer("Yes") == bare("Yes", add_special_tokens=False)["input_ids"]


def test_a_reasoning_block_that_the_template_puts_first_is_part_of_the_prefix(tiny: LocalModel) -> None:
    thinking = copy.deepcopy(tiny.tokenizer)
    thinking.chat_template = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' }}"
                              "{% if m['role'] == 'assistant' %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
                              "{{ m['content'] + '<|im_end|>\\n' }}{% endfor %}"
                              "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
    opening = Opening(replace(tiny, tokenizer=thinking))
    whole = thinking.decode(opening.prefix("Which one?") + opening.answer("Yes"))
    assert whole.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\nYes")
