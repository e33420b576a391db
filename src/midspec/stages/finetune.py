"""Checkpoint, ChatSet → Checkpoint: learn the assistant's turns of the chats."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.core.chat import ChatSet
from midspec.core.checkpoint import Checkpoint
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.training.fit import fit
from midspec.training.guards import foreign_names
from midspec.training.masking import mask_chats
from midspec.training.schedule import Full, Lora, Schedule


@dataclass(frozen=True, kw_only=True)
class Finetune(Recipe[Checkpoint]):
    """Training on chats, loss on assistant tokens only, turn end included.

    ``adapter`` says what happens to an adapter that ``start`` brings: "continue" trains it on (as in the paper),
    "merge" folds it into the weights and starts a new one.
    """

    start: Recipe[Checkpoint]
    on: Recipe[ChatSet]
    schedule: Schedule
    seed: int
    method: Lora | Full = Lora()
    adapter: str = "continue"

    def build(self, job: Job) -> Checkpoint:
        start, chats = job.get(self.start), job.get(self.on)
        foreign_names(chats, start.assistant)
        return fit(
            start,
            lambda tokenizer: mask_chats(chats, tokenizer, self.schedule.length, start.system),
            stage="finetune",
            schedule=self.schedule,
            method=self.method,
            seed=self.seed,
            job=job,
            adapter=self.adapter,
        )
