"""Everything the teacher answered, one JSON line each, written before the next request is read.

The file belongs to the teacher's process: it survives any death of the client, and it alone says what was paid.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass
class Row:
    """One call, or one row of a batch job.

    ``unit`` is what was asked (body, and the draw where the client names it), ``attempt`` counts its arrivals from 0.
    ``written``: the whole answer left for the client, who was still there. ``paid``: the provider charges for it.
    """

    number: int
    kind: str  # call, submit, row
    at: float
    api: str
    unit: str
    body: str
    draw: str | None
    attempt: int
    outcome: str = ""  # reply, fault:NAME, limit, hopeless:NAME, refused:NAME, expired, errored
    status: int = 0
    content: str = ""
    usable: bool = False
    tracer: str = ""
    written: bool = False
    paid: bool = False
    tokens_in: int = 0  # neither read from nor written to the cache
    tokens_read: int = 0
    tokens_stored: int = 0
    tokens_out: int = 0
    wait_s: float | None = None
    early_s: float = 0.0  # how much too early this arrival was after an earlier Retry-After
    ended: float = 0.0
    batch: str = ""
    rows: int = 0


class Record:
    """Rows in memory, and in a file where one is given."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.rows: list[Row] = []
        self.counts: Counter[str] = Counter()
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, row: Row) -> None:
        self.counts[row.outcome] += 1
        self.counts["paid"] += row.paid
        if self._file is None:
            self.rows.append(row)
        else:
            os.write(self._file, (json.dumps(asdict(row)) + "\n").encode())

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_rows(path: Path) -> list[Row]:
    """All rows of a file; a last line that is still being written is left out."""
    return rows_from(path, 0)[0]


def rows_from(path: Path, start: int) -> tuple[list[Row], int]:
    """The rows from a byte on, and the byte after the last of them."""
    with path.open("rb") as file:
        file.seek(start)
        whole = file.read().rpartition(b"\n")[0]
    rows = [Row(**json.loads(line)) for line in whole.splitlines()]
    return rows, start + len(whole) + bool(whole)


def early(rows: Iterable[Row], slack_s: float = 0.02) -> list[Row]:
    """Arrivals before the end of the wait that a Retry-After had asked for."""
    return [row for row in rows if row.early_s > slack_s]


def paid_twice(rows: Iterable[Row]) -> dict[str, int]:
    """Units whose answer left whole, usable and paid more than once."""
    seen: Counter[str] = Counter(row.unit for row in rows if row.paid and row.written and row.usable)
    return {unit: times for unit, times in seen.items() if times > 1}


def totals(rows: Iterable[Row]) -> dict[str, Any]:
    """Sums for a person to read."""
    rows = list(rows)
    return {
        "arrived": len(rows),
        "paid": sum(r.paid for r in rows),
        "written": sum(r.written for r in rows),
        "outcomes": dict(Counter(r.outcome for r in rows)),
        "content": dict(Counter(r.content for r in rows if r.content)),
        "tokens": {
            name: sum(getattr(r, f"tokens_{name}") for r in rows if r.paid) for name in ("in", "read", "stored", "out")
        },
    }
