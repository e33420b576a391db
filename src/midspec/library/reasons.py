"""Lists of words by axis → which value the reason in an answer appeals to. Knows nothing of who gave the answer.

Transparent on purpose: whoever doubts a verdict can find the words. Its error is measured on labelled answers and
reported per arm; it is not assumed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from midspec.core.errors import DataError, RecipeError
from midspec.library.lexicon import Lexicon
from midspec.library.yaml_file import read_mapping, texts_in

FOLDER = Path(__file__).parent / "reasons"
APART = "apart"
OWN, OTHER, NEITHER, UNREADABLE = "own", "other", "neither", "unreadable"
LABELS = (OWN, OTHER, NEITHER, UNREADABLE)
# A run of so many words that comes so often is a model caught in a loop: what it means cannot be read.
LOOP_WORDS, LOOP_TIMES = 5, 3


@dataclass(frozen=True)
class ReasonReader:
    """Words by axis; ``apart`` are phrases with such a word that appeal to nothing and are taken out first."""

    values: tuple[tuple[str, tuple[str, ...]], ...]
    apart: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        axes = [axis for axis, _ in self.values]
        if not axes or len(set(axes)) < len(axes) or not all(words for _, words in self.values):
            raise RecipeError(f"ReasonReader: axes {axes}: each axis once, with at least one word")

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(axis for axis, _ in self.values)

    @cached_property
    def _lexicons(self) -> tuple[Lexicon, Lexicon]:
        named = {axis: tuple(w.lower() for w in words) for axis, words in self.values}
        return Lexicon(APART, {APART: self.apart} if self.apart else {}), Lexicon("values", named)

    def read(self, text: str, axis: str) -> str:
        """One of LABELS, as seen from ``axis``: "own" appeals to it, "other" to another one.

        The value with more words wins, the earlier one where both have as many. Unreadable: no words at all, or a loop.
        """
        words = re.findall(r"\w+", text.lower())
        if not words or _loops(words):
            return UNREADABLE
        apart, named = self._lexicons
        found = named.in_order(apart.without(text))
        if not found:
            return NEITHER
        most = max(map(found.count, found))
        return OWN if next(group for group in found if found.count(group) == most) == axis else OTHER


def _loops(words: list[str]) -> bool:
    runs = [tuple(words[n:n + LOOP_WORDS]) for n in range(len(words) - LOOP_WORDS + 1)]
    return any(runs.count(run) >= LOOP_TIMES for run in set(runs))


def names() -> list[str]:
    """Readers that midspec ships, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_reasons(name_or_path: str) -> ReasonReader:
    """A shipped reader by name, or a YAML file of ``axis: [words]`` (and ``apart: [phrases]``) by path.

    Raises:
        DataError: no such reader or file, or a list that holds something else than texts.
    """
    path = FOLDER / f"{name_or_path}.yaml"
    path = path if path.is_file() else Path(name_or_path)
    if not path.is_file():
        raise DataError(f"no reader of reasons {name_or_path!r}", hint=f"have: {', '.join(names())}; or a YAML file")
    rows = read_mapping(path)
    values = tuple((axis, texts_in(rows, axis, str(path))) for axis in rows if axis != APART)
    return ReasonReader(values, texts_in(rows, APART, str(path)) if APART in rows else ())
