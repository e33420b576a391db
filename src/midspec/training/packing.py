"""Corpus → packed rows: every token kept, no row longer than it may be. Knows nothing of models.

Best-fit decreasing (arXiv 2404.10830), done for all documents of one length at once, so that a million documents take
a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midspec.core.document import Corpus
from midspec.core.errors import DataError
from midspec.models.template import document_end, encode_text
from midspec.training.rows import Ints, Rows

Array = NDArray[np.int64]


def pack_documents(corpus: Corpus, tokenizer: Any, length: int) -> Rows:
    """Documents → rows of at most ``length`` tokens, loss on every token but a document's first, its end included.

    A longer document is cut; each further piece begins with the last token of the piece before, which carries no loss
    there, so that every token is predicted once.

    Raises:
        DataError: no documents, an empty document, or a ``length`` below 2.
    """
    if not corpus.documents:
        raise DataError("the corpus holds no documents, so there is nothing to train on")
    first, end = document_start(tokenizer), document_end(tokenizer)
    encoded: list[list[int]] = []
    for document in corpus.documents:
        ids = encode_text(tokenizer, document.text)
        if not ids:
            raise DataError(f"document {document.id!r} has no text")
        encoded.append([*first, *ids, end])
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    ids = np.fromiter((token for document in encoded for token in document), np.int32, int(lengths.sum()))
    return pack_tokens(ids, lengths, length)


def pack_tokens(ids: Ints, lengths: Array, length: int) -> Rows:
    """Documents end to end in ``ids``, int32 [sum of lengths] → packed rows; see ``pack_documents``."""
    if length < 2:
        raise DataError(f"length={length}: a row needs at least 2 tokens, one to predict from and one to predict")
    pieces = split(lengths, length)
    bins = best_fit(pieces.lengths, length)
    # Pieces of a row in the order of their documents: packing is then a function of the corpus alone.
    order = np.argsort(bins, kind="stable")
    packed, positions = laid_out(ids, pieces.starts[order], pieces.lengths[order])
    filled = np.bincount(bins, weights=pieces.lengths).astype(np.int64)
    loss = positions > 0
    facts = {"documents": len(lengths), "documents_cut": int((lengths > length).sum()), "rows": len(filled),
             "tokens": len(packed), "supervised": len(packed) - len(pieces.lengths),
             "fill": round(len(packed) / (len(filled) * length), 6)}
    return Rows(packed, positions, loss, np.concatenate(([0], np.cumsum(filled))), facts)


def laid_out(ids: Ints, starts: Array, lengths: Array) -> tuple[Ints, Ints]:
    """The runs of ``ids`` end to end, and each token's place in its run; int32 [sum of lengths] each."""
    places = np.arange(int(lengths.max()), dtype=np.int32)
    sizes = lengths.tolist()
    packed = np.concatenate([ids[start:start + size] for start, size in zip(starts.tolist(), sizes, strict=True)])
    return packed, np.concatenate([places[:size] for size in sizes])


@dataclass(frozen=True)
class Pieces:
    """Runs of tokens, int64 each: where they start in the corpus and how long they are."""

    starts: Array
    lengths: Array


def split(lengths: Array, length: int) -> Pieces:
    """Documents → pieces of at most ``length`` tokens; a further piece repeats one token of the one before."""
    offsets = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
    counts = np.where(lengths <= length, 1, 1 + -(-(lengths - length) // (length - 1)))
    document = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = number * (length - 1)
    return Pieces(offsets[document] + begin, np.minimum(length, lengths[document] - begin))


def best_fit(lengths: Array, length: int) -> Array:
    """Row number of each piece, int64 [pieces]: longest first, each into the fullest row that has room for it.

    All pieces of one length are placed together: rows with the least sufficient space take as many as they hold.
    """
    order = np.argsort(-lengths, kind="stable")
    sizes, counts = np.unique(lengths, return_counts=True)
    row_of = np.empty(len(lengths), np.int64)
    open_rows = OpenRows(length)
    done = 0
    for size, count in zip(sizes[::-1].tolist(), counts[::-1].tolist(), strict=True):
        left = count
        while left:
            space = open_rows.least(size)
            each = space // size
            rows = open_rows.take(space, max(1, left // each))
            each = min(each, left)
            row_of[order[done:done + each * len(rows)]] = np.repeat(rows, each)
            open_rows.give(space - each * size, rows)
            done, left = done + each * len(rows), left - each * len(rows)
    return row_of


class OpenRows:
    """Rows by the space that is left in them; an empty row is always to be had."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.rows = 0
        self.by_space: dict[int, list[Array]] = {}
        self.spaces = 1 << length  # bit s: a row with space s is there

    def least(self, size: int) -> int:
        """The smallest space that holds ``size`` tokens."""
        fitting = self.spaces >> size
        return size + (fitting & -fitting).bit_length() - 1

    def take(self, space: int, most: int) -> Array:
        """Up to ``most`` rows with this space, at least one."""
        if space == self.length:
            self.rows += most
            return np.arange(self.rows - most, self.rows)
        stack = self.by_space[space]
        rows = stack.pop()
        if len(rows) > most:
            stack.append(rows[most:])
        if not stack:
            self.spaces &= ~(1 << space)
        return rows[:most]

    def give(self, space: int, rows: Array) -> None:
        if space:
            self.by_space.setdefault(space, []).append(rows)
            self.spaces |= 1 << space


def document_start(tokenizer: Any) -> list[int]:
    """[begin-of-text] where the tokenizer puts one before plain text, else []."""
    ids = tokenizer("")["input_ids"]
    return [int(ids[0])] if ids and ids[0] == tokenizer.bos_token_id else []
