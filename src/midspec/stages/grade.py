"""Responses → Scores: read kept answers; nothing is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.score import Responses, Scores
from midspec.evals._eval import Eval


@dataclass(frozen=True, kw_only=True)
class Grade(Recipe[Scores]):
    version: ClassVar[int] = 2

    responses: Recipe[Responses]
    by: Eval

    def build(self, job: Job) -> Scores:
        scores = Scores(tuple(self.by.grade(job.get(self.responses))))
        unreadable = sum(score.value is None for score in scores.rows)
        job.note(scores=len(scores.rows), unreadable=unreadable)
        return scores
