"""The ledger of paid answers: durable records a second (P6) and a restart with a million finished calls (P7).

    python benchmarks/ledger.py [--records 1000000] [--bytes 1000] [--rounds 2] [--only P7] [--work FOLDER]

Peers in the same run: SQLite with a commit for every row (what a careful script does) and a JSONL file that is read
from its beginning (what most others do; it is not synced). A restart is also that of a stage whose calls are all kept
but the last hundred, against the test suite's fake provider in another process: when the first and the last of the new
calls arrive there, and all of it to the last reply. Every figure comes with a check that what was read is what was
written.
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
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.models.court import court, desk, model, where  # noqa: E402
from tests.models.memory import SPEC  # noqa: E402

from midspec.core.asking import Usage  # noqa: E402
from midspec.models.ask import Ask, Call  # noqa: E402
from midspec.models.call import Answer  # noqa: E402
from midspec.models.forms import Text  # noqa: E402
from midspec.models.unit import Terminology, Unit  # noqa: E402
from midspec.store.ledger import Ledger  # noqa: E402

NEW = 100
# Every third word is one of those by which English is known.
WORDS = [
    ("the", "of", "and", "to", "that", "with")[n // 3 % 6]
    if n % 3 == 0
    else "".join(random.Random(n).choices(string.ascii_lowercase, k=2 + n % 9))
    for n in range(4000)
]


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
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--only", choices=("P6", "P7"))
    options.add_argument("--work", type=Path)
    options.add_argument("--child", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps(CHILDREN[given.child](given.work, given.records, given.bytes)))
        return
    work = given.work or Path(tempfile.mkdtemp(prefix="midspec-ledger-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        if given.only != "P7":
            speed_of_writing(work)
        if given.only != "P6":
            restart(work, given.records, given.bytes, given.rounds)
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
    done, started, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        name, row = rows[done % len(rows)]
        single.execute("INSERT INTO answers VALUES (?, ?)", (f"{name} {done}", json.dumps(row)))
        done += 1
    peer, cpu = done / (time.perf_counter() - started), (time.process_time() - cpu) / done
    print(f"P6  {size} bytes, a commit a row: {peer:,.0f} records/s, {cpu * 1e6:,.0f} microseconds of CPU each")
    for at_once, each in ((1, 1), (64, 1), (1, 64), (1, 256)):
        rate, cpu = _written(work / f"{at_once}-{each}.sqlite", rows, at_once, each, seconds)
        print(
            f"P6  {size} bytes, ledger, {at_once} threads x {each} a call: {rate:,.0f} records/s ({rate / peer:.1f}x), "
            f"{cpu * 1e6:,.0f} microseconds of CPU each",
            flush=True,
        )


def _written(path: Path, rows: list[tuple[str, Any]], at_once: int, each: int, seconds: float) -> tuple[float, float]:
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
        started, cpu = time.perf_counter(), time.process_time()
        threads = [threading.Thread(target=work, args=(t,)) for t in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert ledger.count() == sum(counts)
    ledger.close()
    return sum(counts) / took, cpu / sum(counts)


def planned(count: int) -> Iterator[Call]:
    return (Call(f"u{n}", f"Write a text about case {n}.", (SPEC,)) for n in range(count))


def reply(n: int, size: int) -> str:
    start = n * 7919 % 3000
    return " ".join(WORDS[start : start + size // 6])


def shape() -> Terminology:
    who = model()
    return Terminology.of(who.address, who.who(), Text(), by_schema=True)


def fill(work: Path, records: int, size: int) -> None:
    """What a run of so many calls leaves behind, and the same rows as lines."""
    ledger, terms, some = Ledger(work / "ledger.sqlite"), shape(), dict[str, Any]()
    with ledger.own(), (work / "answers.jsonl").open("wb") as plain:
        for n, call in enumerate(planned(records), 1):
            unit = Unit(call, terms)
            some[unit.key] = unit.row(Answer(reply(n - 1, size), "stop", Usage(9, 5000, 0, size // 4), "m"), 0.1)
            if len(some) == 10_000 or n == records:
                ledger.put_many(some)
                plain.writelines(json.dumps({"key": k, **v}).encode() + b"\n" for k, v in some.items())
                some.clear()
    ledger.close()


def restart(work: Path, records: int, size: int, rounds: int) -> None:
    """P7: from a cold process to knowing which calls are still to be made, to making them, and to having all."""
    if not (work / "answers.jsonl").exists():
        fill(work, records, size)
    print(f"P7  {records:,} finished calls, {(work / 'ledger.sqlite').stat().st_size / 1e9:.2f} GB", flush=True)
    plan = {"latency": {"first_s": 0.02}, "content": {"words": 30}}
    with court(work / "court", plan) as judge:
        os.environ.update(where(judge.url))
        for name in CHILDREN:
            command = [sys.executable, __file__, "--child", name, "--work", str(work)]
            command += ["--records", str(records), "--bytes", str(size)]
            seen = list[dict[str, Any]]()
            for _ in range(rounds):
                seen.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
            best = min(seen, key=lambda found: found["cpu"])
            more = "".join(f", {key} {value:.2f}" for key, value in best.get("more", {}).items())
            print(
                f"P7  {name}: {best['cpu']:.2f} s of CPU, {best['seconds']:.2f} s, {best['peak_mb']:,.0f} MB{more}",
                flush=True,
            )


def _measured(work: Any) -> dict[str, Any]:
    before, started = time.process_time(), time.perf_counter()
    more = work()
    took, cpu = time.perf_counter() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": took, "cpu": cpu, "peak_mb": peak, "more": more or {}}


def jsonl(work: Path, records: int, size: int) -> dict[str, Any]:
    def read() -> None:
        with (work / "answers.jsonl").open("rb") as lines:
            found = {row["key"] for row in map(json.loads, lines)}
        assert len(found) == records

    return _measured(read)


def which(work: Path, records: int, size: int) -> dict[str, Any]:
    """Which of the planned calls are there already: what a restart must know before it asks anything."""
    calls, terms = list(planned(records + NEW)), shape()

    def read() -> None:
        new = Ledger(work / "ledger.sqlite").lacking(map(terms.start, calls))
        assert new == list(range(records, records + NEW))

    return _measured(read)


def values(work: Path, records: int, size: int) -> dict[str, Any]:
    """Every answer, checked against its sum and decoded, in chunks as ``ask`` reads them."""
    keys = list(map(shape().start, planned(records)))

    def read() -> None:
        ledger, count = Ledger(work / "ledger.sqlite"), 0
        for start in range(0, records, 256):
            found = ledger.get_many(keys[start : start + 256])
            count += len(found)
            assert found[keys[start]]["text"] == reply(start, size)
        assert count == records

    return _measured(read)


class Arrivals(threading.Thread):
    """When, by clock and by our processor time, so many new calls have arrived at the provider."""

    def __init__(self, marks: tuple[int, ...]) -> None:
        super().__init__(daemon=True)
        self._before, self._marks, self.seen = _arrived(), list(marks), dict[str, float]()
        self._began = time.perf_counter(), time.process_time()
        self.start()

    def run(self) -> None:
        while self._marks:
            time.sleep(0.05)
            if _arrived() - self._before >= self._marks[0]:
                name = f"new call {self._marks.pop(0)} there after"
                self.seen[f"{name} (CPU s)"] = time.process_time() - self._began[1]
                self.seen[f"{name} (s)"] = time.perf_counter() - self._began[0]


def _arrived() -> int:
    with urllib.request.urlopen(f"{os.environ['ANTHROPIC_BASE_URL']}/teacher", timeout=30) as found:
        return json.load(found)["calls"]


def stage(work: Path, records: int, size: int) -> dict[str, Any]:
    """A stage is started again, its new calls last in its list: when they go out, and every reply in its order."""
    made = desk(work / f"stage-{os.getpid()}", in_flight=256)
    made.answers = Ledger(work / "ledger.sqlite")
    calls = [*planned(records), *(Call(f"{os.getpid()} {n}", f"Write of {n}.", (SPEC,)) for n in range(NEW))]
    arrivals = Arrivals((1, NEW))

    def read() -> dict[str, float]:
        count, wrong = 0, 0
        for n, found in enumerate(Ask(made, model()).each(calls, Text())):
            count += found.ok
            wrong += n < records and found.text != reply(n, size)
        assert (count, wrong) == (records + NEW, 0), (count, wrong)
        arrivals.join()
        return arrivals.seen

    return _measured(read)


CHILDREN = {
    "JSONL, all of it": jsonl,
    "keys made, and which are there": which,
    "ledger, all answers": values,
    "a stage, all of it": stage,
}

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
