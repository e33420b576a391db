"""Spec → what a sceptical reader would mark: missing reasons, dangerous rules, contradictions, identity, length.

Every rule is an expression that can be read here. It marks, and the author decides: nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from midspec.core.spec import Principle, Spec, Statement
from midspec.specs.contradiction import contradictions, deed
from midspec.specs.finding import Finding
from midspec.specs.harm import bounded, turned

SENTENCE = re.compile(r"(?<=[.!?])\s+")
NAME, MAKER = "{model_name}", "{provider_name}"
LONG_BULLET = 60
LONG_SHARE, LEAST_SECTIONS, LEAST_WORDS = 0.4, 4, 400
SPOKEN_TO = re.compile(r"(?:you|your|i|we|my|our)\b", re.IGNORECASE)
CALLED = re.compile(r"\b(?!(?:The|This|That|It|An?|Each|Every|No|Any|Our|Such)\b)([A-Z]\w+) is (?:an?|the) "
                    r"(?:helpful |new |large )*(?:AI\b|assistant\b|language model\b|chatbot\b)")
MADE = re.compile(rf"(?:{re.escape(NAME)}|\bassistant\b|\bmodel\b)[^.;]{{0,40}}\b(?:made|built|trained|developed|"
                  r"created) by ([A-Z]\w+)")
REPEATED = 0.8


def findings(spec: Spec) -> list[Finding]:
    """All findings, by kind: reasons, harm, contradictions, identity, length."""
    return [*_reasons(spec), *_harm(spec), *_contradictions(spec), *_identity(spec), *_length(spec)]


def _reasons(spec: Spec) -> Iterator[Finding]:
    """Of a rule spec one finding in all: that it gives no reasons is its nature, and worth knowing."""
    if spec.kind == "rules":
        bare = [s for s in spec.statements if s.reason is None]
        if bare:
            yield Finding("reason", "", "", f"{len(bare)} of {len(spec.statements)} rules say no reason; "
                                            "--augment values has a model write them")
    else:
        for principle in spec.principles:
            yield from _reasons_in(principle, values=spec.kind == "values")
    for principle, statement in _statements(spec):
        if statement.reason is not None and _says_nothing(statement):
            yield Finding("reason", principle.title, statement.reason, "the reason says the behaviour once more")


def _reasons_in(principle: Principle, *, values: bool) -> Iterator[Finding]:
    bare = [s for s in principle.statements if s.reason is None]
    if bare and len(bare) == len(principle.statements) and not values:
        yield Finding("reason", principle.title, "", f"none of its {len(bare)} behaviours has a reason")
        return
    for statement in bare:
        yield Finding("reason", principle.title, statement.behaviour, "no reason explains this behaviour")


def _says_nothing(statement: Statement) -> bool:
    said, why = deed(statement.behaviour).words, deed(statement.reason or "").words
    return len(why) > 1 and len(said & why) >= REPEATED * len(why)


def _harm(spec: Spec) -> Iterator[Finding]:
    bound = bounded(spec.text)
    for principle in spec.principles:
        values = [] if principle.value is None else [principle.value]
        clauses = [c for s in principle.statements for c in (s.behaviour, s.reason) if c is not None]
        prose = [sentence for text in principle.prose for sentence in SENTENCE.split(text)]
        for sentence in dict.fromkeys([*values, *clauses, *prose]):
            for problem in turned(sentence, bounded=bound):
                yield Finding("harm", principle.title, sentence, problem)


def _contradictions(spec: Spec) -> Iterator[Finding]:
    told = list(_statements(spec))
    for one, two in contradictions([statement.behaviour for _, statement in told]):
        section, other = told[one][0].title, told[two]
        where = "" if other[0].title == section else f", in {other[0].title}"
        yield Finding("contradiction", section, told[one][1].behaviour,
                      f"the opposite stands{where or ' here'}: “{other[1].behaviour}”")


def _identity(spec: Spec) -> Iterator[Finding]:
    for found in CALLED.finditer(spec.text):
        yield Finding("identity", "", found[0], f"names {found[1]} as the assistant; write {NAME} if this one is meant")
    for found in MADE.finditer(spec.text):
        yield Finding("identity", "", found[0], f"names {found[1]} as the maker; write {MAKER} if its own is meant")
    for principle, statement in _statements(spec):
        if SPOKEN_TO.match(statement.behaviour):
            yield Finding("identity", principle.title, statement.behaviour,
                          f"speaks as or to the assistant; a behaviour begins with {NAME}, in the third person")


def _length(spec: Spec) -> Iterator[Finding]:
    whole = len(spec.text.split())
    for principle in spec.principles:
        words = sum(len(text.split()) for text in (*principle.prose, *_texts(principle)))
        if len(spec.principles) >= LEAST_SECTIONS and words > LEAST_WORDS and words > LONG_SHARE * whole:
            yield Finding("length", principle.title, "", f"{words} of {whole} words are in this one section of "
                                                         f"{len(spec.principles)}; documents follow the sections")
    for principle, statement in _statements(spec):
        words = len(statement.behaviour.split()) + len((statement.reason or "").split())
        if words > LONG_BULLET:
            yield Finding("length", principle.title, statement.behaviour,
                          f"{words} words in one statement; over {LONG_BULLET} it is better two")


def _texts(principle: Principle) -> Iterator[str]:
    for statement in principle.statements:
        yield statement.behaviour
        yield statement.reason or ""


def _statements(spec: Spec) -> Iterator[tuple[Principle, Statement]]:
    return ((principle, statement) for principle in spec.principles for statement in principle.statements)
