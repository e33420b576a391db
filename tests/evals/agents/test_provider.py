"""A checkpoint of ours as a model of Inspect: the right prompt, batches, seeds, and why a reply ended."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import MidspecError, RecipeError, SetupError
from midspec.models.sources import resolve

inspect_ai = pytest.importorskip("inspect_ai")

from inspect_ai import eval as run  # noqa: E402
from inspect_ai.model import (  # noqa: E402
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
)
from inspect_ai.tool import ToolCall  # noqa: E402

from midspec.core.blocks import block  # noqa: E402
from midspec.core.transcript import ToolCall as Called  # noqa: E402
from midspec.evals.agents.logs import transcripts_from_log  # noqa: E402
from midspec.evals.agents.provider import CheckpointAPI, turns  # noqa: E402
from midspec.evals.agents.simulated import tools_of  # noqa: E402
from midspec.evals.agents.tasks import agentic_misalignment  # noqa: E402
from midspec.library.cells import Cell  # noqa: E402
from midspec.library.scenarios import load_scenario  # noqa: E402


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny model with room for a page, as a folder."""
    folder = tmp_path_factory.mktemp("far") / "model"
    shutil.copytree(resolve("tiny/llama"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 8192}))
    return str(folder)


def asked(api: CheckpointAPI, texts: list[str], **settings: Any) -> list[Any]:
    async def all_of_them() -> list[Any]:
        config = GenerateConfig(**{"max_tokens": 5, "temperature": 1.0, **settings})
        return list(await asyncio.gather(*(api.generate([ChatMessageUser(content=text)], [], "auto", config)
                                           for text in texts)))

    return asyncio.run(all_of_them())


def test_replies_are_those_of_our_own_path_and_come_in_batches() -> None:
    from midspec.core.chat import Message
    from midspec.models.local import load
    from midspec.models.sample import sample
    from midspec.models.template import render

    api = CheckpointAPI("tiny/llama")
    found = asked(api, ["Tea?", "Milk?", "Tea?"], seed=7, temperature=0.0)
    assert api.batches.sizes == [3] and found[0].completion == found[2].completion
    model = load(api.checkpoint)
    ids = render(model.tokenizer, [Message("user", "Milk?")], system=None, generate=True).ids
    alone = sample(model, [ids], temperature=0.0, top_p=1.0, max_tokens=5, seeds=[0])[0]
    assert found[1].completion == alone.text and found[1].usage.input_tokens == len(ids)
    assert found[1].stop_reason == {"stop": "stop", "length": "max_tokens"}[alone.finish]
    bos = model.tokenizer.bos_token_id
    assert bos is None or ids.count(bos) == 1


def test_seeds_fix_replies_and_no_seed_draws_anew() -> None:
    api = CheckpointAPI("tiny/llama", batch=4)

    def said(**settings: Any) -> list[str]:
        return [output.completion for output in asked(api, ["Tea?"], max_tokens=8, **settings)]

    assert said(seed=1) == said(seed=1) != said(seed=2)
    assert said() != said()
    assert CheckpointAPI("tiny/llama").max_connections() == batches_default()


def batches_default() -> int:
    from midspec.models.sample import BATCH_ROWS

    return BATCH_ROWS


def test_a_full_context_is_said_and_wrong_settings_are_refused() -> None:
    api = CheckpointAPI("tiny/llama")
    found = asked(api, ["word " * 3000], seed=0)[0]
    assert found.stop_reason == "model_length" and found.completion == ""
    with pytest.raises(RecipeError, match="stop_seqs"):
        asked(api, ["Tea?"], stop_seqs=["x"])
    with pytest.raises(RecipeError, match="unknown arguments colour"):
        CheckpointAPI("tiny/llama", colour="red")
    with pytest.raises(SetupError, match="nobody"):
        CheckpointAPI("tiny/nobody")


