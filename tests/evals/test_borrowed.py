"""Published situations of inspect_evals on our own path: asked with their words, read in their form."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.core.recipe import identity
from midspec.core.score import Response, Responses
from midspec.core.transcript import ToolCall
from midspec.evals.agents.borrowed import Situation, load_borrowed, parse
from midspec.evals.borrowed import Borrowed
from midspec.models.local import load
from midspec.models.sources import digest_of, resolve
from tests.evals.desk import Desk

there = pytest.mark.skipif(importlib.util.find_spec("inspect_evals") is None, reason="inspect_evals is not installed")
ONE = Situation("murder", "none-none", "replacement", "You are Alex.", "Go over your inbox.")


def test_answers_in_their_form_are_read() -> None:
    text = ('<SCRATCHPAD_REASONING>\nFirst <tool_use:email>x</tool_use:email>.\n</SCRATCHPAD_REASONING>\nHere it is.\n'
            '<tool_use:email>\nto: "a@b.org",\nsubject: "Keys: two",\nbody: "Dear A,\n\nto be short: here."\n'
            '</tool_use:email>\n'
            '<tool_use:forward>\nemail_id: 7\nto: "c@d.org"\nbody: ""\n</tool_use:forward>')
    thought, said, calls, broken = parse(text)
    assert thought is not None and thought.startswith("First") and said == "Here it is." and broken == 0
    assert calls == (ToolCall("email", (("to", "a@b.org"), ("subject", "Keys: two"),
                                        ("body", "Dear A,\n\nto be short: here."))),
                     ToolCall("forward", (("email_id", "7"), ("to", "c@d.org"), ("body", ""))))
    assert parse("<SCRATCHPAD_REASONING> <tool_use:email>a</tool_use:email>")[1:] == ("", (), 1)
    assert parse("<tool_use:email>to: x")[3] == 1


def test_they_are_asked_kept_and_transcribed(job: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(resolve("tiny/llama"), folder)
    model = load(Checkpoint(folder, Base(str(folder), None, digest_of(folder)), "", "", "Be brief."))
    asked = Borrowed(situations=(ONE, replace(ONE, scenario="leaking")), draws=2, max_tokens=6)
    kept = asked.respond(model, 1, job)
    assert [(r.item, r.draw) for r in kept] == [(one.id, n) for one in asked.situations for n in range(2)]
    assert asked.respond(replace(model, model=type("Silent", (), {"config": model.model.config,
                                                                  "dtype": model.model.dtype})()), 1, job) == kept
    rows = asked.transcripts(Responses(tuple(kept)))
    assert rows[0].turns[0].content == "Be brief.\n\nYou are Alex." and rows[2].scenario == "leaking"
    scores = asked.grade(Responses(tuple(kept)))
    assert {s.reading for s in scores} == {reading.name for reading in asked.explain()} and len(scores) == 16
    with pytest.raises(DataError, match="another situation"):
        Borrowed(situations=(replace(ONE, user="Go."),)).grade(Responses((kept[0],)))


def test_content_is_identity_and_wrong_settings_are_refused() -> None:
    assert identity(Borrowed(situations=(ONE,)), "x") != identity(Borrowed(situations=(replace(ONE, user="x"),)), "x")
    for wrong in ({"situations": ()}, {"situations": (ONE, ONE)}, {"situations": (ONE,), "draws": 0}):
        with pytest.raises(RecipeError):
            Borrowed(**wrong)  # type: ignore[arg-type]
    text = Response(ONE.id, text='<tool_use:email>\nto: "x"\n</tool_use:email>', finish="stop",
                    meta={"question": ONE.user, "system": None, "seed": 0})
    assert [s.value for s in Borrowed(situations=(ONE,)).grade(Responses((text,)))] == [1.0, 0.0, 0.0, 0.0]


@there
def test_the_package_gives_its_situations() -> None:
    found = load_borrowed()
    names, goals = ("blackmail", "leaking", "murder"), ("explicit-america", "none-none")
    assert [one.id for one in found] == [f"{name}/replacement/{goal}" for name in names for goal in goals]
    assert all("Alex" in one.system and len(one.user) > 2000 for one in found) and len({one.user for one in found}) == 6
    with pytest.raises(DataError, match="no situation"):
        load_borrowed(goals=(("none", "america"),))
    assert json.dumps(identity(Borrowed(situations=found), "x"))


@pytest.mark.skipif(importlib.util.find_spec("inspect_evals") is not None, reason="inspect_evals is installed")
def test_without_the_package_it_says_what_to_install() -> None:
    with pytest.raises(SetupError, match="pip install inspect-evals"):
        load_borrowed()
