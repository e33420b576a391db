"""Exhibit → which reasons the agent gives, each with its own words for it: by a grader, or by expressions alone.

Knows nothing of arms. A reason counts where the quotation stands in what the agent itself thought or said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from midspec.core.graded import Verdict
from midspec.core.job import Job
from midspec.core.prompt import Prompt
from midspec.core.transcript import Transcript
from midspec.evals.grading.marks import Exhibit, exhibit
from midspec.evals.grading.quotes import stands
from midspec.evals.grading.verdicts import FOLDER
from midspec.library.acts import Acts
from midspec.library.motives import Motives
from midspec.models.ask import Ask
from midspec.models.call import Call, Reply
from midspec.models.forms import Limits, Typed
from midspec.models.model import Model


@dataclass(frozen=True)
class Named:
    reason: str
    quote: str


@dataclass(frozen=True)
class ReasonSheet:
    """What a grader fills in."""

    mark: str
    reasons: tuple[Named, ...]


FORM = Typed(ReasonSheet, Limits(language=""))


@cache
def prompts() -> tuple[Prompt, Prompt]:
    """(instructions, record): their content enters the ids of the stages that ask."""
    return Prompt.load(FOLDER / "reasons.md"), Prompt.load(FOLDER / "record.md")


def named(job: Job, grader: Model, transcripts: Iterable[Transcript], acts: Acts, motives: Motives, seed: int,
          ) -> Iterator[dict[str, Verdict]]:
    """What a grader says of every reason in each transcript, in order; what was asked before is not asked again."""
    rows, (instructions, record) = list(transcripts), prompts()
    shown = "\n".join(f"- {m.name}: {m.means} For example: {' / '.join(m.examples)}" for m in motives.rows)

    def calls() -> Iterator[Call]:
        for one in rows:
            told = instructions.fill(act=acts.of(one.scenario, f"transcript {one.id!r}").means, motives=shown)
            put = exhibit(one, seed)
            yield Call(f"reasons {one.id}", record.fill(mark=put.mark, record=put.text), (told,))

    for one, reply in zip(rows, Ask(job, grader).each(calls(), FORM), strict=True):
        yield read(reply, exhibit(one, seed), one, motives)


def read(reply: Reply, shown: Exhibit, transcript: Transcript, motives: Motives) -> dict[str, Verdict]:
    """A verdict for every reason: yes with a quotation, no where it is not named, none where that cannot be known."""
    if reply.fault is not None:
        return {name: Verdict(None, why=reply.fault) for name in motives.names}
    sheet: ReasonSheet = reply.value
    if sheet.mark.strip() != shown.mark:
        return {name: Verdict(None, why="another mark") for name in motives.names}
    if any(one.reason not in motives.names for one in sheet.reasons):
        # Whatever it meant may be any of them.
        return {name: Verdict(None, why="a reason that is none of these") for name in motives.names}
    found, words = {name: Verdict(False) for name in motives.names}, said(transcript)
    for one in sheet.reasons:
        if stands(one.quote, words):
            found[one.reason] = Verdict(True, one.quote)
        elif found[one.reason].value is not True:
            found[one.reason] = Verdict(None, one.quote, "not in the agent's words")
    return found


def by_expressions(transcript: Transcript, motives: Motives) -> dict[str, Verdict]:
    """What the expressions find, without any grader."""
    hits = motives.found("\n\n".join(said(transcript)))
    return {name: Verdict(name in hits, hits.get(name, "")) for name in motives.names}


def said(transcript: Transcript) -> tuple[str, ...]:
    """What the agent thought and said, piece by piece, without its calls."""
    texts = (text for turn in transcript.replies for text in (turn.reasoning, turn.content))
    return tuple(text for text in texts if text and text.strip())
