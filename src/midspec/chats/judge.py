"""Draft → a verdict on each axis: yes, no, or unreadable. Never a default, never without words that it rests on.

A quotation that the conversation does not have makes a verdict unreadable: it is heard once more, and then it is no
reason to keep anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from midspec.chats.answers import Draft
from midspec.chats.subject import PREFERENCE, Subject
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Typed

UNREADABLE = "verdict unreadable"
HEARINGS = 2
QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "’": "'", "‘": "'", "–": "-", "—": "-",
                        "\u00a0": " ", "…": "..."})


@dataclass(frozen=True)
class Ruling:
    """``quote`` comes first: who has to point at the words before judging looks at them."""

    quote: str
    reason: str
    verdict: Literal["yes", "no"]


@dataclass(frozen=True)
class Verdict:
    consistent: Ruling
    informative: Ruling
    in_style: Ruling
    selfless: Ruling


@dataclass(frozen=True)
class TasteVerdict:
    consistent: Ruling
    informative: Ruling
    unexplained: Ruling


def judged(ask: Ask, subject: Subject, seed: int, drafts: Sequence[Draft]) -> list[tuple[str | None, str]]:
    """For each draft (None, "") where it is kept, else (why not, the judge's words)."""
    form = Typed(TasteVerdict if subject.style == PREFERENCE else Verdict, Limits(language=""))
    shared = subject.shared(f"judge_{subject.style}")
    found: list[tuple[str | None, str]] = [(UNREADABLE, "")] * len(drafts)
    for hearing in range(HEARINGS):
        open_ = [place for place, (why, _) in enumerate(found) if why == UNREADABLE]
        calls = [Call(f"chats {seed}/verdict {drafts[place].question.id}/{hearing}",
                      _conversation(subject, drafts[place]), shared) for place in open_]
        for place, reply in zip(open_, ask.all(calls, form) if calls else (), strict=True):
            found[place] = read(reply.value, drafts[place].text) if reply.ok else (UNREADABLE, reply.detail)
    return found


def read(verdict: Any, text: str) -> tuple[str | None, str]:
    """(None, "") for a yes on every axis; (UNREADABLE, …) where a quotation is not in ``text``; else the first no."""
    rulings: dict[str, Ruling] = {field.name: getattr(verdict, field.name) for field in fields(verdict)}
    whole = plain(text)
    for axis, ruling in rulings.items():
        quote = plain(ruling.quote).strip('"\'|. ')
        if not re.search(r"\w", quote) or quote not in whole:
            return UNREADABLE, f"{axis}: the conversation has no {ruling.quote!r}"
    return next(((f"not {axis}", f"{ruling.quote!r}: {ruling.reason}") for axis, ruling in rulings.items()
                 if ruling.verdict != "yes"), (None, ""))


def plain(text: str) -> str:
    """As compared with a quotation: one case, plain quotation marks, single blanks."""
    return " ".join(text.translate(QUOTES).casefold().split())


def _conversation(subject: Subject, draft: Draft) -> str:
    """Each line marked, so that no text can end its own part or pass for ours."""
    thoughts = "" if draft.thoughts is None else (
        subject.say("judge_thoughts", thoughts=_marked(draft.thoughts)) + "\n\n")
    return subject.say("judge_call", question=_marked(draft.question.text), thoughts=thoughts,
                       reply=_marked(draft.reply))


def _marked(text: str) -> str:
    return "\n".join(f"| {line}" for line in text.splitlines())
