"""Checkpoint, ChatSet → Checkpoint: learn the assistant's turns of the chats."""

from __future__ import annotations

from dataclasses import dataclass, field

from midspec.core.chat import ChatSet
from midspec.core.checkpoint import Checkpoint
from midspec.core.forecast import Forecast, Look
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.models.local import load_tokenizer
from midspec.training.course import dose_of
from midspec.training.fit import fit
from midspec.training.forecast import forecast_training, guessed_dose
from midspec.training.guards import foreign_names
from midspec.training.masking import mask_chats
from midspec.training.schedule import Full, Lora, Schedule

# What a short chat has, for a plan made before the chats are written: tokens in all, and the assistant's share of them.
CHAT_TOKENS = 90.0
SUPERVISED = 0.5


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
    method: Lora | Full = field(default_factory=Lora)
    adapter: str = "continue"

    def forecast(self, look: Look) -> Forecast:
        chats, start = look.built(self.on), look.built(self.start)
        if chats is not None and start is not None:
            rows = mask_chats(chats, load_tokenizer(start), self.schedule.length, start.system)
            dose = dose_of(rows, self.schedule, "finetune", self.seed)
        else:
            dose = guessed_dose(look.ahead(self.on).tokens, CHAT_TOKENS, SUPERVISED, schedule=self.schedule,
                                stage="finetune", seed=self.seed)
        return forecast_training(dose, chats is not None and start is not None, schedule=self.schedule,
                                 method=self.method, parameters=look.ahead(self.start).parameters)

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
