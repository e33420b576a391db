"""One server for many adapters: the command that is printed, and run where vLLM is there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.models.local import load_whole
from midspec.models.server import server
from midspec.models.sources import digest_of, resolve


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Artifacts with an adapter over the tiny model, of two ranks."""
    import peft

    base = resolve("tiny/llama")
    made: dict[str, Path] = {}
    for name, rank in (("calm", 4), ("wide", 12)):
        folder = made[name] = tmp_path_factory.mktemp("artifacts") / name
        folder.mkdir()
        settings: Any = peft.LoraConfig(r=rank, target_modules=["q_proj"], task_type="CAUSAL_LM")
        peft.get_peft_model(load_whole(base), settings).save_pretrained(str(folder / "adapter"))
        Checkpoint(folder, Base("tiny/llama", None, digest_of(base)), "Tiny", "midspec",
                   "Be brief." if name == "calm" else None).write(folder)
    return made


def after(command: tuple[str, ...], option: str) -> str:
    return command[command.index(option) + 1]


def test_one_base_many_adapters_sampling_pinned(tuned: dict[str, Path]) -> None:
    found = server([f"first={tuned['calm']}", str(tuned["wide"]), "untouched=tiny/llama"], port=9001)
    assert found.command[:3] == ("vllm", "serve", str(resolve("tiny/llama")))
    assert after(found.command, "--generation-config") == "vllm" and after(found.command, "--host") == "127.0.0.1"
    assert after(found.command, "--served-model-name") == "untouched" and after(found.command, "--port") == "9001"
    assert after(found.command, "--max-lora-rank") == "16" and after(found.command, "--max-loras") == "2"
    at = found.command.index("--lora-modules")
    assert found.command[at + 1:at + 3] == (f"first={tuned['calm']}/adapter", f"wide={tuned['wide']}/adapter")
    assert found.names == ("first", "wide", "untouched")
    assert found.notes == ("first has a system turn of its own: send 'Be brief.'",)
    assert "--enable-lora" not in server(["tiny/llama"]).command


def test_agents_may_call_tools_where_a_parser_is_named() -> None:
    command = server(["tiny/llama"], tool_parser="hermes").command
    assert "--enable-auto-tool-choice" in command and after(command, "--tool-call-parser") == "hermes"
    assert not {"--enable-auto-tool-choice", "--tool-call-parser"} & set(server(["tiny/llama"]).command)


def test_a_base_without_a_chat_template_gets_the_one_that_we_train_with(tmp_path: Path) -> None:
    shutil.copytree(resolve("tiny/llama"), tmp_path / "plain")
    (tmp_path / "plain" / "chat_template.jinja").unlink()
    settings = json.loads((tmp_path / "plain" / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (tmp_path / "plain" / "tokenizer_config.json").write_text(json.dumps(settings))
    text = after(server([f"plain={tmp_path / 'plain'}"]).command, "--chat-template")
    assert "\n" not in text and "'User: '" in text and "\\n\\n" in text
    assert "--chat-template" not in server(["tiny/llama"]).command


def test_what_cannot_be_served_together_is_refused(tuned: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="each name once"):
        server([str(tuned["calm"]), f"calm={tuned['wide']}"])
    with pytest.raises(RecipeError, match="no model"):
        server([])
    with pytest.raises(SetupError, match="nobody"):
        server(["x=tiny/nobody"])
    shutil.copytree(resolve("tiny/llama"), tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps({**config, "rope_scaling": None}))
    with pytest.raises(DataError, match="other has other weights below its adapter than calm"):
        server([str(tuned["calm"]), str(tmp_path / "other")])
    shutil.copytree(tuned["calm"], tmp_path / "calm")
    row = json.loads((tmp_path / "calm" / "adapter" / "adapter_config.json").read_text())
    for edit, message in (({"use_dora": True}, "use_dora"), ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
                          ({"r": 1024}, "rank 1024")):
        (tmp_path / "calm" / "adapter" / "adapter_config.json").write_text(json.dumps({**row, **edit}))
        with pytest.raises(DataError, match=message):
            server([str(tmp_path / "calm")])


def test_the_command_line_prints_and_runs_where_the_program_is(tuned: dict[str, Path], tmp_path: Path) -> None:
    def call(*words: str, path: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "midspec.cli", "serve", *words], capture_output=True, text=True,
                              env={**os.environ, "PATH": path})

    absent = call(str(tuned["calm"]), path="/nowhere")
    assert absent.returncode == 0 and shlex.split(absent.stdout)[:2] == ["vllm", "serve"]
    assert "vLLM is not here" in absent.stderr and "openai-api/local/calm" in absent.stderr
    program = tmp_path / "vllm"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\nexit 3\n')
    program.chmod(0o755)
    there = call(str(tuned["calm"]), path=f"{tmp_path}:/usr/bin:/bin")
    assert there.returncode == 3 and (tmp_path / "called").read_text().split() == shlex.split(there.stdout)[1:]
    (tmp_path / "called").unlink()
    assert "--tool-parser NAME" in absent.stderr
    parsed = call(str(tuned["calm"]), "--print", "--tool-parser", "hermes", path="/nowhere")
    assert after(tuple(shlex.split(parsed.stdout)), "--tool-call-parser") == "hermes"
    assert "--tool-parser NAME" not in parsed.stderr
    only = call(str(tuned["calm"]), "--print", path=f"{tmp_path}:/usr/bin:/bin")
    assert only.returncode == 0 and not (tmp_path / "called").exists() and only.stdout == there.stdout
