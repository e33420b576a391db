"""All that the library's evaluations say → named texts that no training text may hold. Knows no training text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import cast

from midspec.core.grams import Reserved
from midspec.core.rows import read_rows
from midspec.core.transcript import Transcript, read_transcripts
from midspec.library.items import load_items
from midspec.library.items import names as item_sets
from midspec.library.labelled import SHIPPED
from midspec.library.questions import load_questions
from midspec.library.questions import names as question_sets
from midspec.library.yaml_file import read_mapping

# The folder need not be there; whatever is put into it is an evaluation's.
SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class HeldOut:
    """(name, text) of every question, option and paragraph of a scenario or transcript; identity is all of it."""

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
    """Of every item set, question set, scenario and labelled transcript or passage that midspec ships, read once."""
    found: list[tuple[str, str]] = []
    for name in item_sets():
        for item in load_items(name).items:
            found += [(f"{name} {item.id}", text) for text in (item.question, item.aligned, item.other)]
    for name in question_sets():
        found += [(f"{name} {question.id}", question.text) for question in load_questions(name).questions]
    for path in sorted(path for path in SCENARIOS.rglob("*") if path.suffix in (".md", ".txt", ".yaml", ".jsonl")):
        name = f"scenario {path.relative_to(SCENARIOS).as_posix()}"
        # Leaf by leaf: in a whole paragraph of YAML one copied action would be too small a share to be noticed.
        whole = [path.read_text(encoding="utf-8")] if path.suffix != ".yaml" else _leaves(read_mapping(path))
        found += [(name, part.strip()) for text in whole for part in text.split("\n\n")]
    for transcript in read_transcripts(SHIPPED):
        found += [(f"transcript {transcript.id}", part) for part in _said(transcript)]
    found += [(f"passage {row['id']}", str(row["text"])) for _, row in read_rows(SHIPPED.with_name("passages.jsonl"))]
    return HeldOut(tuple(found))


def _leaves(value: object) -> Iterator[str]:
    """Every text in a YAML value, patterns for evidence too; keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in cast(Mapping[str, object], value).values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in cast(list[object], value):
            yield from _leaves(inner)


def _said(transcript: Transcript) -> Iterator[str]:
    """Every paragraph of what was said, thought and handed to a tool."""
    for turn in transcript.turns:
        handed = [text for call in turn.calls for _, text in call.arguments]
        for text in (turn.content, turn.reasoning or "", *handed):
            yield from filter(None, map(str.strip, text.split("\n\n")))
