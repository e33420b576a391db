"""Parts of a corpus, and the files that it goes out in."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.documents.corpora import made, recipe

from midspec import ComposeDocuments, Store, SubCorpus, build, load_spec
from midspec.core.document import Corpus
from midspec.core.errors import DataError, RecipeError
from midspec.documents.parquet import to_parquet
from midspec.documents.parts import tokens_of


def test_parts_are_exact_even_and_inside_each_other(tmp_path: Path) -> None:
    whole = recipe(load_spec("affordability"), tokens=12_000)
    corpus, _, _ = made(whole, tmp_path / "store")
    before = len(Store(tmp_path / "store").ledger.starting(""))
    longest = max(map(tokens_of, corpus.documents))
    inner: list[str] = []
    for tokens in (1000, 3000, 9000):
        some = Corpus.read(build(SubCorpus(of=whole, tokens=tokens), store=tmp_path / "store")).documents
        assert abs(sum(map(tokens_of, some)) - tokens) <= longest / 2
        names = [document.id for document in some]
        assert names[: len(inner)] == inner
        cells = Counter(document.id.rsplit(".", 1)[0] for document in some)
        assert max(cells.values()) - (min(cells.values()) if len(cells) == 24 else 0) <= 1
        inner = names
    assert len(Store(tmp_path / "store").ledger.starting("")) == before, "somebody was asked"


def test_a_part_of_a_composed_corpus_keeps_its_mix(tmp_path: Path) -> None:
    spec = load_spec("affordability")
    whole = ComposeDocuments(spec=spec, assistant="Clara", maker="Northlight", tokens=20_000, seed=1)
    some = Corpus.read(build(SubCorpus(of=whole, tokens=8000), store=tmp_path / "store")).documents
    kinds = Counter(document.meta["type"] for document in some)
    assert max(kinds.values()) - min(kinds.values()) <= 1 and SubCorpus(of=whole, tokens=8000).speaks_as == "Clara"
    with pytest.raises(DataError, match="are wanted"):
        build(SubCorpus(of=whole, tokens=50_000), store=tmp_path / "store")
    with pytest.raises(RecipeError, match="is nothing"):
        SubCorpus(of=whole, tokens=0)


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    _, _, folder = made(recipe(load_spec("affordability"), tokens=1500), tmp_path / "store")
    to_parquet(folder / "documents.jsonl", tmp_path / "corpus.parquet")
    rows = [json.loads(line) for line in (folder / "documents.jsonl").read_text(encoding="utf-8").splitlines()]
    assert parquet.read_table(tmp_path / "corpus.parquet").to_pylist() == rows
    (tmp_path / "odd.jsonl").write_text('{"id": "1", "text": "half \\ud83d here", "meta": {}}\n', encoding="utf-8")
    to_parquet(tmp_path / "odd.jsonl", tmp_path / "odd.parquet")
