"""What tests of asking share: a job without experiment, and a teacher that lives on the client's own virtual clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.teacher.clock import VirtualLoop
from tests.teacher.plan import Plan
from tests.teacher.teacher import Teacher, teacher

from midspec.core.asking import Account, Clock, StageAccount, Terms
from midspec.core.rows import read_rows
from midspec.models.call import Call
from midspec.store.ledger import Ledger

Made = TypeVar("Made")
KEY = "canary-4f1c9e-key"


class Desk:
    """The part of a Job that asking uses."""

    def __init__(self, root: Path, **terms: Any) -> None:
        self.folder = root / "out"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.answers = Ledger(root / "ledger.sqlite")
        self.terms = Terms(**{"unpriced": True, **terms})
        self.account = StageAccount("stage", Account())
        self.facts: dict[str, Any] = {}
        self.steps: list[tuple[int, int]] = []

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def step(self, done: int, of: int, **numbers: float) -> None:
        self.steps.append((done, of))

    @property
    def dropped(self) -> list[dict[str, Any]]:
        path = self.folder / "dropped.jsonl"
        return [row for _, row in read_rows(path)] if path.exists() else []


class SharedClock(Clock):
    """One virtual loop in a thread, for client and server: hours pass in moments."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def now(self) -> float:
        return self.loop.time()

    def run(self, work: Coroutine[Any, Any, Made]) -> Made:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, **plan: Any) -> Iterator[tuple[Teacher, SharedClock]]:
    """A teacher with this plan, and environment variables that lead to it."""
    clock = SharedClock()
    block = teacher(Plan.read(plan)).serving()
    one = clock.run(block.__aenter__())
    for name, value in (("OPENAI_BASE_URL", f"{one.url}/v1"), ("ANTHROPIC_BASE_URL", one.url),
                        ("OTHER_BASE_URL", f"{one.url}/v1"), ("OPENAI_API_KEY", KEY), ("ANTHROPIC_API_KEY", KEY),
                        ("OTHER_API_KEY", KEY)):
        monkeypatch.setenv(name, value)
    try:
        yield one, clock
    finally:
        clock.run(block.__aexit__(None, None, None))
        clock.stop()


def calls(count: int, shared: tuple[str, ...] = (), tag: str = "document") -> list[Call]:
    return [Call(f"u{n}", f"Write about boats in a harbour, number {n}, in <{tag}>.", shared) for n in range(count)]
