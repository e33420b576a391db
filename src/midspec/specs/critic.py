"""Spec → findings of a model that reads it as a sceptic. What it quotes must stand in the spec, or is not heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from midspec.core.errors import DataError
from midspec.core.spec import Spec
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Typed
from midspec.specs.augment import prompt
from midspec.specs.finding import Finding

MARKS = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "\u00a0": " "})
HEARINGS = 2


@dataclass(frozen=True)
class Remark:
    """``quote`` first: who has to point at the words before judging looks at them."""

    quote: str
    kind: Literal["reason", "harm", "contradiction", "identity", "length"]
    problem: str


@dataclass(frozen=True)
class Remarks:
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Heard:
    """``findings`` whose words stand in the spec, and those that were ``refused`` because theirs do not."""

    findings: list[Finding]
    refused: list[Remark]


def criticised(ask: Ask, spec: Spec, seed: int) -> Heard:
    """Heard a second time where nothing of the first can be used.

    Raises:
        DataError: no reply could be read.
    """
    known, refused, trouble = _plain(spec.text), list[Remark](), ""
    for hearing in range(HEARINGS):
        reply = ask.all([Call(f"spec {seed}/critic/{hearing}", prompt("critic").text,
                              (prompt("spec").fill(spec=spec.text),))], Typed(Remarks, Limits(language="")))[0]
        if not reply.ok:
            trouble = f"{reply.fault}: {reply.detail}"
            continue
        trouble = ""
        good = [one for one in reply.value.remarks if _plain(one.quote).strip() and _plain(one.quote) in known]
        refused += [one for one in reply.value.remarks if one not in good]
        if good or not reply.value.remarks:
            return Heard([Finding(one.kind, _section(spec, one.quote), one.quote, one.problem) for one in good],
                         refused)
    if trouble:
        raise DataError(f"{spec.name}: the critic could not be read ({trouble})", hint="use another --critic")
    return Heard([], refused)


def _section(spec: Spec, quote: str) -> str:
    wanted = _plain(quote)
    return next((p.title for p in spec.principles if any(
        wanted in _plain(text) for text in (*p.prose, *(f"{s.behaviour}, because {s.reason}" for s in p.statements),
                                            p.value or ""))), "")


def _plain(text: str) -> str:
    """One case, plain marks, single blanks, no emphasis: what a quotation may differ in."""
    return " ".join(text.translate(MARKS).replace("*", "").casefold().split()).strip('".')
