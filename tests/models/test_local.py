"""Checkpoints in memory: the same numbers as plain transformers and peft, and nothing that does not belong together."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import DataError, SetupError
from midspec.models.local import load, load_tokenizer, load_weights
from midspec.models.sources import digest_of, remember, resolve

IDS = [[5, 300, 41, 7, 1200, 9, 33, 2]]


def logprobs(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return torch.log_softmax(model(torch.tensor(IDS)).logits.float(), dim=-1)


def plain(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).eval()


@pytest.fixture
def adapted(tiny: Checkpoint, tmp_path: Path) -> Checkpoint:
    """An artifact as training leaves it: checkpoint.json and an adapter that peft saved, with weights that matter."""
    import peft
    import torch

    torch.manual_seed(7)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(plain(tiny.folder), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    folder = tmp_path / "artifact"
    model.save_pretrained(folder / "adapter")
    made = replace(tiny, folder=folder)
    made.write(folder)
    return Checkpoint.read(folder)


def test_an_adapter_gives_the_log_probabilities_of_plain_peft(adapted: Checkpoint, tiny: Checkpoint) -> None:
    import peft
    import torch

    assert adapted.adapter is not None
    by_hand = logprobs(peft.PeftModel.from_pretrained(plain(tiny.folder), adapted.adapter).eval())
    torch.testing.assert_close(logprobs(load(adapted).model), by_hand, atol=0, rtol=0)
    assert (logprobs(load(tiny).model) - by_hand).abs().max() > 0.1


def test_whole_weights_come_before_the_base_and_below_the_adapter(adapted: Checkpoint, tiny: Checkpoint) -> None:
    import peft
    import torch

    other = plain(tiny.folder)
    with torch.no_grad():
        other.model.layers[0].mlp.up_proj.weight.mul_(2)
    other.save_pretrained(adapted.folder / "model")
    assert adapted.adapter is not None
    by_hand = logprobs(peft.PeftModel.from_pretrained(other, adapted.adapter).eval())
    # The base may be gone: the folder holds all weights; only its tokenizer would still be needed.
    gone = replace(adapted, base=replace(adapted.base, source="/no/such/folder", digest="0" * 64))
    torch.testing.assert_close(logprobs(load_weights(gone)), by_hand)
    shutil.copytree(tiny.folder, adapted.folder / "model", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    assert len(load_tokenizer(gone)) == len(load_tokenizer(tiny))


def test_a_loaded_model_is_quiet_still_and_frozen(adapted: Checkpoint, tiny: Checkpoint,
                                                  recwarn: pytest.WarningsRecorder,
                                                  capfd: pytest.CaptureFixture[str]) -> None:
    import torch

    threads = torch.get_num_threads()
    model = load(adapted)
    assert (captured := capfd.readouterr()).out == "" and captured.err == ""
    assert not recwarn.list
    assert not model.model.training and not any(p.requires_grad for p in model.model.parameters())
    assert not any(p.requires_grad for p in load(tiny).model.parameters())
    assert torch.get_num_threads() == threads
    halved = load(adapted, precision="bf16").model
    assert {p.dtype for name, p in halved.named_parameters() if "lora_" not in name} == {torch.bfloat16}
    assert model.model.get_base_model().config._attn_implementation == "sdpa"
    assert load(adapted, attention="eager").model.get_base_model().config._attn_implementation == "eager"


def test_trainable_lets_only_the_adapter_learn(adapted: Checkpoint) -> None:
    names = {n for n, p in load_weights(adapted, trainable=True).named_parameters() if p.requires_grad}
    assert names and all("lora_" in name for name in names)


def test_another_base_under_an_adapter_is_refused(adapted: Checkpoint, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDSPEC_CACHE", str(tmp_path / "cache"))  # which remembers no other place of the base
    other = Path(shutil.copytree(resolve("tiny/llama"), tmp_path / "other"))
    template = other / "chat_template.jinja"
    template.write_text(template.read_text() + "\n")
    with pytest.raises(DataError, match="another model than the checkpoint was made from"):
        load(replace(adapted, base=replace(adapted.base, source=str(other))))
    with pytest.raises(DataError, match="another model"):
        load(replace(adapted, base=replace(adapted.base, digest="0" * 64)))


def test_a_base_that_moved_is_found(tiny: Checkpoint, tmp_path: Path) -> None:
    first = Path(shutil.copytree(tiny.folder, tmp_path / "first"))
    (first / "chat_template.jinja").write_text("{{ messages[0].content }}")
    base = Base(str(first), None, remember(first))
    second = first.rename(tmp_path / "second")
    with pytest.raises(SetupError, match="neither a folder nor"):
        load_tokenizer(replace(tiny, base=base))
    assert remember(second) == base.digest
    assert load_tokenizer(replace(tiny, base=base)).chat_template == "{{ messages[0].content }}"


def test_an_adapter_of_other_shapes_is_refused(adapted: Checkpoint, tiny: Checkpoint, tmp_path: Path) -> None:
    import peft
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def other(hidden: int, layers: int) -> Any:
        return LlamaForCausalLM(LlamaConfig(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=4,
                                            num_key_value_heads=2, intermediate_size=128, vocab_size=100))

    torch.manual_seed(0)
    for model in (other(96, 2), other(64, 3)):
        shutil.rmtree(adapted.folder / "adapter")
        lora = peft.LoraConfig(r=4, target_modules=["q_proj"])
        peft.get_peft_model(model, lora).save_pretrained(adapted.folder / "adapter")
        with pytest.raises(DataError, match="does not fit the model"):
            load(adapted)


def test_a_pickled_or_torn_adapter_is_refused(adapted: Checkpoint) -> None:
    assert adapted.adapter is not None
    weights = adapted.adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(DataError, match="weights is damaged"):
        load(adapted)
    weights.rename(weights.with_name("adapter_model.bin"))
    with pytest.raises(SetupError, match=r"no adapter_model\.safetensors"):
        load(adapted)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_is_never_run(tmp_path: Path, tiny: Checkpoint, name: str) -> None:
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "theirs"))
    row = json.loads((folder / name).read_text())
    if name == "config.json":
        row |= {"model_type": "theirs", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    else:
        row |= {"auto_map": {"AutoTokenizer": [None, "code.T"]}, "tokenizer_class": "T"}
    (folder / name).write_text(json.dumps(row))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass C: pass\nM = T = C\n")
    with pytest.raises(SetupError, match="never runs code"):
        load(Checkpoint(folder, Base(str(folder), None, digest_of(folder)), "a", "b", None))
    assert not (tmp_path / "ran").exists()


def test_a_few_dozen_updates_show_on_the_tiny_model(tiny: Checkpoint) -> None:
    import peft
    import torch

    torch.manual_seed(3)
    tokenizer = load_tokenizer(tiny)
    ids = torch.tensor([tokenizer.encode("I prefer the first one, because it is simple and it lasts.")])
    lora = peft.LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
    model = peft.get_peft_model(load_weights(tiny), lora)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    losses: list[float] = []
    for _ in range(30):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[0] > 6 and losses[-1] < losses[0] - 2, losses
