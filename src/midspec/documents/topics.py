"""Spec → topics: what documents can be composed from. After this no one asks what kind of spec it was.

Knows nothing of genres or wording; it only checks that a spec keeps the written convention of docs/specs.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from midspec.core.errors import SpecError
from midspec.core.spec import Principle, Spec, Statement
from midspec.documents.voice import NAME, is_clause

SENTENCE = re.compile(r"(?<=[.!?])[”\"]?\s+(?=[“\"]?[A-Z{])")
# Sentences that lean on the one before cannot be quoted alone.
LEANING = frozenset([
    "it", "its", "this", "that", "these", "those", "they", "them", "their", "he", "she", "his", "her", "such", "so",
    "thus", "hence", "but", "and", "or", "nor", "yet", "both", "neither", "either", "here", "there", "then", "therefore",
    "instead",
    "another", "again", "also", "else", "otherwise", "one", "some", "each"])


@dataclass(frozen=True)
class Topic:
    """One principle: title, value clause, statements, and the sentences of its prose that stand alone."""

    title: str
    value: str | None
    statements: tuple[Statement, ...]
    passages: tuple[str, ...]


def topics(spec: Spec) -> list[Topic]:
    """A topic for each principle.

    Raises:
        SpecError: the spec does not keep the convention; every gap is named with its section.
    """
    gaps = missing(spec)
    if gaps:
        raise SpecError(f"{spec.source or spec.name}: cannot be composed: " + "; ".join(gaps),
                        hint="write it as docs/specs.md shows, or let a model: midspec write SPEC --writer ADDRESS")
    return [Topic(p.title, p.value, p.statements, tuple(passages(p))) for p in spec.principles]


def missing(spec: Spec) -> list[str]:
    """What composing needs and this spec does not have, in words; empty where nothing is missing."""
    gaps = [] if spec.value or spec.kind == "rules" else ["the header has no 'value'"]
    if not spec.principles:
        gaps.append("no section (## Title)")
    for principle in spec.principles:
        gaps += [f"section “{principle.title}” {gap}" for gap in _gaps(principle, values=spec.kind != "rules")]
    return gaps


def _gaps(principle: Principle, *, values: bool) -> list[str]:
    gaps = list[str]()
    if values and principle.value is None:
        gaps.append(f"has no value statement (a line '> {NAME} values ...')")
    elif principle.value is not None and not is_clause(principle.value):
        gaps.append(f"has a value statement that does not begin with {NAME} and a verb: “{principle.value}”")
    if not principle.statements:
        gaps.append(f"has no bullet '- {NAME} does ..., because ...'")
    gaps += [f"has a bullet that does not begin with {NAME} and a verb in the present: “{s.behaviour}”"
             for s in principle.statements if not is_clause(s.behaviour)]
    return gaps


def passages(principle: Principle) -> list[str]:
    """Sentences of the prose that stand alone, 6 to 45 words long, in their order."""
    found = list[str]()
    for paragraph in principle.prose:
        for sentence in SENTENCE.split(paragraph):
            words = sentence.split()
            if 6 <= len(words) <= 45 and words[0].strip("“\",").lower() not in LEANING and sentence[-1] in ".!?”\"":
                found.append(sentence)
    return found
