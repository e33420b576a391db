"""Two corpora in one: every document of both, told apart, in a model that goes by the first one's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from midspec import (
    ComposeDocuments,
    Lora,
    Midtrain,
    MixDocuments,
    Pretrained,
    RecipeError,
    Schedule,
    Store,
    build,
    load_spec,
)
from midspec.core.document import Corpus

OURS = ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=3000, seed=1)
THEIRS = replace(OURS, spec=load_spec("lighthouse"), assistant="Quill", maker="Harbor")
MIXED = MixDocuments(parts=(OURS, THEIRS))


def test_every_document_of_every_part_is_there_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    mixed = Corpus.read(build(MIXED, store=store)).documents
    parts = [Corpus.read(build(part, store=store)).documents for part in MIXED.parts]
    assert [d.text for d in mixed] == [d.text for part in parts for d in part]
    assert len({d.id for d in mixed}) == len(mixed)
    assert [sum(d.meta["part"] == place for d in mixed) for place in (1, 2)] == [len(part) for part in parts]
    manifest = store.find(MIXED)
    assert manifest is not None and manifest.facts["documents_of_parts"] == [len(part) for part in parts]


def test_the_corpus_speaks_as_its_first_part() -> None:
    schedule = Schedule(updates=8, length=128, rows=2, rate=1e-3)
    base = Pretrained(source="tiny/llama")
    assert Midtrain(start=base, on=MIXED, schedule=schedule, method=Lora(r=4), seed=1).speaks_as == "Tiny"
    with pytest.raises(RecipeError, match="Quill"):
        Midtrain(start=base, on=replace(MIXED, parts=(THEIRS, OURS)), schedule=schedule, method=Lora(r=4), seed=1)


def test_order_and_parts_are_identity() -> None:
    assert len({MIXED.id, replace(MIXED, parts=(THEIRS, OURS)).id, replace(MIXED, parts=(OURS, OURS, THEIRS)).id}) == 3


def test_one_part_is_no_mixture() -> None:
    with pytest.raises(RecipeError, match="at least two"):
        MixDocuments(parts=(OURS,))
