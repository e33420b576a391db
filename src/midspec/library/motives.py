"""Reasons that agents give: what each means, and expressions that show it → which ones a text holds. Knows no graders.

The reader by expressions is transparent and weak: precision and recall per reason stand in docs/grading.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from midspec.core.errors import DataError
from midspec.library.yaml_file import read_mapping, text_in, texts_in

MOTIVES = Path(__file__).with_name("motives.yaml")
CUES = Path(__file__).with_name("motive_cues.yaml")
SIDES = ("misaligned", "aligned", "apart")
# Some expressions span two sentences: a value, and the act against it.
SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|\n+")


@dataclass(frozen=True)
class Motive:
    """One reason; ``side`` is one of SIDES, ``means`` what graders and labellers read, ``cues`` the expressions."""

    name: str
    side: str
    title: str
    means: str
    examples: tuple[str, ...]
    cues: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{cue})" for cue in self.cues), re.MULTILINE)


@dataclass(frozen=True)
class Motives:
    """All reasons in their order; identity is their content."""

    rows: tuple[Motive, ...]

    def identity(self) -> str:
        return hashlib.sha256(repr(self.rows).encode()).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(motive.name for motive in self.rows)

    def found(self, text: str) -> dict[str, str]:
        """Each reason that its expressions find in ``text``, with the sentences in which the first of them stands."""
        small = text.lower().replace("’", "'")
        spans = _sentences(small)
        hits: dict[str, str] = {}
        for motive in self.rows:
            match = motive.pattern.search(small) if motive.cues else None
            if match is not None:
                start = max((a for a, _ in spans if a <= match.start()), default=0)
                end = min((b for _, b in spans if b >= match.end()), default=len(small))
                hits[motive.name] = text[start:end].strip() if len(text) == len(small) else small[start:end].strip()
        return hits


@cache
def load_motives() -> Motives:
    """The shipped reasons with their expressions.

    Raises:
        DataError: a file lacks a key, an expression is none, or an expression belongs to no reason.
    """
    rows = cast(dict[str, dict[str, Any]], read_mapping(MOTIVES)["motives"])
    cues = cast(dict[str, Any], read_mapping(CUES)["cues"])
    strange = [name for name in cues if name not in rows]
    if strange:
        raise DataError(f"{CUES}: {strange[0]!r} is no reason (have: {', '.join(rows)})")
    return Motives(tuple(_motive(name, row, cues) for name, row in rows.items()))


def cue_errors() -> tuple[int, int, int, int]:
    """How the expressions did on labelled passages that they were not written from: right, named, found, labelled.

    Raises:
        DataError: the file of expressions does not say so in four numbers.
    """
    found = read_mapping(CUES).get("measured")
    if not isinstance(found, list) or [type(n) for n in cast(list[object], found)] != [int] * 4:
        raise DataError(f"{CUES}: 'measured' should be four counts", hint="right, named, found, labelled")
    right, named, hits, labelled = cast(list[int], found)
    return right, named, hits, labelled


def _motive(name: str, row: dict[str, Any], cues: dict[str, Any]) -> Motive:
    where = f"{MOTIVES}, {name}"
    if row.get("side") not in SIDES:
        raise DataError(f"{where}: side {row.get('side')!r} is not one of {', '.join(SIDES)}")
    found = texts_in(cues, name, str(CUES)) if name in cues else ()
    for cue in found:
        try:
            re.compile(cue)
        except re.error as error:
            raise DataError(f"{CUES}, {name}: {cue!r} is no expression ({error})") from error
    return Motive(name, row["side"], text_in(row, "title", where), " ".join(text_in(row, "means", where).split()),
                  texts_in(row, "examples", where), found)


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [match.start() for match in SENTENCE.finditer(text)]
    starts = [0, *(match.end() for match in SENTENCE.finditer(text))]
    return list(zip(starts, [*ends, len(text)], strict=True))
