"""Checkpoint → Responses: ask one model all questions of one eval."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.core.checkpoint import Checkpoint
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.score import Responses
from midspec.evals._eval import Eval
from midspec.models.local import load


@dataclass(frozen=True, kw_only=True)
class Respond(Recipe[Responses]):
    """``seed`` matters only to evals that sample."""

    model: Recipe[Checkpoint]
    to: Eval
    seed: int = 0

    def build(self, job: Job) -> Responses:
        model = load(job.get(self.model), device=job.device)
        return Responses(tuple(self.to.respond(model, self.seed, job)))
