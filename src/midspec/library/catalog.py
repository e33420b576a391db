"""catalog.yaml → which models midspec can make, and what known families are called. Knows nothing of weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

TOKENIZER = Path(__file__).parent / "tokenizer"


@dataclass(frozen=True)
class Embedded:
    """A model inside an installed package: ``module``/``file`` is a GGUF with this ``sha256``.

    ``recipe`` is raised when the conversion changes what it writes.
    """

    package: str
    module: str
    version: str
    file: str
    sha256: str
    title: str
    licence: str
    assistant: str
    maker: str
    recipe: int


@dataclass(frozen=True)
class Tiny:
    """A model with about ``parameters`` random weights drawn from ``seed``; ``recipe`` as in Embedded."""

    title: str
    assistant: str
    maker: str
    seed: int
    parameters: int
    recipe: int


@dataclass(frozen=True)
class Catalog:
    """Sources by name; ``families`` maps the lower-case start of a hub id to (assistant, maker)."""

    embedded: dict[str, Embedded]
    tiny: dict[str, Tiny]
    families: dict[str, tuple[str, str]]

    def family(self, hub_id: str) -> tuple[str, str] | None:
        """(assistant, maker) of the longest family that ``hub_id`` starts with, or None."""
        fitting = [start for start in self.families if hub_id.lower().startswith(start)]
        return self.families[max(fitting, key=len)] if fitting else None


@cache
def catalog() -> Catalog:
    """The shipped catalog, read once."""
    rows = yaml.safe_load((Path(__file__).parent / "catalog.yaml").read_text(encoding="utf-8"))
    return Catalog({name: Embedded(**row) for name, row in rows["embedded"].items()},
                   {name: Tiny(**row) for name, row in rows["tiny"].items()},
                   {start: (names[0], names[1]) for start, names in rows["families"].items()})
