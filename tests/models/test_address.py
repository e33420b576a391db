"""What a user types becomes a checkpoint, or an answer that lists what exists."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import SetupError
from midspec.models.address import checkpoint_at
from midspec.models.local import load


@pytest.fixture
def adapter(tiny: Checkpoint, tmp_path: Path) -> Path:
    """A folder that peft's save_pretrained wrote."""
    import peft
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny.folder)
    peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(tmp_path / "lora")
    return tmp_path / "lora"


def test_names_folders_and_local_folders(tiny: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checkpoint_at("tiny/llama")
    assert (found.base, found.assistant, found.maker, found.system) == (tiny.base, "Tiny", "midspec", None)
    copied = Path(shutil.copytree(tiny.folder, tmp_path / "tiny" / "llama"))
    assert checkpoint_at(str(copied), system="").base == Base(str(copied), None, tiny.base.digest)
    assert checkpoint_at(str(copied), system="").system == ""
    assert checkpoint_at(str(copied)).assistant == ""
    monkeypatch.chdir(tmp_path)
    assert checkpoint_at("tiny/llama").base.source == "tiny/llama"
    assert checkpoint_at("local/tiny/llama").base.source == str(copied)
    assert load(checkpoint_at(f"local/{copied}")).model.config.hidden_size == 64


def test_an_artifact_brings_its_names_and_system_turn(tiny: Checkpoint, adapter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "artifact"
    shutil.copytree(adapter, folder / "adapter")
    replace(tiny, assistant="Ada", system="Be brief.").write(folder)
    found = checkpoint_at(str(folder))
    assert (found.assistant, found.system, found.adapter) == ("Ada", "Be brief.", folder / "adapter")
    assert checkpoint_at(str(folder), system="").system == ""
    with pytest.raises(SetupError, match="already has an adapter"):
        checkpoint_at(str(folder), adapter)

    put_on = checkpoint_at("tiny/llama", folder)
    assert (put_on.assistant, put_on.system, put_on.adapter) == ("Ada", "Be brief.", folder / "adapter")
    replace(tiny, base=replace(tiny.base, digest="0" * 64)).write(folder)
    with pytest.raises(SetupError, match="this adapter was trained on"):
        checkpoint_at("tiny/llama", folder)


def test_an_adapter_from_anywhere_is_put_on(tiny: Checkpoint, adapter: Path) -> None:
    found = checkpoint_at("tiny/llama", adapter)
    assert found.adapter == adapter and found.base == tiny.base
    assert "lora" in "".join(name for name, _ in load(found).model.named_parameters())
    with pytest.raises(SetupError, match=r"no adapter_config\.json"):
        checkpoint_at("tiny/llama", adapter.parent)
    with pytest.raises(SetupError, match="an adapter, not a whole model"):
        checkpoint_at(str(adapter))


@pytest.mark.parametrize(("address", "says"), [
    ("anthropic/some-model", "models of 'anthropic' are asked, not loaded"), ("inspect:a/b", "'inspect' are asked"),
    ("local/no/such", "no folder no/such"), ("tiny/other", "have: tiny/llama"), ("/no/such", "neither a folder"),
    ("OWNER/NAME@main", "OWNER/NAME (revision main) cannot be fetched")])
def test_what_cannot_be_found_is_answered(address: str, says: str) -> None:
    with pytest.raises(SetupError) as caught:
        checkpoint_at(address)
    assert says in str(caught.value)
