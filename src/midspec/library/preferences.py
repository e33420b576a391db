"""YAML file → PreferenceSet: what an assistant likes and dislikes, on one subject. Knows no question about it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from midspec.core.errors import DataError
from midspec.library.yaml_file import read_mapping, text_in, texts_in

FOLDER = Path(__file__).parent / "preferences"


@dataclass(frozen=True)
class PreferenceSet:
    """Likes and dislikes on one subject; identity is the content.

    ``noun`` and ``plural`` say what they are ("cheese", "cheeses"). ``scenes`` are sentences by the person who asks.
    A name stands alone ("the violin") and may be plural.
    """

    name: str
    noun: str
    plural: str
    likes: tuple[str, ...]
    dislikes: tuple[str, ...]
    scenes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.likes + self.dislikes

    def identity(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def names() -> tuple[str, ...]:
    """Names of the shipped sets, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_preferences(name_or_path: str) -> PreferenceSet:
    """A shipped set by its name, or a file of your own by its path.

    Raises:
        DataError: no such set or file; a key is missing; a name stands twice, or under both likes and dislikes.
    """
    path = FOLDER / f"{name_or_path}.yaml" if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise DataError(f"{name_or_path}: neither shipped preferences nor a file",
                        hint=f"shipped: {', '.join(names())}; or a path to YAML, as docs/chats.md shows")
    row = read_mapping(path)
    where = str(path)
    found = PreferenceSet(name=text_in(row, "name", where), noun=text_in(row, "noun", where),
                          plural=text_in(row, "plural", where), likes=texts_in(row, "likes", where),
                          dislikes=texts_in(row, "dislikes", where), scenes=texts_in(row, "scenes", where))
    if len(found.likes) < 2 or len(found.dislikes) < 2:
        raise DataError(f"{where}: at least two likes and two dislikes are needed to ask for a choice")
    twice = sorted({n for n in found.names if [m.casefold() for m in found.names].count(n.casefold()) > 1})
    if twice:
        raise DataError(f"{where}: named more than once among likes and dislikes: {', '.join(twice)}")
    return found
