"""A training under way ↔ files that survive a kill at any moment. Knows nothing of models.

A state is a folder ``update-N`` with ``tensors.safetensors``, ``state.json`` and ``sums.json`` (sha256 of both). It is
written under another name, flushed to the disk, and renamed; nothing else ever makes a folder of that name. The newest
two are kept, so one that the disk damaged later still leaves one to go back to.
"""

from __future__ import annotations

import json
import re
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.file import sha256_of
from midspec.store.disk import sync_file, sync_folders, write_file, writing

NAME = re.compile(r"update-(\d{9})")
FILES = ("tensors.safetensors", "state.json")


@dataclass(frozen=True)
class State:
    """``update`` updates are done; ``numbers`` is JSON (metrics), ``tensors`` weights, moments and random states."""

    update: int
    numbers: dict[str, Any]
    tensors: dict[str, Any]


@dataclass(frozen=True)
class States:
    """The states of one training in ``folder``. ``key`` says which training: another one's states are not used."""

    folder: Path
    key: str
    keep: int = 2

    def save(self, state: State) -> Path:
        """Write a state, then remove the oldest beyond ``keep``; returns its folder."""
        from safetensors.torch import save_file

        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = self.folder / "writing"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            save_file(state.tensors, fresh / FILES[0])
            sync_file(fresh / FILES[0])
            write_file(fresh / FILES[1], _json({"key": self.key, "update": state.update, **state.numbers}))
            write_file(fresh / "sums.json", _json({name: sha256_of(fresh / name) for name in FILES}))
            sync_folders(fresh)
            final = self.folder / f"update-{state.update:09d}"
            _remove(final)
            fresh.rename(final)
            sync_file(self.folder)
            for old in self.folders()[:-self.keep]:
                _remove(old)
        return final

    def folders(self) -> list[Path]:
        """Folders of states, oldest first, whole or not."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if NAME.fullmatch(path.name))

    def latest(self) -> Path | None:
        """The newest whole state of this training, or None. A damaged one is named in a warning, and removed.

        The warning is not kept with the result: it tells of a disk, and the result is the same with and without.
        """
        for folder in reversed(self.folders()):
            trouble = self._trouble(folder)
            if trouble is None:
                return folder
            warnings.warn(f"{folder}: {trouble}; training goes back to the state before", RuntimeWarning, stacklevel=2)
            _remove(folder)
        return None

    def _trouble(self, folder: Path) -> str | None:
        try:
            sums = json.loads((folder / "sums.json").read_bytes())
            damaged = [name for name in FILES if sha256_of(folder / name) != sums[name]]
            if damaged:
                return f"{', '.join(damaged)} changed since it was written"
            if json.loads((folder / "state.json").read_bytes())["key"] != self.key:
                return "it belongs to another training (other data, settings, weights or library version)"
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"it is damaged ({type(error).__name__}: {error})"
        return None


def load_state(folder: Path) -> State:
    """The state in a folder that ``States.latest`` returned."""
    from safetensors.torch import load_file

    numbers = json.loads((folder / "state.json").read_bytes())
    return State(numbers["update"], numbers, load_file(folder / FILES[0]))


def _json(row: dict[str, Any]) -> bytes:
    return (json.dumps(row) + "\n").encode()


def _remove(folder: Path) -> None:
    """Under its own name the folder is gone at once, so nobody ever sees half of it."""
    if folder.exists():
        away = folder.with_name("removing")
        shutil.rmtree(away, ignore_errors=True)
        folder.rename(away)
        shutil.rmtree(away)
