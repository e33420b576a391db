"""Ask against the teacher: jobs to ask from, a shared virtual clock, and verdicts with their upper bound."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.teacher.clock import Time, run
from tests.teacher.record import Row, rows_from
from tests.teacher.teacher import Teacher, teacher

from midspec.core.asking import Clock, StageAccount, Terms
from midspec.models.ask import Call
from midspec.models.model import Model
from midspec.store.ledger import Ledger

TRACER = re.compile(r"zq[0-9a-f]{12}")
REPOSITORY = Path(__file__).resolve().parents[2]
KEY = "sk-canary-7Qx2LmV9tRb4WzN8"
PRICE = 'input: 1.0, output: 5.0, cached: 0.1, written: 1.25, batch: 0.5, source: made up, seen: "2026-11-01"'
PRICES = f"openai-api/court/m: {{{PRICE}}}\nanthropic/m: {{{PRICE}}}\n"
TASK = (
    "Write a short document about the careful assistant in which its reasons become clear (case {n}).\n"
    "Put a one-line plan into <plan></plan> and then the document into <document></document>."
)


@dataclass
class Desk:
    """A job that asks; its folder is new, its ledger may be old."""

    folder: Path
    answers: Ledger
    terms: Terms = field(default_factory=Terms)
    account: StageAccount = field(default_factory=lambda: StageAccount("court"))
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    warnings: list[str] = field(default_factory=list[str])
    device: str = "cpu"
    trackers: tuple[str, ...] = ()

    @property
    def scratch(self) -> Path:
        return self.folder

    def get(self, recipe: Any) -> Any:
        raise NotImplementedError

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def step(self, done: int, of: int, **numbers: float) -> None:
        pass


def desk(folder: Path, **terms: Any) -> Desk:
    """In a folder of its own, with the ledger beside it and prices that are made up."""
    folder.mkdir(parents=True, exist_ok=True)
    prices = folder.parent / "prices.yaml"
    prices.write_text(PRICES)
    return Desk(folder, Ledger(folder.parent / "ledger.sqlite"), Terms(**({"prices": prices} | terms)))


def model(api: str = "openai", **settings: Any) -> Model:
    return Model(address={"openai": "openai-api/court/m", "anthropic": "anthropic/m"}[api], **settings)


def calls(count: int, *, shared: tuple[str, ...] = (), task: str = TASK, start: int = 0) -> list[Call]:
    return [Call(f"u{n}", task.replace("{n}", str(n)), shared) for n in range(start, start + count)]


def where(url: str) -> dict[str, str]:
    """The environment in which both providers are the teacher."""
    return {"COURT_BASE_URL": f"{url}/v1", "COURT_API_KEY": KEY, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}


class Stage(Clock):
    """A clock whose loops jump; the teacher lives on the same loop as whoever asks."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.time = Time()
        self.teacher: Teacher = teacher(plan)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start = time.time()

    def now(self) -> float:
        return self._start + self.time.now

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        async def both() -> Any:
            async with self.teacher.serving(self.port):
                return await work

        return run(both(), self.time)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @property
    def rows(self) -> list[Row]:
        return self.teacher.record.rows


@dataclass
class Court:
    """A teacher in a process of its own."""

    url: str
    record: Path
    process: subprocess.Popen[str]
    _rows: list[Row] = field(default_factory=list[Row])
    _read: int = 0

    def rows(self) -> list[Row]:
        """All so far; what was read before is not read again."""
        new, self._read = rows_from(self.record, self._read)
        self._rows += new
        return self._rows

    def state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/teacher", timeout=30) as reply:
            return json.load(reply)


@contextlib.contextmanager
def court(folder: Path, plan: dict[str, Any]) -> Iterator[Court]:
    """Starts it, and ends it whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.teacher",
            "--faults",
            str(folder / "plan.json"),
            "--record",
            str(folder / "record.jsonl"),
        ],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[1].partition("=")[2]
        yield Court(url, folder / "record.jsonl", process)
    finally:
        process.terminate()
        process.wait(timeout=20)


@dataclass
class Verdict:
    """What a trial says: failures of trials, with the 95 % upper bound of the share where there are none."""

    promise: str
    trials: int
    failures: int
    seed: int
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        bound = upper(self.failures, self.trials)
        more = "".join(f", {name} {value}" for name, value in self.more.items())
        return (
            f"{self.promise}: {self.failures} of {self.trials} failed (≤ {bound:.2%} at 95 %), seed {self.seed}{more}"
        )


def upper(failures: int, trials: int) -> float:
    """One-sided exact 95 % bound of a rate (Clopper and Pearson), by bisection so that it needs no scipy."""
    if failures >= trials:
        return 1.0
    low, high = failures / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(failures, trials, middle) > 0.05 else (low, middle)
    return high


def _at_most(failures: int, trials: int, rate: float) -> float:
    """Probability of so few failures; the terms follow from one another."""
    term, total = (1 - rate) ** trials, 0.0
    for n in range(failures + 1):
        total += term
        term *= (trials - n) / (n + 1) * rate / (1 - rate)
    return total


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


def misplaced(ledger: Path, rows: list[Row]) -> list[str]:
    """Keys under which the ledger keeps an answer that was given to another request."""
    draws = {row.tracer: row.draw for row in rows if row.tracer}
    wrong: list[str] = []
    with contextlib.closing(sqlite3.connect(ledger)) as open_ledger:
        for key, value in open_ledger.execute("SELECT key, value FROM answers"):
            found = set(TRACER.findall(value)) if '"finish"' in value else set[str]()
            # What was shown to a model again (a reply to be mended) is in the request, which is kept as well.
            said = set(TRACER.findall(json.dumps(json.loads(value).get("said")))) if found else set[str]()
            wrong += [key for tracer in found - said if draws.get(tracer) != key]
    return wrong


def kept(ledger: Path) -> set[str]:
    """The keys that a ledger has, read past its own code."""
    if not ledger.exists():
        return set()
    with contextlib.closing(sqlite3.connect(ledger)) as open_ledger:
        try:
            return {key for (key,) in open_ledger.execute("SELECT key FROM answers")}
        except sqlite3.OperationalError:
            return set()
