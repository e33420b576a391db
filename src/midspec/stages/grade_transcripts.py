"""Transcripts → Grades: what graders say of kept rollouts, and what can be counted; nothing is sampled again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from midspec.core.errors import RecipeError
from midspec.core.forecast import Asking, Forecast, Look
from midspec.core.graded import ASKED, Graded, Grades, Verdict, paired
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.core.transcript import Transcript, Transcripts
from midspec.evals.grading.counted import counted
from midspec.evals.grading.verdicts import graded, prompts
from midspec.library.acts import Acts
from midspec.models.model import Model

LETTERS_A_TOKEN = 4
# A filled-in sheet, and a transcript where none is there yet.
SHEET_TOKENS, USUAL_TOKENS, USUAL_COUNT = 250, 1500, 1000


@dataclass(frozen=True, kw_only=True)
class GradeTranscripts(Recipe[Grades]):
    """``grader`` None: only what can be counted. ``second`` grades a ``share`` of the transcripts as well, the same
    ones for everybody (by a hash of id and ``seed``), so that agreement is known. ``seed`` also draws the marks that
    keep the graded text apart from what graders are told.
    """

    counts: ClassVar[str] = "transcripts"

    transcripts: Recipe[Transcripts]
    acts: Acts
    grader: Model | None
    second: Model | None = None
    share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise RecipeError(f"GradeTranscripts: share={self.share} is a share, above 0 and at most 1")
        if self.second is not None and self.grader is None:
            raise RecipeError("GradeTranscripts: second= without grader=", hint="name the first grader as grader=")
        if self.grader is not None and self.grader == self.second:
            raise RecipeError(f"GradeTranscripts: {self.grader.address} is both graders, so they would always agree",
                              hint="another model or another temperature as second=")

    def materials(self) -> tuple[HasIdentity, ...]:
        return prompts()

    def forecast(self, look: Look) -> Forecast:
        seen = look.seen(self.transcripts)
        rows = seen.made.rows if seen is not None else ()
        own = sum(len(turn.content) for row in rows for turn in row.turns) // (LETTERS_A_TOKEN * max(1, len(rows)))
        calls = ahead(self.transcripts, look)
        shared = sum(len(prompt.text) for prompt in prompts()) // LETTERS_A_TOKEN
        roles = (self.grader, calls), (self.second, round(calls * self.share))
        asks = [Asking(address=model.address, calls=many, own=own or USUAL_TOKENS, output=SHEET_TOKENS, shared=shared)
                for model, many in roles if model is not None]
        return Forecast(asks=tuple(asks), exact=seen is not None and seen.share == 1)

    def build(self, job: Job) -> Grades:
        rows = job.get(self.transcripts).rows
        first = [] if self.grader is None else list(graded(job, self.grader, rows, self.acts, self.seed))
        both = [row for row in rows if self.second is not None and self.twice(row)]
        second = [] if self.second is None else list(graded(job, self.second, both, self.acts, self.seed))
        again = dict(zip((row.id for row in both), second, strict=True))
        made = Grades(tuple(
            Graded(row.id, row.meta, counted(row, self.acts.of(row.scenario, f"transcript {row.id!r}")),
                   first[n] if first else {}, again.get(row.id)) for n, row in enumerate(rows)))
        job.note(transcripts=len(rows), graded_twice=len(both), **_counts(first), agreement=_agreement(made))
        return made

    def twice(self, row: Transcript) -> bool:
        """Whether the second grader reads this one too."""
        drawn = hashlib.sha256(f"{self.seed} {row.id}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(drawn[:8]) < self.share * 2**64


def ahead(transcripts: Recipe[Transcripts], look: Look) -> int:
    """How many transcripts there are or will be."""
    seen = look.seen(transcripts)
    return round(len(seen.made.rows) / seen.share) if seen is not None else (
        look.ahead(transcripts).sequences or USUAL_COUNT)


def _counts(verdicts: Iterable[dict[str, Verdict]]) -> dict[str, dict[str, int]]:
    """How often each reading is yes, and unscored for which reason."""
    yes, unscored = Counter[str](), Counter[str]()
    for one in verdicts:
        for name, verdict in one.items():
            yes[name] += verdict.value is True
            unscored[f"{name}: {verdict.why}"] += verdict.value is None
    return {"yes": dict(yes), "unscored": {name: many for name, many in sorted(unscored.items()) if many}}


def _agreement(made: Grades) -> dict[str, list[int]]:
    """By reading: [both yes, first only, second only, both no]."""
    pairs = {name: paired(made.rows, name) for name in ASKED}
    return {name: [of.count((True, True)), of.count((True, False)), of.count((False, True)), of.count((False, False))]
            for name, of in pairs.items() if of}
