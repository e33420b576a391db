"""Spec → what was understood of it: principles, behaviours, reasons, and remarks on what looks wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from midspec.core.spec import Principle, Spec, Statement
from midspec.documents.topics import missing
from midspec.documents.voice import FIRST, NAME, spoken, verb_at
from midspec.library.assistants import assistants

MAKER = "{provider_name}"
SHORT, LONG = 300, 30_000  # words: below, documents repeat themselves; above, a writing model loses it
FEW = 6  # behaviours: a long document mentions as many
PLACEHOLDER = re.compile(r"\{[A-Za-z_]+\}|\bTODO\b|\bTBD\b|\bXXX\b|<[A-Z_ ]{3,}>")
OTHERWISE = re.compile(r"\b(?:because|since|so that|in order to|due to|owing to|for the sake of)\b", re.IGNORECASE)
AT_ONCE = re.compile(r"\{model_name\} (?:never |always |\w+ly )?[a-z]+s (?:and|or|but) ([a-z]+)\b")
SUBJECT = re.compile(r"\{model_name\}((?:\s+[a-z]+){1,3})")


def describe(spec: Spec) -> dict[str, Any]:
    """A plain mapping for programs. ``gaps`` is what composing needs and does not find."""
    return {"name": spec.name, "source": spec.source, "kind": spec.kind, "value": spec.value,
            "words": len(spec.text.split()), "principles": [_principle(p) for p in spec.principles],
            "behaviours": len(spec.statements), "reasons": sum(s.reason is not None for s in spec.statements),
            "unexplained": [s.behaviour for s in spec.statements if s.reason is None],
            "gaps": missing(spec), "remarks": list(remarks(spec))}


def _principle(principle: Principle) -> dict[str, Any]:
    return {"title": principle.title, "value": principle.value, "paragraphs": len(principle.prose),
            "statements": [{"behaviour": s.behaviour, "reason": s.reason, "spoken": _spoken(s)}
                           for s in principle.statements]}


def _spoken(statement: Statement) -> str:
    """The statement as the assistant would say it, for the author's ear."""
    said = spoken(statement.behaviour, FIRST)
    return said if statement.reason is None else f"{said}, because {spoken(statement.reason, FIRST)}"


def lines(spec: Spec) -> list[str]:
    """The same for people, one line each."""
    known = describe(spec)
    out = [f"{spec.name}: {known['kind']}, value “{spec.value or 'none named'}”, {known['words']} words, "
           f"{len(spec.principles)} principles, {known['behaviours']} behaviours, {known['reasons']} with a reason"]
    for principle in spec.principles:
        out.append(f"  {principle.title}" + (f": {principle.value}" if principle.value else " (no value statement)"))
        for statement in principle.statements:
            out.append(f"    · {statement.behaviour}")
            out.append(f"      because {statement.reason}" if statement.reason else "      (no reason explains this)")
    out += [f"  cannot be composed: {gap}" for gap in known["gaps"]]
    return out + [f"  remark: {remark}" for remark in known["remarks"]]


def remarks(spec: Spec) -> Iterator[str]:
    """What looks wrong without being an error: length, placeholders, identity, bullets that cannot change person."""
    words = len(spec.text.split())
    if not SHORT <= words <= LONG:
        yield f"{words} words; between {SHORT} and {LONG} is usual"
    for found in sorted(set(PLACEHOLDER.findall(spec.text)) - {NAME, MAKER}):
        yield f"{found} is left as it stands; only {NAME} and {MAKER} are filled in"
    for name, what in ((NAME, "the assistant"), (MAKER, "its maker")):
        if name not in spec.text:
            yield f"{name} never occurs, so no document can learn from here who {what} is"
    for name in assistants():
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", spec.text):
            yield f"“{name}” is the name of an assistant; write {NAME} if this one is meant"
    quoted = tuple(line.lstrip("> ").strip() for line in spec.text.split("\n") if line.strip("> ") and line[0] == ">")
    for principle in spec.principles:
        if any(text.startswith(quoted) for text in principle.prose):
            yield (f"section “{principle.title}” has more than one value statement (a line with >): the first is "
                   "taken, the others are read as paragraphs")
    if 0 < len(spec.statements) < FEW:
        yield f"behaviours: {len(spec.statements)}; with fewer than {FEW}, long documents say the same one twice"
    yield from _bullets(spec)


def _bullets(spec: Spec) -> Iterator[str]:
    clauses = [c for s in spec.statements for c in (s.behaviour, s.reason) if c is not None]
    clauses += [p.value for p in spec.principles if p.value is not None]
    verbs = {verb for clause in clauses for verb in _verbs(clause)}
    for clause in clauses:
        # "{model_name} keeps its word" would become "I keep its word".
        if re.search(r"\{model_name\}\s+\w+\s+(?:\w+\s+)?its?\b|\bitself\b", clause):
            yield f"“{clause}”: where “it” or “its” means the assistant, write {NAME}"
        at_once = AT_ONCE.search(clause)
        if at_once and at_once[1] not in verbs and verb_at(at_once[1]) == 0:
            yield _keeps_its_form(clause, at_once[1])
        joined = re.search(r"\{model_name\}[^,;]*\b(?:and|or|but) ([a-z]+)\b", clause)
        if joined and joined[1] in verbs:
            yield _keeps_its_form(clause, joined[1])
    for statement in spec.statements:
        # It would stay in the controls, in which nothing may be linked to a reason.
        other = OTHERWISE.search(statement.behaviour)
        if other:
            yield f"“{statement.behaviour}”: “{other[0]}” is read as part of the behaviour; a reason begins “because”"


def _keeps_its_form(clause: str, verb: str) -> str:
    return f"“{clause}”: “{verb}” keeps its form when the assistant speaks; write {NAME} again before it"


def _verbs(clause: str) -> Iterator[str]:
    for match in SUBJECT.finditer(clause):
        place = verb_at(match[1])
        if place is not None:
            yield match[1].split()[place]
