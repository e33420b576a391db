"""A function that fills a folder → that folder in the cache, made once. Knows nothing of models."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from midspec.core.file import sha256_of
from midspec.models.digests import cache_root, file_digest

SEAL = "made.json"


def made_once(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """The cache's folder ``name``: what ``make`` wrote into an empty folder, published by one rename.

    Two processes at once: one makes, the other waits. A folder whose files are not those that were made, or that was
    made by another ``recipe`` (a text that names it), is made again.
    """
    target = cache_root() / "models" / name.replace("/", "--")
    if _whole(target, recipe):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_name(target.name + ".lock")):
        if _whole(target, recipe):
            return target
        _clear(target)
        fresh = target.with_name(f"{target.name}.making")
        _clear(fresh)
        fresh.mkdir()
        make(fresh)
        files = {path.name: sha256_of(path) for path in sorted(fresh.iterdir())}
        (fresh / SEAL).write_text(json.dumps({"recipe": recipe, "files": files}, indent=1) + "\n", encoding="utf-8")
        for path in fresh.iterdir():
            _flush(path)
        fresh.rename(target)
        _flush(target.parent)
    return target


def made_before(name: str, recipe: str) -> Path | None:
    """The cache's folder where ``made_once`` would make nothing, else None."""
    target = cache_root() / "models" / name.replace("/", "--")
    return target if _whole(target, recipe) else None


def _whole(folder: Path, recipe: str) -> bool:
    try:
        seal = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        return seal["recipe"] == recipe and bool(seal["files"]) and all(
            file_digest(folder / name) == digest for name, digest in seal["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _clear(folder: Path) -> None:
    """Remove a folder; under its name it is gone at once, so nobody sees half of it."""
    if folder.exists():
        away = folder.with_name(f"{folder.name}.old")
        shutil.rmtree(away, ignore_errors=True)
        folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
