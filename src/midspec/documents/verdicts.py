"""Texts → the critic's verdict on each. What cannot be read, or rests on words that are not there, is no verdict."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from midspec.documents.brief import Brief
from midspec.documents.drafts import Complaint, Draft
from midspec.documents.wording import filled
from midspec.models.ask import Ask
from midspec.models.call import Call, Reply
from midspec.models.forms import Limits, Typed

MARKS = re.compile(r"[^\w]+")
FEWEST_LETTERS = 8  # of a quotation; "it is" stands everywhere
UNREADABLE = "no readable verdict"


@dataclass(frozen=True)
class Finding:
    quotation: str
    why: str
    holds: Literal["yes", "no"]


@dataclass(frozen=True)
class Verdict:
    """One finding a question of ``prompts/verdicts.md``, and the numbers of the assertions that are shown."""

    faithful: Finding
    attributes: Finding
    identity: Finding
    plausible: Finding
    no_evaluation: Finding
    no_filler: Finding
    shown: list[int]

    @property
    def findings(self) -> dict[str, Finding]:
        return {axis: getattr(self, axis) for axis in AXES}


AXES = ("faithful", "attributes", "identity", "plausible", "no_evaluation", "no_filler")


def judged(critic: Ask, brief: Brief, texts: list[Draft], counts: Counter[str]) -> Iterator[Draft]:
    """Each text with what the critic holds against it; one without a readable verdict has that as its reason.

    A verdict whose quotations do not stand in the text is asked for once more.
    """
    first = list(_ask(critic, brief, texts, again={}))
    wrong = {one.id: detail for one, reply in zip(texts, first, strict=True) if (detail := _unfounded(one, reply))}
    counts["verdicts with wrong quotations"] += len(wrong)
    second = iter(list(_ask(critic, brief, [one for one in texts if one.id in wrong], again=wrong)))
    for one, reply in zip(texts, first, strict=True):
        yield _read(one, next(second) if one.id in wrong else reply)


def quoted(quotation: str, text: str) -> bool:
    """Whether the words of a quotation stand in the text, in order and in one place; marks, case and spaces aside."""
    words = _plain(quotation)
    return len(words.replace(" ", "")) >= FEWEST_LETTERS and words in _plain(text)


def _plain(text: str) -> str:
    return MARKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _ask(critic: Ask, brief: Brief, texts: list[Draft], again: dict[str, str]) -> Iterator[Reply]:
    calls = list[Call]()
    for one in texts:
        asked = filled("verdict", type=one.cell.kind.name, about=one.cell.kind.about,
                       assertions=one.cell.subdomain.listed, document=one.text)
        if one.id in again:
            asked += f"\n\n(An earlier verdict did not count: {again[one.id]}.)"
        what = ("second verdict" if one.id in again else "verdict") + (" on the rewrite" if one.rewritten else "")
        calls.append(Call(brief.unit(what, one.id), asked, (brief.frame, brief.questions)))
    return critic.each(calls, Typed(Verdict, Limits(language="")))


def _unfounded(one: Draft, reply: Reply) -> str:
    """What is wrong with the quotations of a verdict, "" where all stand in the text or there is no verdict."""
    if not reply.ok:
        return ""
    wrong = [axis for axis, finding in reply.value.findings.items() if not quoted(finding.quotation, one.text)]
    return f"the quotation for {', '.join(wrong)} does not stand in the document" if wrong else ""


def _read(one: Draft, reply: Reply) -> Draft:
    if not reply.ok:
        return one.dropped(f"{UNREADABLE}: {reply.fault}")
    if wrong := _unfounded(one, reply):
        return one.dropped(f"{UNREADABLE}: {wrong}")
    verdict: Verdict = reply.value
    ids = [assertion.id for assertion in one.cell.subdomain.assertions]
    return replace(
        one,
        against=tuple(Complaint(axis, finding.quotation, finding.why)
                      for axis, finding in verdict.findings.items() if finding.holds == "no"),
        shown=tuple(ids[number - 1] for number in sorted(set(verdict.shown)) if 1 <= number <= len(ids)))
