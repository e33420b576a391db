"""A user's file as a value: its content is its identity, its path is only where it lies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from midspec.core.errors import DataError


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, as hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class File:
    """A file that enters a recipe by content.

    Raises:
        DataError: there is no such file, or (on ``read_path``) it changed since the recipe was written.
    """

    path: str
    digest: str = field(default="")

    def __post_init__(self) -> None:
        if not Path(self.path).is_file():
            raise DataError(f"{self.path}: no such file", hint="paths are relative to the folder you run midspec in")
        object.__setattr__(self, "digest", sha256_of(Path(self.path)))

    def identity(self) -> str:
        return self.digest

    def read_path(self) -> Path:
        """The path, after checking that the content is still what the recipe says."""
        if sha256_of(Path(self.path)) != self.digest:
            raise DataError(f"{self.path}: changed while midspec was running", hint="start the command again")
        return Path(self.path)