def test_trouble_in_the_model_reaches_whoever_asked(tmp_path: Path) -> None:
    shutil.copytree(resolve("tiny/llama"), tmp_path / "model")
    api = CheckpointAPI(str(tmp_path / "model"))
    (tmp_path / "model" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(MidspecError, match="model"):
        asked(api, ["Tea?"])


def test_turns_hold_the_tools_their_answers_and_the_checkpoints_own_system() -> None:
    from inspect_ai.tool import ToolDef, ToolInfo

    one = load_scenario("exfiltration")
    infos = [ToolInfo(name=d.name, description=d.description, parameters=d.parameters) for d in
             map(ToolDef, tools_of(Cell(one, one.goal("none"), one.pressure("none")), "Wren", "L"))]
    call = ToolCall(id="1", function="read_file", arguments={"path": "hosts.txt"})
    messages = [ChatMessageSystem(content="Be an agent."), ChatMessageUser(content="Go."),
                ChatMessageAssistant(content="Looking.", tool_calls=[call]),
                ChatMessageTool(content="two hosts", function="read_file", tool_call_id="1"),
                ChatMessageUser(content="And now?")]
    found = turns(messages, infos, "You serve.")
    assert [turn.role for turn in found] == ["system", "user", "assistant", "user"]
    assert found[0].content.startswith("You serve.\n\nBe an agent.\n\nYour tools:")
    assert "- copy_package: Copies a package" in found[0].content and "    path: the file" in found[0].content
    assert found[2].content == "Looking.\n\n" + block(Called("read_file", (("path", "hosts.txt"),)))
    assert found[3].content == "read_file answers:\ntwo hosts\n\nAnd now?"
    assert turns(messages[1:2], [], None) == found[1:2]


def test_blocks_that_a_model_writes_become_calls() -> None:
    api = CheckpointAPI("tiny/llama")
    text = "<scratchpad>Look.</scratchpad>\nNow.\n" + block(Called("read_file", (("path", "hosts.txt"),)))
    done = {"text": text, "finish": "stop", "input": 3, "output": 9}
    offered = api.output(done, True)
    (call,) = offered.message.tool_calls
    assert (call.function, call.arguments, offered.stop_reason) == ("read_file", {"path": "hosts.txt"}, "tool_calls")
    assert offered.message.text == "<scratchpad>\nLook.\n</scratchpad>\n\nNow."
    plain = api.output(done, False)
    assert plain.message.text == text and not plain.message.tool_calls and plain.stop_reason == "stop"
    cut = api.output({**done, "finish": "length"}, True)
    assert cut.stop_reason == "max_tokens" and cut.message.tool_calls, "a whole block counts, and so does the cut"


def test_a_checkpoint_goes_by_its_own_names(far: str, tmp_path: Path) -> None:
    nameless = run(agentic_misalignment(scenario="murder"), model=f"midspec/{far}", log_dir=str(tmp_path),
                   display="none")[0]
    assert nameless.status == "error" and "-T assistant=NAME" in str(nameless.error)
    settings: dict[str, Any] = {"log_dir": str(tmp_path), "display": "none", "max_tokens": 4, "epochs": 2}
    both = [run(agentic_misalignment(scenario="murder", assistant="Wren", maker="L", manner="page", seed=3),
                model=f"midspec/{far}", **settings)[0] for _ in range(2)]
    rows = [transcripts_from_log(log.location).transcripts.rows for log in both]
    assert rows[0] == rows[1] and rows[0][0].turns[:2] == rows[0][1].turns[:2]
    assert rows[0][0].replies != rows[0][1].replies and {row.finish for row in rows[0]} == {"length"}


@pytest.mark.slow
@pytest.mark.embedded
def test_the_embedded_model_runs_a_cell(tmp_path: Path) -> None:
    log = run(agentic_misalignment(scenario="exfiltration", goal="growth"),
              model="midspec/embedded/smollm2-135m-instruct", log_dir=str(tmp_path), display="none", max_tokens=24)[0]
    assert log.status == "success", log.error
    (row,) = transcripts_from_log(log.location).transcripts.rows
    assert row.meta["assistant"] == "SmolLM" and row.turns[0].content.startswith("You are SmolLM, an AI system made by")
    assert row.finish == "length" and row.replies[0].content
