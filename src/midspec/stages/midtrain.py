"""Checkpoint, Corpus → Checkpoint: read documents about the spec as plain text."""

from __future__ import annotations

from dataclasses import dataclass, field

from midspec.core.checkpoint import Checkpoint
from midspec.core.document import Corpus
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.models.local import tokenizer_ahead
from midspec.training.fit import fit
from midspec.training.forecast import dose_ahead, forecast_training, guessed_dose
from midspec.training.guards import names_in
from midspec.training.names import one_name
from midspec.training.packing import pack_documents
from midspec.training.schedule import Full, Lora, Schedule


@dataclass(frozen=True, kw_only=True)
class Midtrain(Recipe[Checkpoint]):
    """Next-token training on the documents, loss on every token but a document's first.

    ``about`` is the assistant that the documents should name: None for the model's own name, "" for nobody (neutral
    text).
    """

    start: Recipe[Checkpoint]
    on: Recipe[Corpus]
    schedule: Schedule
    seed: int
    method: Lora | Full = field(default_factory=Lora)
    about: str | None = None

    def __post_init__(self) -> None:
        one_name(self.on.speaks_as if self.about != "" else None, self.about or self.speaks_as, "documents")

    @property
    def speaks_as(self) -> str | None:
        return self.start.speaks_as

    @property
    def subject(self) -> str:
        return self.on.subject

    def forecast(self, look: Look) -> Forecast:
        corpus, start = look.seen(self.on), look.seen(self.start)
        tokenizer = None if start is None else tokenizer_ahead(start.made)
        if corpus is not None and tokenizer is not None:
            rows = pack_documents(corpus.made, tokenizer, self.schedule.length)
            dose = dose_ahead(rows, corpus.share, schedule=self.schedule, stage="midtrain", seed=self.seed)
        else:
            dose = guessed_dose(look.ahead(self.on).tokens, self.schedule.length, 1.0, schedule=self.schedule,
                                stage="midtrain", seed=self.seed)
        exact = tokenizer is not None and corpus is not None and corpus.share == 1
        return forecast_training(dose, exact, schedule=self.schedule, method=self.method,
                                 parameters=look.ahead(self.start).parameters)

    def preview(self, look: Look) -> Preview[Checkpoint] | None:
        return look.seen(self.start)

    def build(self, job: Job) -> Checkpoint:
        start, corpus = job.get(self.start), job.get(self.on)
        names_in((d.text for d in corpus.documents), start.assistant if self.about is None else self.about, "documents")
        return fit(
            start,
            lambda tokenizer: pack_documents(corpus, tokenizer, self.schedule.length),
            stage="midtrain",
            schedule=self.schedule,
            method=self.method,
            seed=self.seed,
            job=job,
        )
