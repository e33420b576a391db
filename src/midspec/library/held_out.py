"""All that the library's evaluations say → named texts that no training text may hold. Knows no training text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from midspec.core.grams import Reserved
from midspec.library.items import load_items
from midspec.library.items import names as item_sets
from midspec.library.questions import load_questions
from midspec.library.questions import names as question_sets

# The folder need not be there; whatever is put into it is an evaluation's.
SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class HeldOut:
    """(name, text) of every question, option and paragraph of a scenario; identity is all of it."""

    texts: tuple[tuple[str, str], ...]

    def identity(self) -> str:
        return hashlib.sha256("\x1e".join("\x1f".join(pair) for pair in self.texts).encode()).hexdigest()

    @cached_property
    def _kept(self) -> Reserved:
        return Reserved(self.texts)

    def met(self, text: str) -> str | None:
        """Which of these a text holds or nearly repeats, None where none ("america america:buying:cars:001")."""
        return self._kept.met(text)


@cache
def held_out() -> HeldOut:
    """Of every item set, question set and scenario that midspec ships, read once."""
    found: list[tuple[str, str]] = []
    for name in item_sets():
        for item in load_items(name).items:
            found += [(f"{name} {item.id}", text) for text in (item.question, item.aligned, item.other)]
    for name in question_sets():
        found += [(f"{name} {question.id}", question.text) for question in load_questions(name).questions]
    for path in sorted(path for path in SCENARIOS.rglob("*") if path.suffix in (".md", ".txt", ".yaml", ".jsonl")):
        parts = path.read_text(encoding="utf-8").split("\n\n")
        found += [(f"scenario {path.relative_to(SCENARIOS).as_posix()}", part.strip()) for part in parts]
    return HeldOut(tuple(found))
