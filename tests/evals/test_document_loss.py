"""How well documents are predicted: the same numbers as the model's own loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from midspec.core.document import Corpus, Document
from midspec.core.errors import DataError, RecipeError
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.score import Responses
from midspec.evals.document_loss import DocumentLoss
from midspec.models.local import LocalModel
from midspec.models.template import encode_text
from midspec.stages.pretrained import Pretrained
from midspec.stages.respond import Respond
from tests.evals.desk import Desk

TEXTS = ("The lamp is lit at dusk.", "Nobody knows why the gate stays open, and nobody asks.", "Rain again.")


@dataclass(frozen=True, kw_only=True)
class Shelf(Recipe[Corpus]):
    texts: tuple[str, ...] = TEXTS

    def build(self, job: Job) -> Corpus:
        return Corpus(tuple(Document(f"d{n}", text, {}) for n, text in enumerate(self.texts)))


class ReadingDesk(Desk):
    def get(self, recipe: Any) -> Any:
        return recipe.build(self)


@pytest.fixture
def reading(job: Desk) -> Desk:
    return ReadingDesk(job.folder, job.answers)


def test_the_mean_over_a_document_is_the_models_own_loss(tiny: LocalModel, reading: Desk) -> None:
    by = DocumentLoss(on=Shelf(), axis="calm", count=2)
    scores = by.grade(Responses(tuple(by.respond(tiny, 0, reading))))
    assert [(s.item, s.axis, s.reading) for s in scores] == [("d0", "calm", "document"), ("d1", "calm", "document")]
    for score, text in zip(scores, TEXTS, strict=False):
        ids = torch.tensor([encode_text(tiny.tokenizer, text)])
        with torch.no_grad():
            loss = tiny.model(input_ids=ids, labels=ids).loss.item()
        assert score.value == pytest.approx(-loss, abs=1e-4)


def test_the_corpus_is_built_before_it_is_asked_for() -> None:
    shelf = Shelf()
    asked = Respond(model=Pretrained(source="tiny/llama"), to=DocumentLoss(on=shelf, axis="calm"))
    assert shelf.id in {recipe.id for recipe in asked.inputs()}


def test_nothing_to_predict_is_refused(tiny: LocalModel, reading: Desk) -> None:
    with pytest.raises(DataError, match="fewer than two tokens"):
        DocumentLoss(on=Shelf(texts=("a",)), axis="calm").respond(tiny, 0, reading)
    with pytest.raises(RecipeError, match="would read nothing"):
        DocumentLoss(on=Shelf(), axis="calm", count=0)
