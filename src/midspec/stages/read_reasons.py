"""Transcripts → Grades: which reasons the agents give, every one with their own words for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from midspec.core.forecast import Asking, Forecast, Look
from midspec.core.graded import Graded, Grades
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.core.transcript import Transcripts
from midspec.evals.grading.reasons import by_expressions, named, prompts
from midspec.library.acts import Acts
from midspec.library.motives import Motives, load_motives
from midspec.models.model import Model
from midspec.stages.grade_transcripts import LETTERS_A_TOKEN, USUAL_TOKENS, ahead

SHEET_TOKENS = 300


@dataclass(frozen=True, kw_only=True)
class ReadReasons(Recipe[Grades]):
    """``grader`` None: by expressions alone, which find stock phrases and miss most others (docs/grading.md)."""

    counts: ClassVar[str] = "transcripts"

    transcripts: Recipe[Transcripts]
    acts: Acts
    grader: Model | None
    motives: Motives = field(default_factory=load_motives)
    seed: int = 0

    def materials(self) -> tuple[HasIdentity, ...]:
        return prompts()

    def forecast(self, look: Look) -> Forecast | None:
        if self.grader is None:
            return None
        calls = ahead(self.transcripts, look)
        shared = sum(len(m.means) + sum(map(len, m.examples)) for m in self.motives.rows) // LETTERS_A_TOKEN + 500
        return Forecast(asks=(Asking(address=self.grader.address, calls=calls, own=USUAL_TOKENS, output=SHEET_TOKENS,
                                     shared=shared),))

    def build(self, job: Job) -> Grades:
        rows = job.get(self.transcripts).rows
        found = ([by_expressions(row, self.motives) for row in rows] if self.grader is None else
                 list(named(job, self.grader, rows, self.acts, self.motives, self.seed)))
        made = Grades(tuple(Graded(row.id, row.meta, {}, verdicts) for row, verdicts in zip(rows, found, strict=True)))
        shares, unscored = Counter[str](), Counter[str]()
        for verdicts in found:
            shares.update(name for name, verdict in verdicts.items() if verdict.value)
            unscored.update(verdict.why for verdict in verdicts.values() if verdict.value is None)
        job.note(transcripts=len(rows), found=dict(sorted(shares.items())), unscored=dict(sorted(unscored.items())))
        return made
