"""Packing loses nothing, wastes no more than textbook best-fit decreasing, and is the same every time."""

from __future__ import annotations

import bisect
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midspec.core.document import Corpus, Document
from midspec.core.errors import DataError
from midspec.models.template import document_end, encode_text
from midspec.training.packing import best_fit, document_start, pack_documents, pack_tokens, split
from midspec.training.rows import Rows


def textbook(lengths: list[int], length: int) -> int:
    """Rows that best-fit decreasing needs, one piece at a time."""
    spaces: list[int] = []
    rows = 0
    for size in sorted(lengths, reverse=True):
        at = bisect.bisect_left(spaces, size)
        space = spaces.pop(at) if at < len(spaces) else length
        rows += space == length
        if space - size:
            bisect.insort(spaces, space - size)
    return rows


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(1, n), min_size=1, max_size=200)))
)
def test_as_few_rows_as_one_by_one(case: tuple[int, list[int]]) -> None:
    length, lengths = case
    rows = best_fit(np.array(lengths), length)
    filled = np.bincount(rows, weights=lengths)
    assert filled.max() <= length
    assert filled.min() >= 1
    assert len(filled) == textbook(lengths, length)


def documents_of(rows: Rows) -> list[list[int]]:
    """Pieces of the rows, in the order in which they lie there."""
    starts = np.flatnonzero(rows.positions == 0).tolist()
    return [rows.ids[a:b].tolist() for a, b in zip(starts, [*starts[1:], len(rows.ids)], strict=True)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=40), st.integers(2, 25))
def test_no_token_lost_and_each_predicted_once(lengths: list[int], length: int) -> None:
    # Every token of the corpus has an id of its own, so that it can be followed.
    ids = np.arange(sum(lengths), dtype=np.int32)
    rows = pack_tokens(ids, np.array(lengths), length)
    assert rows.lengths.max() <= length
    firsts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    assert sorted(rows.ids[rows.loss].tolist()) == sorted(set(range(len(ids))) - set(firsts.tolist()))
    assert set(rows.ids.tolist()) == set(range(len(ids)))
    for piece in documents_of(rows):
        # In order, from one document only: a piece is a run of the corpus that crosses no document's start.
        assert piece == list(range(piece[0], piece[0] + len(piece)))
        assert not set(piece[1:]) & set(firsts.tolist())


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 500), st.integers(2, 40))
def test_cut_into_as_few_pieces_as_can_be(size: int, length: int) -> None:
    pieces = split(np.array([size]), length)
    assert len(pieces.lengths) == (1 if size <= length else -(-(size - 1) // (length - 1)))
    assert pieces.lengths.sum() == size + len(pieces.lengths) - 1


def test_text_is_whole_and_ends(corpus: Corpus, tokenizer: Any) -> None:
    rows = pack_documents(corpus, tokenizer, 4096)
    found = sorted(documents_of(rows))
    end = document_end(tokenizer)
    assert found == sorted([*document_start(tokenizer), *encode_text(tokenizer, d.text), end] for d in corpus.documents)
    assert rows.loss[rows.ids == end].all(), "the end of a text must be learned"
    assert rows.facts["documents"] == len(corpus.documents)
    assert rows.facts["documents_cut"] == 0
    assert rows.facts["supervised"] == rows.facts["tokens"] - len(corpus.documents) == rows.loss.sum()


def test_control_strings_stay_text(tokenizer: Any) -> None:
    control = [name for name in tokenizer.all_special_tokens if name]
    rows = pack_documents(Corpus((Document("a", " and ".join(control)),)), tokenizer, 64)
    assert control
    assert rows.ids[:-1].max() >= 0
    assert not set(rows.ids[:-1].tolist()) & set(tokenizer.all_special_ids)
    assert rows.ids[-1] == document_end(tokenizer)


def test_same_bytes_every_time(corpus: Corpus, tokenizer: Any) -> None:
    first, second = (pack_documents(corpus, tokenizer, 100) for _ in range(2))
    assert first.digest == second.digest
    changed = Corpus((*corpus.documents[:-1], Document("x", "other")))
    assert pack_documents(changed, tokenizer, 100).digest != first.digest


def test_fast(benchmark_lengths: int = 200_000) -> None:
    draw = random.Random(1)
    lengths = np.array([min(8192, int(draw.lognormvariate(6, 1)) + 1) for _ in range(benchmark_lengths)])
    rows = best_fit(lengths, 8192)
    assert lengths.sum() / ((rows.max() + 1) * 8192) > 0.999


@pytest.mark.parametrize(
    ("documents", "length", "words"),
    [
        ((), 10, "no documents"),
        ((Document("a", "x"), Document("b", "")), 10, "'b' has no text"),
        ((Document("a", "x"),), 1, "at least 2"),
    ],
)
def test_refused(documents: tuple[Document, ...], length: int, words: str, tokenizer: Any) -> None:
    with pytest.raises(DataError, match=words):
        pack_documents(Corpus(documents), tokenizer, length)
