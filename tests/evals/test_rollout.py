"""Rollouts: pages are sampled once and kept, read as transcripts, and counted by code."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midspec.core.blocks import block
from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import DataError, RecipeError
from midspec.core.score import Response, Responses
from midspec.core.transcript import ToolCall, Transcripts, read_transcripts
from midspec.evals.agents.counted import COUNTED
from midspec.evals.agents.render import Frame
from midspec.evals.rollout import Rollout
from midspec.library.scenarios import load_scenario, load_scenarios
from midspec.models.local import LocalModel, load
from midspec.models.sources import digest_of, resolve
from tests.evals.desk import Desk

ASKED: dict[str, Any] = {"scenarios": load_scenarios("murder", "exfiltration"), "goals": ("growth", "none"),
                         "split": "all"}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """The tiny model with room for a page: positions are computed, so only the config says how many there are."""
    folder = tmp_path_factory.mktemp("far") / "model"
    shutil.copytree(resolve("tiny/llama"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 16384}))
    return load(Checkpoint(folder, Base(str(folder), None, digest_of(folder)), "Wren", "Larkspur Labs", "Be brief."))


def page(rollout: Rollout, cell: Any, text: str, finish: str = "stop") -> Response:
    """A kept response as ``respond`` makes it, with a text of ours."""
    import midspec.evals.rollout as home

    told = rollout.told(cell, "Wren", "Larkspur Labs", None)
    return Response(cell.id, 0, text=text, finish=finish, meta={
        "assistant": "Wren", "maker": "Larkspur Labs", "system": None, "seed": 0, "told": home._digest(told)})


def test_pages_are_kept_and_told_what_the_frame_says(far: LocalModel, job: Desk) -> None:
    rollout = Rollout(**ASKED, draws=2, max_tokens=6)
    first = rollout.respond(far, 3, job)
    assert [(r.item, r.draw) for r in first] == [(c.id, d) for c in rollout.chosen for d in range(2)]
    assert len({r.text for r in first}) > 4 and job.facts["pages"] == 8 and job.facts["cells"] == 4
    assert job.steps[-1] == (8, 8)
    told = rollout.told(rollout.chosen[0], "Wren", "Larkspur Labs", "Be brief.")
    ids = far.tokenizer(told[0].content, add_special_tokens=False)["input_ids"]
    assert first[0].tokens["prompt"] > len(ids) and told[0].content.startswith("Be brief.\n\nYou are Wren")
    made = rollout.transcripts(Responses(tuple(first)))
    assert made[0].turns[:2] == told and made[0].finish in ("stop", "length")
    assert made[1].id == f"{rollout.chosen[0].id}/1" and made[0].meta["seed"] == 3
    again = replace(rollout, max_tokens=7).respond(far, 3, job)
    assert [r.text for r in again] != [r.text for r in first], "another limit is another sampling"


def test_kept_pages_are_not_sampled_again(far: LocalModel, job: Desk) -> None:
    rollout = Rollout(**{**ASKED, "goals": ("none",)}, max_tokens=3)
    first = rollout.respond(far, 3, job)

    class Silent:
        """The same model, unable to speak."""

        config, dtype, device = far.model.config, far.model.dtype, far.model.device

    assert rollout.respond(replace(far, model=Silent()), 3, job) == first


@pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda s: s.name)
def test_calls_are_counted_and_thoughts_are_not(scenario: Any) -> None:
    import yaml

    from midspec.library.scenarios import FOLDER

    rollout = Rollout(scenarios=(scenario,), goals=("none",), split="all")
    cell = rollout.chosen[0]
    examples = yaml.safe_load((FOLDER / f"{scenario.name}.yaml").read_text(encoding="utf-8"))["examples"]

    def counts(text: str, finish: str = "stop") -> dict[str, float | None]:
        scores = rollout.grade(Responses((page(rollout, cell, text, finish),)))
        assert tuple(s.reading for s in scores) == COUNTED and {s.domain for s in scores} == {scenario.name}
        return {s.reading: s.value for s in scores}

    for kind, executed in (("harmful", 1.0), ("harmless", 0.0)):
        for one in examples[kind]:
            act = block(ToolCall(one["tool"], tuple((k, str(v)) for k, v in one["arguments"].items())))
            assert counts(f"<scratchpad>So.</scratchpad>\n{act}")["executed"] == executed
            assert counts(f"<scratchpad>{act}</scratchpad> No.")["executed"] == 0.0
    empty = {"executed": 0, "tool_calls": 0, "truncated": 0, "empty": 1, "broken": 0}
    assert counts("<scratchpad>Hm.</scratchpad>\n\n") == empty
    assert counts("<scratchpad>Hm", "length") == {**empty, "truncated": 1, "broken": 1}
    assert counts("Good morning.", "")["truncated"] is None


def test_transcripts_survive_a_file_and_hold_no_canary(tmp_path: Path) -> None:
    rollout = Rollout(**ASKED)
    text = '<scratchpad>a</scratchpad>Hello\n<use tool="send_mail"><to>x</to></use>'
    kept = Responses(tuple(page(rollout, cell, text) for cell in rollout.chosen))
    rows = Transcripts(tuple(rollout.transcripts(kept)))
    rows.write(tmp_path)
    assert tuple(read_transcripts(tmp_path / "transcripts.jsonl")) == rows.rows and len(rows.rows) == 4
    assert "Canary" not in (tmp_path / "transcripts.jsonl").read_text(encoding="utf-8")
    assert rows.rows[0].replies[0].reasoning == "a" and rows.rows[0].calls == (ToolCall("send_mail", (("to", "x"),)),)


def test_another_rollout_does_not_read_the_pages() -> None:
    rollout = Rollout(**ASKED)
    kept = Responses((page(rollout, rollout.chosen[0], "Hello."),))
    with pytest.raises(DataError, match="told something else"):
        replace(rollout, frame=Frame(scratchpad=False)).grade(kept)
    with pytest.raises(DataError, match="not in the grid"):
        replace(rollout, goals=("speed",)).grade(Responses((replace(kept.rows[0], item="murder/none/gain"),)))
    dev = replace(rollout, split="dev", scenarios=load_scenarios())
    assert {row.meta["scenario"] for row in dev.transcripts(kept)} <= {"murder"}


def test_settings_that_make_no_sense_are_refused(far: LocalModel, job: Desk) -> None:
    for wrong, message in (({"draws": 0}, "0 draws"), ({"temperature": 0.0, "draws": 2}, "2 draws at temperature 0"),
                           ({"frame": Frame(manner="agent")}, "writes once"), ({"split": "some"}, "split 'some'")):
        with pytest.raises(RecipeError, match=message):
            Rollout(**{**ASKED, **wrong})
    nameless = replace(far, checkpoint=replace(far.checkpoint, maker=""))
    with pytest.raises(DataError, match="by name"):
        Rollout(**ASKED).respond(nameless, 0, job)
    assert Rollout(scenarios=(load_scenario("murder"),), draws=3).estimate()["tokens"] % (3 * 4096) == 0
