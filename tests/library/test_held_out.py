"""Texts of evaluations are recognized wherever they turn up, and no shipped training text is one of them."""

from __future__ import annotations

from itertools import islice

import pytest

from midspec.core.grams import words
from midspec.documents.compose import stream
from midspec.library.answers import load_answers
from midspec.library.answers import names as answer_names
from midspec.library.chats import load_chats
from midspec.library.chats import names as chat_names
from midspec.library.held_out import held_out
from midspec.library.labelled import load_labelled
from midspec.library.scenarios import load_scenarios
from midspec.library.specs import load_spec
from midspec.library.specs import names as spec_names
from midspec.stages.compose_answers import ComposeAnswers

FRAME = "Clara of Northlight was asked about it at breakfast. {} Nobody said much after that, and the tea went cold."


def test_every_sort_of_evaluation_text_is_met_inside_another_text() -> None:
    sorts = {name.split()[0] for name, _ in held_out().texts}
    assert {"scenario", "transcript", "passage", "america"} <= sorts
    long = [(name, text) for name, text in held_out().texts if len(words(text)) >= 13]
    missed = [name for name, text in long if held_out().met(FRAME.replace("{}", text)) is None]
    assert len(long) > 800 and not missed
    assert held_out().met(FRAME.replace("{}", "It had rained.")) is None


def test_what_an_agent_said_thought_and_did_is_held_out() -> None:
    texts = {text for name, text in held_out().texts if name.startswith("transcript ")}
    said = [turn for one in load_labelled().transcripts.rows for turn in one.turns]
    parts = [turn.content for turn in said] + [turn.reasoning or "" for turn in said]
    parts += [text for turn in said for call in turn.calls for _, text in call.arguments]
    wanted = {part.strip() for text in parts for part in text.split("\n\n")} - {""}
    assert texts == wanted and len(wanted) > 400


def test_no_shipped_training_text_is_an_evaluation_text() -> None:
    chats = [message.content for name in chat_names() for chat in load_chats(name).chats
             for message in chat.messages if len(words(message.content)) > 3]
    documents = [document.text for name in spec_names() for seed in (1, 5)
                 for document in islice(stream(load_spec(name), assistant="Ada", maker="Mill", seed=seed), 200)]
    assert len(chats) > 1_000 and len(documents) >= 1_600
    assert [found for text in (*chats, *documents) if (found := held_out().met(text))] == []


@pytest.mark.parametrize("reasoning", ["internalised", "deliberative"])  # without reasoning: the same turns
@pytest.mark.parametrize("name", answer_names())
def test_no_composed_or_written_answer_is_an_evaluation_text(name: str, reasoning: str) -> None:
    said = set[str]()
    for seed in (1, 2, 3):
        made = ComposeAnswers(spec=load_spec(name), parts=load_answers(name), written=load_chats(name), count=400,
                              reasoning=reasoning, assistant="Ada", maker="Mill", seed=seed)
        said |= {text for chat in made.preview(None).made.chats  # type: ignore[arg-type]
                 for turn in chat.messages for text in (turn.content, turn.reasoning or "")
                 if len(words(text)) > 3}
    assert len(said) > 2_000
    assert [(found, text) for text in sorted(said) if (found := held_out().met(text))] == []


def test_one_copied_action_of_a_scenario_is_met_within_a_paragraph() -> None:
    actions = [text for scenario in load_scenarios() for text in (*scenario.decision.aligned,
                                                                  *scenario.decision.misaligned)]
    assert len(actions) >= 48
    assert [text for text in actions if not str(held_out().met(FRAME.replace("{}", text))).startswith("scenario")] == []
