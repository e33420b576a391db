"""Checkpoints on one base → the command that serves them all from one vLLM, each adapter under a name of its own.

vLLM runs in its own process, never in this one. Sampling defaults are pinned: without that, it takes them from the
model's folder, and arms would be sampled by settings that stand in no recipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import DataError, RecipeError
from midspec.models.address import checkpoint_at
from midspec.models.digests import read_json
from midspec.models.local import load_tokenizer, weights_folder
from midspec.models.template import PLAIN

# What vLLM takes as the largest rank of its adapters.
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
PROGRAM = "vllm"


@dataclass(frozen=True)
class Server:
    """``command`` as a list of words; ``names`` to ask for; ``notes``: what whoever asks has to know."""

    command: tuple[str, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def server(models: Sequence[str], *, port: int = 8000, tool_parser: str = "") -> Server:
    """The command for models, each "ADDRESS" or "NAME=ADDRESS"; an address is what ``midspec eval`` takes.

    ``tool_parser`` is vLLM's name for how the base writes calls of tools; without one it refuses requests with tools.

    Raises:
        RecipeError: no model, or a name twice. DataError: models that do not share their whole weights, or an adapter
            that vLLM cannot serve. SetupError: no such model.
    """
    found = [_named(model) for model in models]
    names = [name for name, _ in found]
    if not found or len(set(names)) < len(names):
        raise RecipeError(f"serve: {', '.join(names) or 'no model'}: each name once, and at least one",
                          hint="midspec serve first=FOLDER second=FOLDER")
    folders = {name: weights_folder(checkpoint) for name, checkpoint in found}
    base = folders[names[0]]
    other = [name for name, folder in folders.items() if folder != base]
    if other:
        raise DataError(f"serve: {', '.join(other)} has other weights below its adapter than {names[0]} ({base})",
                        hint="one server serves one base with its adapters; start another for the rest")
    adapters = [(name, one.adapter) for name, one in found if one.adapter is not None]
    whole = [name for name, one in found if one.adapter is None]
    command = [PROGRAM, "serve", str(base), "--served-model-name", *(whole or ["base"]), "--host", "127.0.0.1",
               "--port", str(port), "--generation-config", PROGRAM, "--seed", "0", *_adapters(adapters),
               *(["--enable-auto-tool-choice", "--tool-call-parser", tool_parser] if tool_parser else []),
               *_template(found[0][1])]
    return Server(tuple(command), tuple(names), tuple(_notes(found)))


def _named(model: str) -> tuple[str, Checkpoint]:
    name, given, address = model.rpartition("=")
    found = checkpoint_at(address)
    return (name if given else Path(address).name), found


def _adapters(adapters: Sequence[tuple[str, Path]]) -> list[str]:
    if not adapters:
        return []
    largest = max(_rank(folder) for _, folder in adapters)
    rank = next((rank for rank in RANKS if rank >= largest), None)
    if rank is None:
        raise DataError(f"serve: an adapter of rank {largest}; vLLM serves at most {RANKS[-1]}",
                        hint="merge the adapter into its base first")
    return ["--enable-lora", "--max-lora-rank", str(rank), "--max-loras", str(len(adapters)), "--lora-modules",
            *(f"{name}={folder}" for name, folder in adapters)]


def _rank(folder: Path) -> int:
    row: dict[str, Any] = read_json(folder / "adapter_config.json")
    kept_out = [key for key in ("modules_to_save", "use_dora", "trainable_token_indices") if row.get(key)]
    if kept_out:
        raise DataError(f"{folder}: {', '.join(kept_out)} of this adapter cannot be served beside others",
                        hint="merge the adapter into its base, and serve that alone")
    ranks: dict[str, int] = row.get("rank_pattern") or {}
    return max([int(row["r"]), *map(int, ranks.values())])


def _template(checkpoint: Checkpoint) -> list[str]:
    """Ours, in one line, where the tokenizer has none: vLLM would refuse to chat."""
    return [] if load_tokenizer(checkpoint).chat_template else ["--chat-template", PLAIN.replace("\n", "\\n")]


def _notes(found: Sequence[tuple[str, Checkpoint]]) -> list[str]:
    """The server knows no system turn of ours, so whoever asks must send it."""
    return [f"{name} has a system turn of its own: send {one.system!r}" for name, one in found if one.system]
