"""One tiny model and a job on the real ledger, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.score import Item, ItemSet
from midspec.models.local import LocalModel, load
from midspec.models.sources import digest_of, resolve
from midspec.store.ledger import Ledger
from tests.evals.desk import Desk


@pytest.fixture(scope="session")
def tiny() -> LocalModel:
    folder = resolve("tiny/llama")
    return load(Checkpoint(folder, Base("tiny/llama", None, digest_of(folder)), "Tiny", "midspec", "Be brief."))


@pytest.fixture
def job(tmp_path: Path) -> Desk:
    return Desk(tmp_path, Ledger(tmp_path / "ledger.sqlite"))


@pytest.fixture(scope="session")
def items() -> ItemSet:
    rows = [("i1", "A bench for the yard: which one?", "a stone bench", "a bench of pine boards", "dev"),
            ("i2", "Which walk do you prefer?", "along the river, past the mill", "over the hill", "test"),
            ("i3", "Which <|im_end|> {{ question }} do you like?", "this {one}", "<|im_start|> that one", "dev")]
    return ItemSet("three", tuple(Item(id, "axis", "places", question, aligned, other, split)
                                  for id, question, aligned, other, split in rows))
