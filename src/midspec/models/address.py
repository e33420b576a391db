"""What a user types after ``midspec eval`` → a Checkpoint. Knows nothing of recipes; nothing is written.

An address is "embedded/NAME", "tiny/NAME", a folder ("local/FOLDER" says so outright) or a hub id, OWNER/NAME or
OWNER/NAME@REVISION. A folder may be a model as transformers saves it or an artifact of midspec (``checkpoint.json``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import SetupError
from midspec.library.catalog import catalog
from midspec.models.sources import commit_of, default_names, digest_of, kind_of, resolve

# Words that name a provider of remote models; none of them owns models on the hub under this name.
REMOTE = ("anthropic", "openai-api", "openrouter", "scripted", "inspect", "vllm")


@dataclass(frozen=True)
class Addressed(Checkpoint):
    """A checkpoint whose adapter may lie anywhere, as ``put_on``; nothing else differs."""

    put_on: Path | None = None

    @property
    def adapter(self) -> Path | None:
        return self.put_on


def checkpoint_at(address: str, adapter: Path | None = None, *, system: str | None = None) -> Checkpoint:
    """The model at an address, with a peft adapter put on where ``adapter`` is given.

    ``adapter`` is a folder that peft saved, or an artifact of midspec that holds one. ``system`` None keeps the
    artifact's own system turn (the chat template's where there is none). The names are those of the artifact or of
    the model's family, and "" where neither tells them.

    Raises:
        SetupError: no such model or adapter, an adapter in the place of a model, two adapters.
    """
    found = _model_at(address)
    if adapter is not None:
        found = _with_adapter(found, Path(adapter).expanduser(), address)
    return found if system is None else replace(found, system=system)


def _model_at(address: str) -> Checkpoint:
    source, revision = _parse(address)
    kind = kind_of(source)
    if kind == "folder":
        folder = Path(source).expanduser().resolve()
        if (folder / "checkpoint.json").is_file():
            return Checkpoint.read(folder)
        if (folder / "adapter_config.json").is_file():
            raise SetupError(f"{address}: this is an adapter, not a whole model",
                             hint=f"give the model that it was trained on first: MODEL --adapter {address}")
        source = str(folder)
    if kind == "hub":
        revision = commit_of(source, revision)
    folder = resolve(source, revision)
    assistant, maker = default_names(source) or ("", "")
    return Addressed(folder, Base(source, revision, digest_of(folder)), assistant, maker, None)


def _parse(address: str) -> tuple[str, str | None]:
    provider = address.partition("/")[0].partition(":")[0]
    if provider in REMOTE and not Path(address).is_dir():
        raise SetupError(f"{address}: models of {provider!r} are asked, not loaded; here weights are needed",
                         hint=f"have: {', '.join([*catalog().embedded, *catalog().tiny])}, a folder, or a hub id")
    if address.startswith("local/"):
        folder = address.removeprefix("local/")
        if not Path(folder).expanduser().is_dir():
            raise SetupError(f"{address}: no folder {folder}", hint="local/ is followed by the path of a folder")
        # An absolute path, so that a folder called like a model of ours is still a folder.
        return str(Path(folder).expanduser().resolve()), None
    if "@" in address and not Path(address).expanduser().is_dir():
        source, _, revision = address.partition("@")
        return source, revision
    return address, None


def _with_adapter(found: Checkpoint, adapter: Path, address: str) -> Checkpoint:
    if found.adapter is not None:
        raise SetupError(f"{address} already has an adapter, so {adapter} cannot be put on it",
                         hint="give the model below it, or leave --adapter out")
    row: dict[str, Any] = {f.name: getattr(found, f.name) for f in fields(Checkpoint)}
    if (adapter / "checkpoint.json").is_file():
        trained = Checkpoint.read(adapter)
        if trained.base.digest != found.base.digest:
            raise SetupError(f"{adapter}: this adapter was trained on {trained.base.source} "
                             f"({trained.base.digest[:12]}), not on {address} ({found.base.digest[:12]})",
                             hint=f"midspec eval {adapter} loads it on its own base")
        row |= {"assistant": trained.assistant, "maker": trained.maker, "system": trained.system,
                "doses": trained.doses}
        adapter = adapter / "adapter"
    if not (adapter / "adapter_config.json").is_file():
        raise SetupError(f"{adapter}: no adapter_config.json, so this is not an adapter",
                         hint="give the folder that peft's save_pretrained() wrote")
    return Addressed(**row, put_on=adapter.resolve())
