"""R25, P7: many calls with a 20 kB spec, one reply at a time: the memory that it takes, and a restart. By hand:

    python -m tests.models.memory [--calls 1000000]

The answers are in the ledger already (a restart), so that nothing but asking itself is measured; a second child asks
new calls. Each child prints its memory at every tenth of the way. A third child has all calls in a list, of which the
last hundred are new, and says after which time these go out; it reads no answer before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.models.court import court, desk, model, where

from midspec.core.asking import Usage
from midspec.models.ask import Ask, Call
from midspec.models.call import Answer
from midspec.models.forms import Text
from midspec.models.unit import Terminology, Unit
from midspec.store.ledger import Ledger

SPEC = "".join(
    f"Principle {n}: the assistant says why it chose case {n * 7 % 97} before anybody asks. " for n in range(245)
)
TEXT = (
    "The assistant wrote down the reason before it answered, and it kept a note for the person who would ask. Case {n}."
)


def planned(count: int, start: int = 0) -> Iterator[Call]:
    return (Call(f"u{n}", f"Write one sentence on case {n}.", (SPEC,)) for n in range(start, start + count))


def fill(path: Path, count: int) -> None:
    """What a run of so many calls leaves in the ledger."""
    who, form = model(), Text()
    shape = Terminology.of(who.address, who.who(), form, by_schema=True)
    ledger, rows = Ledger(path), dict[str, dict[str, Any]]()
    with ledger.own():
        for n, call in enumerate(planned(count)):
            unit = Unit(call, shape)
            answer = Answer(TEXT.replace("{n}", str(n)), "stop", Usage(9, 5000, 0, 30), "m")
            rows[unit.key] = unit.row(answer, 0.1)
            if len(rows) == 5000:
                ledger.put_many(rows)
                rows.clear()
        ledger.put_many(rows)
    ledger.close()


def megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def walk(folder: Path, count: int, start: int) -> dict[str, Any]:
    """Memory along the way, and CPU a call."""
    made, seen = desk(folder / "artifact", in_flight=256), list[float]()
    began = time.process_time()
    for n, reply in enumerate(Ask(made, model()).each(planned(count, start), Text())):
        assert reply.ok, reply
        if n % (count // 10) == count // 10 - 1:
            seen.append(round(megabytes(), 1))
    return {"mb": seen, "ms": (time.process_time() - began) / count * 1000}


def restart(folder: Path, count: int, _: int) -> dict[str, Any]:
    """Seconds until the first new call arrives, in all and of CPU."""
    asked = list(planned(count + 100))
    made = desk(folder / "restarted", in_flight=256)
    before, began, cpu = arrived(), time.perf_counter(), time.process_time()
    replies = Ask(made, model()).each(asked, Text())
    assert next(replies).ok
    while arrived() == before:
        time.sleep(0.01)
    found = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "mb": megabytes()}
    replies.close()
    return found


def arrived() -> int:
    with urllib.request.urlopen(f"{os.environ['ANTHROPIC_BASE_URL']}/teacher", timeout=30) as reply:
        return json.load(reply)["calls"]


def measured(folder: Path, count: int, start: int = 0) -> dict[str, Any]:
    """``walk`` in a process of its own, or ``restart`` where ``start`` is below 0."""
    command = [
        sys.executable,
        "-m",
        "tests.models.memory",
        "--child",
        str(folder),
        "--calls",
        str(count),
        "--start",
        str(start),
    ]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def a_million(found: dict[str, Any], count: int) -> float:
    """Megabytes at a million calls, from the second half of the way (the first fills windows and caches)."""
    half = found["mb"][4:]
    return half[-1] + max(0.0, (half[-1] - half[0]) / (count / 2)) * (1_000_000 - count)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.models.memory", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--calls", type=int, default=1_000_000)
    options.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps((walk if given.start >= 0 else restart)(given.child, given.calls, given.start)))
        return
    with tempfile.TemporaryDirectory(prefix="midspec-memory-") as work:
        folder = Path(work)
        with court(folder / "court", {"latency": {"first_s": 0.02}, "content": {"words": 30}}) as judge:
            os.environ.update(where(judge.url))
            fill(folder / "ledger.sqlite", given.calls)
            kept = measured(folder, given.calls)
            again = measured(folder, given.calls, start=-1)
            new = measured(folder, max(1000, given.calls // 50), start=given.calls + 100)
    print(
        f"R25 {given.calls:,} kept: {kept['mb']} MB, {kept['ms']:.3f} ms a call; "
        f"a million: {a_million(kept, given.calls):.0f} MB"
    )
    print(
        f"P7  {given.calls:,} kept, 100 new at the end of the list: these go out after {again['seconds']:.1f} s, "
        f"{again['cpu']:.1f} s of CPU; {again['mb']:.0f} MB with the list"
    )
    print(f"R25 {max(1000, given.calls // 50):,} new: {new['mb']} MB, {new['ms']:.2f} ms a call")


if __name__ == "__main__":
    main()
