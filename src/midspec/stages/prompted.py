"""Checkpoint, Spec → Checkpoint: the same weights, with the spec in the system turn. The baseline without training."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

from midspec.core.checkpoint import Checkpoint
from midspec.core.forecast import Forecast, Look, Preview
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

    def preview(self, look: Look) -> Preview[Checkpoint] | None:
        start = look.seen(self.start)
        return None if start is None else Preview(replace(start.made, system=self._system(start.made)))

    def build(self, job: Job) -> Checkpoint:
        start = job.get(self.start)
        for weights in (start.model, start.adapter):
            if weights is not None:
                shutil.copytree(weights, job.folder / weights.name)
        job.note(words=len(self._told(start).split()))
        return replace(start, folder=job.folder, system=self._system(start))

    def _told(self, start: Checkpoint) -> str:
        return self.spec.named(start.assistant, start.maker).text.strip()

    def _system(self, start: Checkpoint) -> str:
        return "\n\n".join(part for part in (self._told(start), start.system) if part)
