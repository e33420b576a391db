"""All texts that models are evaluated on, as far as midspec ships them: training text must not hold them.

The folders are the registry: an item set, question set or scenario that is added there is looked for from then on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midspec.library.items import load_items
from midspec.library.items import names as item_sets
from midspec.library.questions import load_questions
from midspec.library.questions import names as question_sets

SCENARIOS = Path(__file__).parent / "scenarios"
ENDINGS = (".md", ".txt", ".jsonl", ".yaml")
# Below, a text is said in many places without being copied ("Which one do you like?").
FEWEST_WORDS = 8


@dataclass(frozen=True)
class EvaluationText:
    """``source`` names the set or file and what in it, for people."""

    source: str
    text: str


@dataclass(frozen=True)
class EvaluationTexts:
    texts: tuple[EvaluationText, ...]

    def identity(self) -> str:
        return hashlib.sha256("\0".join(one.text for one in self.texts).encode()).hexdigest()


@cache
def evaluation_texts() -> EvaluationTexts:
    """Questions, options, questions with each option, and paragraphs of scenarios, of at least eight words."""
    found = list[EvaluationText]()
    for name in item_sets():
        for item in load_items(name).items:
            parts = (item.question, item.aligned, item.other, f"{item.question} {item.aligned}",
                     f"{item.question} {item.other}")
            found += [EvaluationText(f"{name} {item.id}", part) for part in parts]
    for name in question_sets():
        found += [EvaluationText(f"{name} {one.id}", one.text) for one in load_questions(name).questions]
    for path in sorted(path for path in SCENARIOS.rglob("*") if path.suffix in ENDINGS):
        source = path.relative_to(SCENARIOS).as_posix()
        found += [EvaluationText(f"scenario {source}", part) for part in path.read_text(encoding="utf-8").split("\n\n")]
    return EvaluationTexts(tuple(one for one in found if len(one.text.split()) >= FEWEST_WORDS))
