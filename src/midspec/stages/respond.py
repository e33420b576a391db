"""Checkpoint → Responses: ask one model all questions of one eval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from midspec.core.checkpoint import Checkpoint
from midspec.core.forecast import Forecast, Look
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.score import Responses
from midspec.evals._eval import Eval
from midspec.models.local import load

# New tokens of one scored sequence beside what it shares with others, on the shipped item sets.
SEQUENCE_TOKENS = 10
# Sampling reads all weights for every few tokens: a batch of them takes as long as this many times its arithmetic.
SAMPLING = 3


@dataclass(frozen=True, kw_only=True)
class Respond(Recipe[Responses]):
    """``seed`` matters only to evals that sample."""

    version: ClassVar[int] = 2

    model: Recipe[Checkpoint]
    to: Eval
    seed: int = 0

    def forecast(self, look: Look) -> Forecast:
        asked, parameters = self.to.estimate(), look.ahead(self.model).parameters
        tokens = asked["sequences"] * SEQUENCE_TOKENS + SAMPLING * asked.get("tokens", 0)
        return Forecast(sequences=asked["sequences"], flops=2.0 * (parameters or 0) * tokens, exact=True)

    def build(self, job: Job) -> Responses:
        model = load(job.get(self.model), device=job.device, fold=True)
        return Responses(tuple(self.to.respond(model, self.seed, job)))
