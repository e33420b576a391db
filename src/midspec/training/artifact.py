"""Learner → an adapter or model on disk that plain transformers and peft load, checked by loading it again.

Knows nothing of how it was trained; the card says it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import RecipeError, SetupError
from midspec.models.local import load_weights, load_whole, put_adapter, weights_folder
from midspec.models.quiet import quiet
from midspec.training.learner import Learner
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "merges.txt",
                   "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "generation_config.json")
TOLERANCE = {"fp32": 1e-4, "bf16": 2e-2}


def save(learner: Learner, start: Checkpoint, method: Lora | Full, adapter: str, folder: Path) -> None:
    """Write ``folder/adapter`` or ``folder/model``; both where the adapter stands on weights other than the base's."""
    if isinstance(method, Full):
        _save_model(learner.causal, weights_folder(start), folder / "model")
        return
    if start.adapter is not None and adapter == "merge":
        # Loaded anew: in bf16 the learner's own frozen weights are rounded.
        merged = put_adapter(load_whole(weights_folder(start)), start.adapter).merge_and_unload()
        _save_model(merged, weights_folder(start), folder / "model")
    elif start.model is not None:
        shutil.copytree(start.model, folder / "model")
    _save_adapter(learner, start.base.source, folder / "adapter")


def _save_model(model: Any, tokenizer: Path, folder: Path) -> None:
    with quiet():
        model.save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (tokenizer / name).is_file():
            shutil.copyfile(tokenizer / name, folder / name)


def _save_adapter(learner: Learner, source: str, folder: Path) -> None:
    from safetensors.torch import load_file

    with quiet():
        learner.model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # peft writes a set in the order of the process's hash seed, and the path of this machine's cache.
    config = {key: sorted(value) if key == "target_modules" else value for key, value in config.items()}
    config["base_model_name_or_path"] = source
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    written = load_file(folder / "adapter_model.safetensors")
    if len(written) != len(learner.trained):
        raise SetupError(f"peft wrote {len(written)} of {len(learner.trained)} adapter weights to {folder}")


def probe_of(rows: Rows, tokens: int = 256) -> Rows:
    """The start of the first document or chat, loss on every token: a ruler to compare two models with."""
    ends = np.flatnonzero(rows.positions[1:] == 0)
    length = min(tokens, int(ends[0]) + 1 if len(ends) else len(rows.ids))
    positions = rows.positions[:length]
    return Rows(rows.ids[:length], positions, positions > 0, np.array([0, length]))


def plain_loss(model: Any, probe: Rows, precision: str, device: str, **inputs: Any) -> float:
    """The probe's mean loss by the model's own logits: no packing, no piecewise head."""
    import torch

    ids = torch.from_numpy(probe.ids).long().to(device)
    kind = device.partition(":")[0]
    with torch.no_grad(), torch.autocast(kind, dtype=torch.bfloat16, enabled=precision == "bf16"):
        logits = model(input_ids=ids[None], use_cache=False, **inputs).logits[0, :-1].float()
    return float(torch.nn.functional.cross_entropy(logits, ids[1:]))


def head_is_plain(learner: Learner, probe: Rows) -> None:
    """Raises RecipeError where the model does more to its states than one product (soft caps, scales)."""
    import torch

    with torch.no_grad():
        ours = float(learner.loss(probe, 1 / int(probe.loss.sum())))
    theirs = plain_loss(learner.causal, probe, learner.schedule.precision, learner.device,
                        document_lengths=[len(probe.ids)])
    if abs(ours - theirs) > max(10 * TOLERANCE[learner.schedule.precision], 1e-3 * theirs):
        raise RecipeError(f"{type(learner.causal).__name__}: its own loss on a probe is {theirs:.4f}, ours {ours:.4f}; "
                          "its head does more than one product, which midspec does not train",
                          hint="use a model whose logits are states times one matrix, as most open ones are")


def check(made: Checkpoint, probe: Rows, expected: float, precision: str, device: str) -> None:
    """Load what was written with plain transformers and peft; raises SetupError where it is not what was trained."""
    model = load_weights(made).to(device).eval()
    found = plain_loss(model, probe, precision, device)
    if not abs(found - expected) <= TOLERANCE[precision] * max(1.0, abs(expected)):
        raise SetupError(f"{made.folder}: loaded again, the weights give a loss of {found:.6f} on a probe; training "
                         f"ended with {expected:.6f}",
                         hint="a fault of midspec or of a library's version; please report it")
