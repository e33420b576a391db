"""Checkpoint, ChatSet → Checkpoint: learn the assistant's turns of the chats."""

from __future__ import annotations

from dataclasses import dataclass, field

from midspec.core.chat import ChatSet
from midspec.core.checkpoint import Checkpoint
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.models.local import tokenizer_ahead
from midspec.training.fit import fit
from midspec.training.forecast import dose_ahead, forecast_training, guessed_dose
from midspec.training.guards import foreign_names
from midspec.training.masking import mask_chats
from midspec.training.names import one_name
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

    def __post_init__(self) -> None:
        one_name(self.on.speaks_as, self.speaks_as, "chats")

    @property
    def speaks_as(self) -> str | None:
        return self.start.speaks_as

    def forecast(self, look: Look) -> Forecast:
        chats, start = look.seen(self.on), look.seen(self.start)
        tokenizer = None if start is None else tokenizer_ahead(start.made)
        if chats is not None and start is not None and tokenizer is not None:
            rows = mask_chats(chats.made, tokenizer, self.schedule.length, start.made.system)
            dose = dose_ahead(rows, chats.share, schedule=self.schedule, stage="finetune", seed=self.seed)
        else:
            dose = guessed_dose(look.ahead(self.on).tokens, CHAT_TOKENS, SUPERVISED, schedule=self.schedule,
                                stage="finetune", seed=self.seed)
        exact = tokenizer is not None and chats is not None and chats.share == 1
        return forecast_training(dose, exact, schedule=self.schedule, method=self.method,
                                 parameters=look.ahead(self.start).parameters)

    def preview(self, look: Look) -> Preview[Checkpoint] | None:
        return look.seen(self.start)

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
