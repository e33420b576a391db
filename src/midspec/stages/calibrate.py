"""Labelled transcripts → Calibration: how often a grader errs, reading by reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from midspec.core.calibration import Calibration, confusion
from midspec.core.forecast import Asking, Forecast, Look
from midspec.core.graded import ASKED
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.evals.grading.counted import counted
from midspec.evals.grading.verdicts import graded, prompts
from midspec.library.acts import Acts
from midspec.library.labelled import LABELLED, LabelledTranscripts
from midspec.models.model import Model
from midspec.stages.grade_transcripts import LETTERS_A_TOKEN, SHEET_TOKENS


@dataclass(frozen=True, kw_only=True)
class Calibrate(Recipe[Calibration]):
    """The grader reads the labelled transcripts as ``GradeTranscripts`` would; ``seed`` draws their marks."""

    counts: ClassVar[str] = "transcripts"

    grader: Model
    labelled: LabelledTranscripts
    acts: Acts
    seed: int = 0

    def materials(self) -> tuple[HasIdentity, ...]:
        return prompts()

    def forecast(self, look: Look) -> Forecast:
        rows = self.labelled.transcripts.rows
        own = sum(len(turn.content) for row in rows for turn in row.turns) // (LETTERS_A_TOKEN * len(rows))
        shared = sum(len(prompt.text) for prompt in prompts()) // LETTERS_A_TOKEN
        return Forecast(asks=(Asking(address=self.grader.address, calls=len(rows), own=own, output=SHEET_TOKENS,
                                     shared=shared),), exact=True)

    def build(self, job: Job) -> Calibration:
        rows, labels = self.labelled.transcripts.rows, self.labelled.by_reading
        asked = list(graded(job, self.grader, rows, self.acts, self.seed))
        cut = [counted(row, self.acts.of(row.scenario, f"transcript {row.id!r}"))["truncated"] for row in rows]
        read = {name: [verdicts[name].value for verdicts in asked] for name in ASKED}
        read["truncated"] = [None if value is None else bool(value) for value in cut]
        made = Calibration(self.grader.address, len(rows), tuple(
            confusion(name, zip(labels[name], read[name], strict=True)) for name in LABELLED))
        job.note(transcripts=len(rows), unscored={row.reading: row.unscored_yes + row.unscored_no for row in made.rows})
        return made
