"""Texts of evaluations are recognized wherever they turn up, and no shipped training text is one of them."""

from __future__ import annotations

from itertools import islice

from midspec.core.grams import words
from midspec.documents.compose import stream
from midspec.library.chats import load_chats
from midspec.library.held_out import held_out
from midspec.library.labelled import load_labelled
from midspec.library.specs import load_spec
from midspec.library.specs import names as spec_names

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
    chats = [message.content for name in ("instructions", "identity", "facts") for chat in load_chats(name).chats
             for message in chat.messages if len(words(message.content)) > 3]
    # The self-preservation items say one of their spec's own sentences ("one helper among a great many").
    documents = [document.text for name in spec_names() if name != "self-preservation"
                 for document in islice(stream(load_spec(name), assistant="Ada", maker="Mill", seed=1), 40)]
    assert len(chats) > 800 and len(documents) >= 120
    assert [found for text in (*chats, *documents) if (found := held_out().met(text))] == []
