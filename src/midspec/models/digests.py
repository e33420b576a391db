"""Model folder → content digest. Knows nothing of where the folder came from.

Big files are hashed once per (path, size, modification time): the result lies in the cache, never beside the model.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.core.file import sha256_of

# What differs between two savings of one model, and changes nothing that the model does.
PASSING = ("transformers_version", "_name_or_path", "_model_name_or_path")
TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


def cache_root() -> Path:
    """$MIDSPEC_CACHE, else $XDG_CACHE_HOME/midspec, else ~/.cache/midspec."""
    own = os.environ.get("MIDSPEC_CACHE")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared).expanduser() if shared else Path.home() / ".cache") / "midspec"


def digest_of(folder: Path) -> str:
    """sha256 over config, tokenizer, chat template and safetensors, as hex: what the model is, wherever it lies.

    Raises:
        SetupError: the folder has no config or no safetensors.
    """
    weights = weight_files(folder)
    parts = {f"weights/{path.name}": file_digest(path) for path in weights}
    parts["config"] = _json_digest(_without_passing(read_json(folder / "config.json")))
    for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt"):
        if (folder / name).is_file():
            parts[name] = file_digest(folder / name)
    settings = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    parts["tokens"] = _json_digest({key: settings.get(key) for key in TOKENS})
    parts["template"] = _json_digest(chat_template(folder, settings))
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(parts.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a model folder, by name.

    Raises:
        SetupError: no config.json, or weights that are not safetensors.
    """
    if not (folder / "config.json").is_file():
        raise SetupError(f"{folder}: no config.json, so this is not a model folder",
                         hint="give the folder that save_pretrained() wrote, or a hub id")
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
        raise SetupError(f"{folder}: no *.safetensors" + (f", only {', '.join(pickled)}" if pickled else ""),
                         hint="pickled weights can run code and are never read; save the model as safetensors: "
                              "AutoModelForCausalLM.from_pretrained(…).save_pretrained(FOLDER) where you trust it")
    index = folder / "model.safetensors.index.json"
    shards = set(read_json(index).get("weight_map", {}).values()) if index.is_file() else set[str]()
    missing = sorted(shards - {path.name for path in found})
    if missing:
        raise SetupError(f"{folder}: {len(missing)} of {len(shards)} weight files are missing, first {missing[0]}",
                         hint="download or copy the model again; a hub download goes on where it stopped")
    return found


def chat_template(folder: Path, settings: dict[str, Any]) -> Any:
    """The chat template as it is stored: a file of its own, else in tokenizer_config.json, else None."""
    path = folder / "chat_template.jinja"
    return path.read_text(encoding="utf-8") if path.is_file() else settings.get("chat_template")


def file_digest(path: Path) -> str:
    """sha256 of a file, remembered by (path, size, modification time) in the cache."""
    real = path.resolve()
    state = real.stat()
    key = f"{real}\0{state.st_size}\0{state.st_mtime_ns}"
    kept = cache_root() / "digests" / hashlib.sha256(key.encode()).hexdigest()[:32]
    if kept.is_file():
        digest = kept.read_text(encoding="ascii", errors="replace").strip()
        if len(digest) == 64:
            return digest
    digest = sha256_of(real)
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    fresh.write_text(digest + "\n", encoding="ascii")
    fresh.replace(kept)
    return digest


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file of a model folder; raises SetupError where it is not one."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SetupError(f"{path}: cannot be read as JSON ({error})",
                         hint="download or save the model again") from error
    if not isinstance(row, dict):
        raise SetupError(f"{path}: a {type(row).__name__} where an object is expected")
    return row


def _without_passing(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in PASSING}


def _json_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
