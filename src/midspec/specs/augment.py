"""Spec → the same spec with the values behind each rule, or with sub-rules of each, at a stated length.

Both ways get the same number of words a rule, so that two specs that differ in kind do not differ in length: each
keeps within OFF of it, and so they keep within five per cent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from midspec.core.errors import DataError
from midspec.core.prompt import Prompt
from midspec.core.spec import Spec
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Typed
from midspec.specs.pieces import RULES, after_of, count, form_of, wrong
from midspec.specs.places import After, extended, statement_ends

OFF = 0.024
# One rule's share may differ more: what must be even is the whole.
EACH, ASKED = 0.25, 0.05
ROUNDS = 6
FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Augmented:
    """The text of a new spec file, how many words it ``added`` where ``wanted`` were asked for, in how many calls."""

    text: str
    added: int
    wanted: int
    calls: int


@dataclass(frozen=True)
class Rule:
    """One statement, what was last written for it, and how the next attempt is asked for."""

    number: int
    section: str
    text: str
    has_reason: bool
    quota: int
    piece: After | None = None
    earlier: str = ""
    trouble: str = ""

    @property
    def added(self) -> int:
        return 0 if self.piece is None else count(self.piece)


@cache
def prompt(name: str) -> Prompt:
    return Prompt.load(FOLDER / f"{name}.md")


def augment(ask: Ask, spec: Spec, way: str, words: int, seed: int) -> Augmented:
    """``way`` "values" or "rules"; ``words``: how many are added to each rule, on average.

    Raises:
        SpecError: the spec has no rules. DataError: the length was not met, or a rule got nothing usable, in ROUNDS
            rounds; says how far it came. What was answered is kept.
    """
    statement_ends(spec)
    rules, calls = _rules(spec, words), 0
    for turn in range(ROUNDS):
        open_ = _open(rules, words)
        if not open_:
            break
        calls += len(open_)
        asked = _asked(ask, spec, way, [rules[number] for number in open_], f"{seed}/{way}/{turn}")
        for rule in asked:
            rules[rule.number] = _better(rules[rule.number], rule)
    added, wanted = sum(rule.added for rule in rules), words * len(rules)
    _refuse_short(spec, way, rules, added, wanted)
    name, kind = f"{spec.name}-with-{way}", spec.kind if way == RULES or spec.kind == "values" else "mixed"
    note = f"{spec.name} with {way} for each of its {len(rules)} rules: {added} words where {wanted} were asked for"
    pieces = [rule.piece for rule in rules if rule.piece is not None]
    return Augmented(extended(spec, pieces, name=name, kind=kind, note=note), added, wanted, calls)


def _rules(spec: Spec, words: int) -> list[Rule]:
    told = [(p.title, s) for p in spec.principles for s in p.statements]
    return [Rule(n, title, s.behaviour + (f", because {s.reason}" if s.reason else ""), s.reason is not None, words)
            for n, (title, s) in enumerate(told)]


def _open(rules: list[Rule], words: int) -> list[int]:
    """Which rules are asked (again): those without a piece or far off, else the worst ones while the sum is off."""
    missing = [r.number for r in rules if r.piece is None or abs(r.added - words) > EACH * words]
    if missing:
        return missing
    off = sum(rule.added for rule in rules) - words * len(rules)
    if abs(off) <= OFF * words * len(rules):
        return []
    chosen = list[int]()
    for rule in sorted(rules, key=lambda r: (r.added - words) * (-1 if off > 0 else 1)):
        if abs(off) <= OFF / 3 * words * len(rules):
            break
        off -= rule.added - words
        chosen.append(rule.number)
    return sorted(chosen)


def _asked(ask: Ask, spec: Spec, way: str, rules: list[Rule], unit: str) -> list[Rule]:
    """The rules with what came for each: a piece, or the trouble with it."""
    shared = (prompt("spec").fill(spec=spec.text), prompt(way).text)
    known, taken = spec.text, [s.behaviour for s in spec.statements]
    answered = list[Rule]()
    for has_reason in (False, True):
        these = [rule for rule in rules if rule.has_reason == has_reason]
        form = Typed(form_of(way, has_reason=has_reason), Limits(language=""))
        calls = [Call(f"spec {unit}/{rule.number}", _call(rule, way), shared) for rule in these]
        for rule, reply in zip(these, ask.all(calls, form) if calls else (), strict=True):
            if not reply.ok:
                answered.append(replace(rule, trouble=f"{reply.fault}: {reply.detail}"))
                continue
            piece = after_of(reply.value)
            why = wrong(piece, way, rule.text, known, taken)
            shown = "\n".join(filter(None, (piece.reason, piece.paragraph, *piece.bullets)))
            answered.append(replace(rule, earlier=shown, trouble=why or f"it has {count(piece)} words",
                                    piece=None if why else piece))
    return answered


def _call(rule: Rule, way: str) -> str:
    again = ""
    if rule.earlier:
        again = prompt("again").fill(earlier=rule.earlier, trouble=rule.trouble) + "\n\n"
    least, most = round(rule.quota * (1 - ASKED)), round(rule.quota * (1 + ASKED))
    wanted = "sub-rules" if way == RULES else "explanation" if rule.has_reason else "reason and explanation"
    return prompt("rule").fill(section=rule.section, rule=rule.text, wanted=wanted, again=again, least=str(least),
                               most=str(most))


def _better(before: Rule, after: Rule) -> Rule:
    """The attempt that is nearer to its words; the last text and its trouble are what is shown next time."""
    if after.piece is None or (before.piece is not None
                               and abs(before.added - before.quota) < abs(after.added - after.quota)):
        return replace(after, piece=before.piece)
    return after


def _refuse_short(spec: Spec, way: str, rules: list[Rule], added: int, wanted: int) -> None:
    empty = [rule for rule in rules if rule.piece is None]
    if empty:
        raise DataError(f"{spec.name}: no usable {way} came for {len(empty)} of {len(rules)} rules in {ROUNDS} rounds; "
                        f"of “{empty[0].text}”: {empty[0].trouble}",
                        hint="use another writer, or word these rules anew")
    if abs(added - wanted) > OFF * wanted:
        raise DataError(f"{spec.name}: {added} words of {way} came where {wanted} were wanted "
                        f"({added / wanted - 1:+.1%}, allowed {OFF:.1%}) in {ROUNDS} rounds: no fair comparison",
                        hint="use another writer, or another length: --words N; every answer is kept")
