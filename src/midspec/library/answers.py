"""Name or path of a YAML file → AnswerParts: questions about a spec and what answers to them are put together from.

Knows no spec: which statements stand under a title is found out by whoever composes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from midspec.core.errors import DataError
from midspec.core.prompt import SLOT
from midspec.library.yaml_file import read_mapping, text_in, texts_in

FOLDER = Path(__file__).parent / "answers"
SPOKEN = frozenset({"behaviour", "reason"})
# What the wordings that all sections share are filled with.
SLOTS = {"said": SPOKEN, "aside": SPOKEN, "more": SPOKEN, "own": frozenset({"behaviour"}), "cited": SPOKEN | {"title"}}


@dataclass(frozen=True)
class Asked:
    """Questions of one kind, the openings that answer every one of them, and what they mean for the one who cites.

    ``fits`` are words of the statements that may follow; each stands in one bullet of the section.
    """

    kind: str
    questions: tuple[str, ...]
    openings: tuple[str, ...]
    fits: tuple[str, ...]
    so: str


@dataclass(frozen=True)
class Part:
    """What belongs to one section of the spec, by its title."""

    title: str
    asked: tuple[Asked, ...]
    further: tuple[str, ...]
    thoughts: tuple[str, ...]


@dataclass(frozen=True)
class AnswerParts:
    """All parts; identity is the file's content. ``leads`` may stand before any question; ``wordings`` as in SLOTS."""

    name: str
    leads: tuple[str, ...]
    wordings: dict[str, tuple[str, ...]]
    parts: tuple[Part, ...]
    digest: str

    def identity(self) -> str:
        return self.digest


def names() -> tuple[str, ...]:
    """Names of the shipped files, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_answers(name_or_path: str) -> AnswerParts:
    """Shipped parts by name, or a file of your own by path.

    Raises:
        DataError: no such file; a part is missing, empty, or has a slot that nothing fills.
    """
    path = FOLDER / f"{name_or_path}.yaml" if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise DataError(f"{name_or_path}: neither shipped parts of answers nor a file",
                        hint=f"shipped: {', '.join(names())}; or a path to YAML, as docs/chats.md shows")
    row, where = read_mapping(path), str(path)
    shared = {key: _wordings(row, key, where) for key in SLOTS}
    sections = row.get("sections")
    if not isinstance(sections, list) or not sections:
        raise DataError(f"{where}: 'sections' should be a list of what belongs to each section of the spec")
    parts = tuple(_part(one, f"{where}, section {n}") for n, one in enumerate(cast(list[object], sections), start=1))
    return AnswerParts(path.stem, texts_in(row, "leads", where), shared, parts,
                       hashlib.sha256(path.read_bytes()).hexdigest())


def _wordings(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    texts = _some(row, key, where)
    for text in texts:
        if frozenset[str](SLOT.findall(text)) != SLOTS[key]:
            raise DataError(f"{where}: {text!r} under {key!r} should have the slots {', '.join(sorted(SLOTS[key]))}")
    return texts


def _some(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    texts = texts_in(row, key, where)
    if not texts:
        raise DataError(f"{where}: {key!r} is empty")
    return texts


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: a {type(value).__name__} where keys with values are expected")
    return cast(dict[str, Any], value)


def _part(value: object, where: str) -> Part:
    row = _mapping(value, where)
    asked = row.get("questions")
    if not isinstance(asked, list) or not asked:
        raise DataError(f"{where}: 'questions' should be a list of kinds of question")
    return Part(text_in(row, "title", where), tuple(_asked(one, where) for one in cast(list[object], asked)),
                _some(row, "further", where), _some(row, "thoughts", where))


def _asked(value: object, where: str) -> Asked:
    row = _mapping(value, where)
    return Asked(text_in(row, "kind", where), _some(row, "ask", where), _some(row, "open", where),
                 _some(row, "fits", where), text_in(row, "so", where))
