"""Corpus of held-out documents → how well a model predicts them. Says whether midtraining took, not what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from midspec.core.document import Corpus
from midspec.core.errors import DataError, RecipeError
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.score import Reading, Response, Responses, Score
from midspec.evals._eval import Eval
from midspec.models.local import LocalModel
from midspec.models.logprob import Group, option_logprobs
from midspec.models.template import encode_text


@dataclass(frozen=True, kw_only=True)
class DocumentLoss(Eval):
    """Log-probability per token of the first ``count`` documents of a corpus that no arm has read.

    ``axis`` is the value that the documents speak of. A document's first token is given, not scored.
    """

    name: ClassVar[str] = "document_loss"

    on: Recipe[Corpus]
    axis: str
    count: int = 20

    def __post_init__(self) -> None:
        if self.count < 1:
            raise RecipeError(f"DocumentLoss: count={self.count} would read nothing")

    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Summed log-probability and tokens of each document. ``seed`` changes nothing here."""
        documents = job.get(self.on).documents[:self.count]
        ids = [encode_text(model.tokenizer, document.text) for document in documents]
        short = next((d.id for d, tokens in zip(documents, ids, strict=True) if len(tokens) < 2), None)
        if short is not None:
            raise DataError(f"document {short!r} has fewer than two tokens, so there is nothing to predict")
        groups = [Group(tokens[:1], [tokens[1:]]) for tokens in ids]
        values = option_logprobs(model, groups, progress=lambda done, of: job.step(done, of))
        job.note(items=len(documents), tokens=sum(len(tokens) - 1 for tokens in ids))
        return [Response(document.id, logprobs={"document": sum(found)}, tokens={"document": len(found)})
                for document, (found,) in zip(documents, values, strict=True)]

    def grade(self, responses: Responses) -> list[Score]:
        return [Score(r.item, self.axis, "", "document", r.logprobs["document"] / r.tokens["document"], r.draw)
                for r in responses.rows]

    def estimate(self) -> dict[str, int]:
        # A document is as long as some six of the sequences that forced choice scores.
        return {"items": self.count, "sequences": 6 * self.count}

    def explain(self) -> tuple[Reading, ...]:
        return (Reading("document", "log-probability per token of documents that no arm has read, in nats",
                        high=0.0, larger="better predicted"),)
