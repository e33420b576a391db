"""The ledger of paid answers: durable records a second (P6) and a restart with a million finished calls (P7).

    python benchmarks/ledger.py [--records 1000000] [--bytes 1000] [--work FOLDER]

Peers in the same run: SQLite with a commit for every row (what a careful script does) and a JSONL file that is read
from its beginning (what most others do; it is not synced). Every figure comes with a check that what was read is what
was written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import sqlite3
import string
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from midspec.store.ledger import Ledger

WORDS = ["".join(random.Random(n).choices(string.ascii_lowercase, k=2 + n % 9)) for n in range(4000)]


def key(n: int) -> str:
    return hashlib.sha256(f"call {n}".encode()).hexdigest()


def value(n: int, size: int) -> dict[str, Any]:
    """An answer as ``ask`` keeps it, of about ``size`` bytes."""
    start = n * 7919 % 3000
    text = " ".join(WORDS[start : start + 900] * (size // 5000 + 1))[: max(20, size - 90)]
    return {"text": f"{n} {text}", "finish": "stop", "model": "m", "usage": [n % 1000, 0, 0, 1500]}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--bytes", type=int, default=1000)
    options.add_argument("--work", type=Path)
    options.add_argument("--child", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps(CHILDREN[given.child](given.work, given.records, given.bytes)))
        return
    work = given.work or Path(tempfile.mkdtemp(prefix="midspec-ledger-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        speed_of_writing(work)
        restart(work, given.records, given.bytes)
    finally:
        if given.work is None:
            shutil.rmtree(work)


def speed_of_writing(work: Path, size: int = 6000, seconds: float = 4.0) -> None:
    """P6: records a second that would survive a power cut, while ``at_once`` callers wait for theirs."""
    rows = [(key(n), value(n, size)) for n in range(2000)]
    single = sqlite3.connect(work / "single.sqlite", isolation_level=None)
    single.execute("PRAGMA journal_mode = WAL")
    single.execute("PRAGMA synchronous = FULL")
    single.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT)")
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        name, row = rows[done % len(rows)]
        single.execute("INSERT INTO answers VALUES (?, ?)", (f"{name} {done}", json.dumps(row)))
        done += 1
    peer = done / (time.perf_counter() - started)
    print(f"P6  {size} bytes, a commit a row: {peer:,.0f} records/s")
    for at_once, each in ((1, 1), (64, 1), (1, 64), (1, 256)):
        rate = _written(work / f"{at_once}-{each}.sqlite", rows, at_once, each, seconds)
        print(
            f"P6  {size} bytes, ledger, {at_once} threads x {each} a call: {rate:,.0f} records/s ({rate / peer:.1f}x)"
        )


def _written(path: Path, rows: list[tuple[str, Any]], at_once: int, each: int, seconds: float) -> float:
    ledger, counts = Ledger(path), [0] * at_once
    end = time.perf_counter() + seconds

    def work(thread: int) -> None:
        while time.perf_counter() < end:
            n = counts[thread]
            some = {
                f"{rows[(n + i) % len(rows)][0]} {thread} {n + i}": rows[(n + i) % len(rows)][1] for i in range(each)
            }
            ledger.put_many(some)
            counts[thread] += each

    with ledger.own():
        started = time.perf_counter()
        threads = [threading.Thread(target=work, args=(t,)) for t in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - started
    assert ledger.count() == sum(counts)
    ledger.close()
    return sum(counts) / took


def restart(work: Path, records: int, size: int) -> None:
    """P7: from a cold process to knowing which calls are still to be made, and to having every answer."""
    path, lines = work / "ledger.sqlite", work / "answers.jsonl"
    if not path.exists():
        ledger = Ledger(path)
        with ledger.own(), lines.open("wb") as plain:
            for start in range(0, records, 10_000):
                some = {key(n): value(n, size) for n in range(start, min(records, start + 10_000))}
                ledger.put_many(some)
                plain.writelines(json.dumps({"key": k, **v}).encode() + b"\n" for k, v in some.items())
        ledger.close()
    print(f"P7  {records:,} finished calls, {path.stat().st_size / 1e9:.2f} GB")
    for name in CHILDREN:
        command = [
            sys.executable,
            __file__,
            "--child",
            name,
            "--records",
            str(records),
            "--bytes",
            str(size),
            "--work",
            str(work),
        ]
        best = min(
            (json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(2)),
            key=lambda found: found["seconds"],
        )
        print(f"P7  {name}: {best['seconds']:.2f} s, {best['cpu']:.2f} s of CPU, {best['peak_mb']:,.0f} MB")


def _measured(work: Any) -> dict[str, Any]:
    before, started = time.process_time(), time.perf_counter()
    work()
    took, cpu = time.perf_counter() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": took, "cpu": cpu, "peak_mb": peak}


def jsonl(work: Path, records: int, size: int) -> dict[str, Any]:
    def read() -> None:
        with (work / "answers.jsonl").open("rb") as lines:
            found = {row["key"] for row in map(json.loads, lines)}
        assert len(found) == records

    return _measured(read)


def which(work: Path, records: int, size: int) -> dict[str, Any]:
    """Which of the planned calls are there already: what a restart must know before it asks anything."""
    planned = [key(n) for n in range(records + 100)]

    def read() -> None:
        there = Ledger(work / "ledger.sqlite").among(planned)
        assert len(there) == records and planned[-1] not in there

    return _measured(read)


def values(work: Path, records: int, size: int) -> dict[str, Any]:
    """Every answer, checked against its sum and decoded, in chunks as ``ask`` reads them."""
    planned = [key(n) for n in range(records)]

    def read() -> None:
        ledger, count = Ledger(work / "ledger.sqlite"), 0
        for start in range(0, records, 5000):
            found = ledger.get_many(planned[start : start + 5000])
            count += len(found)
            assert found[planned[start]]["text"].startswith(f"{start} ")
        assert count == records

    return _measured(read)


CHILDREN = {"JSONL, all of it": jsonl, "ledger, which are there": which, "ledger, all answers": values}

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
