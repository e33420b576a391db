"""Packing a million lengths: midspec's best-fit decreasing against TRL's `bfd_split`, same lengths (P2).

Needs trl and datasets beside midspec's own packages (`pip install trl datasets`). Run from the repository:

    python benchmarks/packing.py [--documents 1000000] [--length 4096] [--rounds 3]

Lengths are log-normal around 200 tokens with some far over the row. Both sides get the same token ids in an Arrow table
or array; both cut long documents, both must keep every token, and the fill is compared before the time. midspec carries
one token of context into each further piece of a cut document (so that every token is predicted once); TRL does not.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import pyarrow as pa
from trl import data_utils

from midspec.training.packing import best_fit, pack_tokens, split


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--documents", type=int, default=1_000_000)
    options.add_argument("--length", type=int, default=4096)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    drawn = np.random.default_rng(0).lognormal(5.3, 1, given.documents)
    lengths = np.clip(drawn.astype(np.int64), 1, 10 * given.length)
    ids = np.arange(lengths.sum(), dtype=np.int32)
    table = pa.table({"input_ids": pa.LargeListArray.from_arrays(np.concatenate(([0], np.cumsum(lengths))), ids)})

    theirs = data_utils._pack_bfd(table, given.length, "split")
    ours = pack_tokens(ids, lengths, given.length)
    their_ids = theirs["input_ids"].combine_chunks().flatten().to_numpy()
    assert len(their_ids) == len(ids) and seen(their_ids, len(ids)).all(), "TRL lost a token"
    learned = seen(ours.ids[ours.loss], len(ids))
    learned[np.cumsum(lengths) - lengths] = True  # a document's first token is predicted from nothing
    assert learned.all() and ours.loss.sum() == len(ids) - len(lengths), "midspec lost a token, or learns one twice"
    fills = [len(their_ids) / (len(theirs) * given.length), len(ours.ids) / (len(ours) * given.length)]
    # The algorithms on equal pieces: TRL's rows for the pieces that midspec made.
    same = split(lengths, given.length).lengths
    offsets = np.concatenate(([0], np.cumsum(same)))
    pieces = pa.table({"x": pa.LargeListArray.from_arrays(offsets, np.zeros(offsets[-1], np.int8))})
    again = data_utils._pack_bfd(pieces, given.length, "split")
    assert int(best_fit(same, given.length).max()) + 1 <= len(again), "more rows than TRL for the same pieces"

    def seconds(work: Any) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    def split_and_assign() -> None:
        best_fit(split(lengths, given.length).lengths, given.length)

    times = [(seconds(lambda: data_utils._pack_bfd(table, given.length, "split")),
              seconds(lambda: pack_tokens(ids, lengths, given.length)),
              seconds(lambda: data_utils._pack_bfd(pieces, given.length, "split")),
              seconds(split_and_assign)) for _ in range(given.rounds)]
    peer, own, peer_lengths, own_lengths = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{given.documents:,} documents, {len(ids):,} tokens, rows of {given.length}")
    print(f"fill: TRL {fills[0]:.6f} in {len(theirs):,} rows, midspec {fills[1]:.6f} in {len(ours):,} rows; "
          "every token kept by both")
    print(f"with their tokens: TRL {peer:.2f} s, midspec {own:.2f} s: {peer / own:.1f} x")
    print(f"lengths only (TRL moves one byte a token along): TRL {peer_lengths:.2f} s, midspec {own_lengths:.2f} s: "
          f"{peer_lengths / own_lengths:.1f} x")


def seen(ids: Any, of: int) -> Any:
    found = np.zeros(of, np.bool_)
    found[ids] = True
    return found


if __name__ == "__main__":
    main()
