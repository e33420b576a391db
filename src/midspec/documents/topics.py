"""Spec → topics: what documents can be composed from. After this no one asks what kind of spec it was.

Knows nothing of genres or wording; it only checks that a spec keeps the written convention of docs/specs.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from midspec.core.errors import SpecError
from midspec.core.spec import Principle, Spec, Statement
from midspec.documents.voice import NAME, is_clause

SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][”\"]))\s+(?=[“\"]?[A-Z{])")
MANY = 5  # gaps that an error spells out; midspec spec FILE shows all


@dataclass(frozen=True)
class Topic:
    """One principle: title, value clause, statements, and prose as paragraphs of sentences.

    ``subject`` is the title as it stands inside a sentence ("High tides" → "high tides", "Kepler" as it is).
    """

    title: str
    subject: str
    value: str | None
    statements: tuple[Statement, ...]
    prose: tuple[tuple[str, ...], ...]


def topics(spec: Spec) -> list[Topic]:
    """A topic for each principle.

    Raises:
        SpecError: the spec does not keep the convention; every gap is named with its section.
    """
    gaps = missing(spec)
    if gaps:
        raise SpecError(f"{spec.source or spec.name}: cannot be composed: " + "; ".join(gaps[:MANY]) +
                        (f"; and {len(gaps) - MANY} more" if len(gaps) > MANY else ""),
                        hint="write it as docs/specs.md shows, or let a model: midspec write SPEC --writer ADDRESS")
    text = "\n".join(line for line in spec.text.split("\n") if not line.startswith("#"))
    return [Topic(p.title, subject(p.title, text), p.value, p.statements, tuple(map(sentences, p.prose)))
            for p in spec.principles]


def _short(text: str) -> str:
    return f"“{text}”" if len(text) <= 60 else f"“{text[:60].rstrip()}…”"


def subject(title: str, text: str) -> str:
    """The title in small letters at its front, where the text knows its first word in small letters."""
    first = re.match(r"[A-Z][a-z]*(?:-[a-z]+)*\b", title)
    if first is None or not re.search(rf"(?<![\w-]){first[0].lower()}(?![\w-])", text):
        return title
    return title[0].lower() + title[1:]


def sentences(paragraph: str) -> tuple[str, ...]:
    return tuple(SENTENCE.split(paragraph))


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
        gaps.append(f"has a value statement that does not begin with {NAME} and a verb: {_short(principle.value)}")
    if not principle.statements:
        gaps.append(f"has no bullet '- {NAME} does ..., because ...'")
    gaps += [f"has a bullet that does not begin with {NAME} and a verb in the present: {_short(s.behaviour)}"
             for s in principle.statements if not is_clause(s.behaviour)]
    return gaps
