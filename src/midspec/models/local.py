"""Checkpoint → a model in memory that can be asked or trained. Knows nothing of what it will be asked.

Weights rule: ``folder/model`` where present, else the base; then ``folder/adapter`` where present, put on by peft.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import DataError, SetupError
from midspec.models.digests import read_json, weight_files
from midspec.models.quiet import quiet
from midspec.models.sources import digest_of, moved, resolve

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16"}


@dataclass(frozen=True, eq=False)
class LocalModel:
    """A causal language model in evaluation mode with its tokenizer; ``checkpoint`` says what it is."""

    model: Any
    tokenizer: Any
    checkpoint: Checkpoint
    device: str


def load(checkpoint: Checkpoint, *, device: str = "cpu", precision: str = "fp32", attention: str = "sdpa",
         fold: bool = False) -> LocalModel:
    """The model of a checkpoint, in evaluation mode, without gradients.

    ``fold`` adds an adapter's product to the weights: a quarter less to compute, and the last digits differ from those
    of the adapter beside its base.

    Raises:
        SetupError: a package or file is missing.
        DataError: the adapter was trained on another base than the one found now.
    """
    model = load_weights(checkpoint, precision=precision, attention=attention)
    if fold and checkpoint.adapter is not None:
        model = model.merge_and_unload()
    model.requires_grad_(False)
    model.to(device)
    model.eval()
    return LocalModel(model, load_tokenizer(checkpoint), checkpoint, device)


def load_weights(checkpoint: Checkpoint, *, precision: str = "fp32", attention: str = "sdpa",
                 trainable: bool = False) -> Any:
    """The weights on the CPU: a transformers model, or a PeftModel around it where the checkpoint has an adapter.

    ``trainable`` lets the adapter's weights take gradients.
    """
    model = load_whole(weights_folder(checkpoint), precision=precision, attention=attention)
    return model if checkpoint.adapter is None else put_adapter(model, checkpoint.adapter, trainable=trainable)


def load_whole(folder: Path, *, precision: str = "fp32", attention: str = "sdpa") -> Any:
    """A plain transformers model from a folder of safetensors."""
    torch, transformers = _needed()
    weight_files(folder)
    _no_code(folder)
    if precision not in PRECISIONS:
        raise SetupError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    with quiet(), _readable(folder):
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, PRECISIONS[precision]), attn_implementation=attention,
            use_safetensors=True, local_files_only=True)


def put_adapter(model: Any, folder: Path, *, trainable: bool = False) -> Any:
    """A PeftModel of ``model`` with the adapter in ``folder``; raises SetupError where it is not one in safetensors."""
    _needed()
    import peft

    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise SetupError(f"{folder}: no {name}, so this is not an adapter that can be read",
                             hint="save it with peft's save_pretrained (safetensors)")
    with quiet(), _readable(folder):
        try:
            made = peft.PeftModel.from_pretrained(model, folder, is_trainable=trainable)
        except (RuntimeError, ValueError) as error:
            raise DataError(f"{folder}: this adapter does not fit the model: {str(error).splitlines()[0]}",
                            hint="give the base model that it was trained on (see adapter_config.json)") from error
    _all_there(made, folder)
    return made


def _all_there(model: Any, folder: Path) -> None:
    """peft fills what a file lacks with fresh zeros and skips what does not fit, with a warning at most."""
    import peft
    from safetensors import safe_open

    with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
        stored = set(file.keys())
    wanted = set(peft.get_peft_model_state_dict(model, save_embedding_layers=False))
    if stored != wanted:
        raise DataError(f"{folder}: this adapter does not fit the model: {len(stored - wanted)} of its {len(stored)} "
                        f"tensors have no place there, {len(wanted - stored)} places stay empty",
                        hint="give the base model that it was trained on (see adapter_config.json)")


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """The tokenizer: the whole model's own where it has one, else the base's."""
    own = checkpoint.model
    has_own = own is not None and (own / "tokenizer_config.json").is_file()
    return tokenizer_in(own if own is not None and has_own else base_folder(checkpoint.base))


def tokenizer_ahead(checkpoint: Checkpoint) -> Any | None:
    """The tokenizer, for a plan; None where what it takes to load it is not installed or not there."""
    try:
        return load_tokenizer(checkpoint)
    except SetupError:
        return None


def tokenizer_in(folder: Path) -> Any:
    """The tokenizer of a model folder; never runs code that lies there."""
    _, transformers = _needed()
    _no_code(folder)
    with quiet():
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


def weights_folder(checkpoint: Checkpoint) -> Path:
    """Where the whole weights lie, below any adapter; raises DataError where the base is not the one trained on."""
    return checkpoint.model or base_folder(checkpoint.base)


def base_folder(base: Base) -> Path:
    """The base's folder, after checking that it still is the same model; a folder may have moved since.

    Raises:
        DataError: another model lies there now.
        SetupError: nothing lies there.
    """
    try:
        folder = resolve(base.source, base.revision)
        now = digest_of(folder)
    except SetupError:
        elsewhere = moved(base.digest)
        if elsewhere is None:
            raise
        return elsewhere
    if now == base.digest:
        return folder
    elsewhere = moved(base.digest)
    if elsewhere is None:
        raise DataError(f"{base.source}: this is another model than the checkpoint was made from "
                        f"(was {base.digest[:12]}, is {now[:12]})",
                        hint=f"bring back the original at {folder}, or build the checkpoint again from this one")
    return elsewhere


@contextmanager
def _readable(folder: Path) -> Generator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise DataError(f"{folder}: a file of weights is damaged: {error}",
                        hint="bring back a good copy; `midspec verify` names damaged artifacts") from error


def _no_code(folder: Path) -> None:
    """Refuse a folder that only its own Python code can load, before transformers asks whether to run it."""
    _, transformers = _needed()
    kind = read_json(folder / "config.json").get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        raise SetupError(f"{folder}: model type {kind!r} is not known to this version of transformers",
                         hint="midspec never runs code that comes with a model; use a model that transformers knows, "
                              "or a newer transformers")
    settings = folder / "tokenizer_config.json"
    if settings.is_file() and "auto_map" in read_json(settings):
        raise SetupError(f"{folder}: its tokenizer is Python code of its own, "
                         "and midspec never runs code that comes with a model",
                         hint="remove \"auto_map\" from tokenizer_config.json if tokenizer.json beside it is complete")


def _needed() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise SetupError(f"local models need {error.name}", hint="pip install 'midspec[train]'") from error
    return torch, transformers
