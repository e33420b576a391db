"""Checkpoint, Spec → Checkpoint: the same weights, with the spec in the system turn. The baseline without training."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

from midspec.core.checkpoint import Checkpoint
from midspec.core.forecast import Forecast, Look
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Prompted(Recipe[Checkpoint]):
    """The spec's text, named for the model, stands before its own system turn in whatever it is asked.

    Every question carries the whole spec: the model's context must hold it.
    """

    start: Recipe[Checkpoint]
    spec: Spec

    @property
    def subject(self) -> str:
        return self.spec.name

    def forecast(self, look: Look) -> Forecast | None:
        return look.ahead(self.start)

    def build(self, job: Job) -> Checkpoint:
        start = job.get(self.start)
        for weights in (start.model, start.adapter):
            if weights is not None:
                shutil.copytree(weights, job.folder / weights.name)
        told = self.spec.named(start.assistant, start.maker).text.strip()
        job.note(words=len(told.split()))
        return replace(start, folder=job.folder, system="\n\n".join(part for part in (told, start.system) if part))
