"""Responses of a Rollout or Borrowed → Transcripts: the kept pages as graders read them; nothing is sampled again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from midspec.core.forecast import Forecast, Look
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.score import Responses
from midspec.core.transcript import Transcripts
from midspec.evals.borrowed import Borrowed
from midspec.evals.rollout import Rollout


@dataclass(frozen=True, kw_only=True)
class Transcribe(Recipe[Transcripts]):
    """``arm`` is noted with every transcript, so that those of several arms can be told apart."""

    responses: Recipe[Responses]
    by: Rollout | Borrowed
    arm: str = ""

    def forecast(self, look: Look) -> Forecast:
        return Forecast(sequences=self.by.estimate()["sequences"], exact=True)

    def build(self, job: Job) -> Transcripts:
        rows = self.by.transcripts(job.get(self.responses))
        if self.arm:
            rows = [replace(row, meta={**row.meta, "arm": self.arm}) for row in rows]
        job.note(transcripts=len(rows), calls=sum(len(row.calls) for row in rows))
        return Transcripts(tuple(rows))
