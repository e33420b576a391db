"""A base model's name → a local folder that transformers loads. Knows nothing of checkpoints, adapters or training.

Code that lies in a model folder is never run and pickled weights are never read, whatever a folder or a hub asks for.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.core.file import sha256_of
from midspec.library.catalog import TOKENIZER, catalog
from midspec.models.digests import cache_root, digest_of, weight_files
from midspec.models.embedded import convert
from midspec.models.making import made_before, made_once
from midspec.models.tiny import FILES, draw

__all__ = ["at_hand", "cache_root", "commit_of", "default_names", "digest_of", "kind_of", "known_version", "moved",
           "remember", "resolve"]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
COMMIT = re.compile(r"[0-9a-f]{40}")
WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


def resolve(source: str, revision: str | None = None) -> Path:
    """The local folder of a base model: config, safetensors, tokenizer.

    ``source`` is "embedded/NAME" or "tiny/NAME" (made once into the cache), a folder, or a hub id at ``revision``.

    Raises:
        SetupError: unknown name, missing package or network, a folder without safetensors; says what now.
    """
    kind = kind_of(source)
    if revision is not None and kind != "hub":
        raise SetupError(f"{source} has no revisions, but revision {revision!r} was asked for",
                         hint="leave the revision out; it is for hub ids")
    if kind == "embedded":
        embedded = catalog().embedded[source]
        return made_once(source, known_version(source), lambda folder: convert(embedded, folder))
    if kind == "tiny":
        tiny = catalog().tiny[source]
        return made_once(source, known_version(source), lambda folder: draw(tiny, folder))
    folder = Path(source).expanduser().resolve() if kind == "folder" else _snapshot(source, revision)
    weight_files(folder)
    return folder


def at_hand(source: str, revision: str | None = None) -> Path | None:
    """``resolve`` where it takes no download and no conversion, else None."""
    kind = kind_of(source)
    try:
        if kind == "embedded":
            return made_before(source, known_version(source))
        if kind == "hub":
            found = _hub().snapshot_download(source, revision=revision, allow_patterns=WANTED, local_files_only=True)
            return Path(found)
        return resolve(source, revision)
    except Exception:  # a package is missing, or nothing was downloaded: the hub's client has many ways to say so
        return None


def kind_of(source: str) -> str:
    """"embedded", "tiny", "folder" or "hub". Raises SetupError that lists what exists for everything else."""
    known = catalog()
    for kind, names in (("embedded", known.embedded), ("tiny", known.tiny)):
        if source in names:
            return kind
        if source.startswith(f"{kind}/"):
            raise SetupError(f"no model {source!r}", hint=f"have: {', '.join(names)}")
    if source and Path(source).expanduser().is_dir():
        return "folder"
    if HUB_ID.fullmatch(source):
        return "hub"
    raise SetupError(f"{source!r} is neither a folder nor a model's name",
                     hint=f"have: {', '.join([*known.embedded, *known.tiny])}, a folder, or a hub id (OWNER/NAME)")


def known_version(source: str) -> str:
    """What an embedded or tiny model is made of, without making it: the same on every machine."""
    if source in catalog().embedded:
        embedded = catalog().embedded[source]
        return f"{embedded.package} {embedded.version} {embedded.sha256} conversion {embedded.recipe}"
    tiny = catalog().tiny[source]
    tokenizer = hashlib.sha256("".join(sha256_of(TOKENIZER / name) for name in FILES).encode()).hexdigest()
    return f"seed {tiny.seed} tokenizer {tokenizer} drawing {tiny.recipe}"


def default_names(source: str) -> tuple[str, str] | None:
    """(assistant, maker) that a model goes by; None where nobody can know (a folder, an unknown family)."""
    kind, known = kind_of(source), catalog()
    if kind == "folder":
        return None
    if kind == "hub":
        return known.family(source)
    model = known.embedded[source] if kind == "embedded" else known.tiny[source]
    return model.assistant, model.maker


def remember(folder: Path) -> str:
    """The digest of a model folder; ``moved`` finds the folder by it from now on."""
    digest = digest_of(folder)
    note = cache_root() / "bases" / digest
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(str(folder), encoding="utf-8")
    return digest


def moved(digest: str) -> Path | None:
    """Where a model folder of this content was last seen, None where it no longer is."""
    note = cache_root() / "bases" / digest
    folder = Path(note.read_text(encoding="utf-8")) if note.is_file() else None
    if folder is None or not (folder / "config.json").is_file():
        return None
    return folder if digest_of(folder) == digest else None


def commit_of(source: str, revision: str | None) -> str:
    """The commit that a hub id's revision means now; a full commit is returned as it is, without asking.

    Without network, the commit that was downloaded under this revision before.

    Raises:
        SetupError: no such model or revision, or no network and nothing downloaded before.
    """
    if revision is not None and COMMIT.fullmatch(revision):
        return revision
    try:
        return str(_hub().HfApi().model_info(source, revision=revision).sha)
    except SetupError:
        raise
    except Exception as error:
        return _downloaded(source, revision, error).name


def _snapshot(source: str, revision: str | None) -> Path:
    commit = commit_of(source, revision)
    try:
        return Path(_hub().snapshot_download(source, revision=commit, allow_patterns=WANTED))
    except SetupError:
        raise
    except Exception as error:
        return _downloaded(source, commit, error)


def _downloaded(source: str, revision: str | None, trouble: Exception) -> Path:
    """What was downloaded before; where that is nothing, ``trouble`` with the hub is the news."""
    try:
        return Path(_hub().snapshot_download(source, revision=revision, allow_patterns=WANTED, local_files_only=True))
    except Exception:
        raise _hub_trouble(source, revision, trouble) from trouble


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise SetupError("hub models need huggingface_hub", hint="pip install 'midspec[train]'") from error
    return huggingface_hub


def _hub_trouble(source: str, revision: str | None, error: Exception) -> SetupError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    own = ", ".join([*catalog().embedded, *catalog().tiny])
    return SetupError(f"{source} (revision {revision or 'main'}) cannot be fetched from the hub: {first}",
                      hint="check the name and the network, or give a folder that already holds the model; "
                           f"{own} need no hub")
