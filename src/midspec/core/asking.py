"""What asking models takes and costs: terms, usage and accounts. Knows nothing of providers or prices.

Nothing here may change an answer: terms say where and how models are asked, accounts say what it cost.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Made = TypeVar("Made")


class Clock:
    """Time as asking sees it. Tests pass one of their own, in which a day takes a moment."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def run(self, work: Coroutine[Any, Any, Made]) -> Made:
        """Run to the end, in an event loop that lives by this clock."""
        return asyncio.run(work)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Where and how models are asked.

    ``budget``: dollars that one command may newly spend, None without limit. ``batch``: through the provider's batch
    interface. ``in_flight``: most calls at once. ``unpriced``: models without a known price may be asked.
    ``prices``: a price file over the shipped table. ``timeout``: seconds until a call without answer is given up.
    ``device`` is for models that run on this machine.
    """

    budget: float | None = None
    batch: bool = False
    in_flight: int = 256
    unpriced: bool = False
    prices: Path | None = None
    timeout: float = 600.0
    device: str = "cpu"
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True)
class Usage:
    """Tokens of a call: ``fresh`` input, input ``cached`` (read) or ``written`` to a cache, and ``output``."""

    fresh: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.fresh + other.fresh, self.cached + other.cached, self.written + other.written,
                     self.output + other.output)

    @property
    def input(self) -> int:
        return self.fresh + self.cached + self.written


@dataclass
class Line:
    """Sums over calls: of one model in one stage, or in all. ``unpriced`` calls had no known price."""

    calls: int = 0
    usage: Usage = Usage()
    cost: float = 0.0
    unpriced: int = 0

    def add(self, usage: Usage, cost: float | None) -> None:
        self.calls += 1
        self.usage = self.usage + usage
        self.cost += cost or 0.0
        self.unpriced += cost is None

    def json(self) -> dict[str, Any]:
        return {"calls": self.calls, "input": self.usage.input, "cached": self.usage.cached,
                "output": self.usage.output, "cost": round(self.cost, 6), "unpriced": self.unpriced}


class Account:
    """What one command has newly spent, by stage and model; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], Line] = {}
        self._lost: Counter[tuple[str, str]] = Counter()
        self.spent = 0.0

    def pay(self, stage: str, model: str, usage: Usage, cost: float | None) -> None:
        """Book one answer that was paid for now."""
        with self._lock:
            self._lines.setdefault((stage, model), Line()).add(usage, cost)
            self.spent += cost or 0.0

    def lose(self, stage: str, model: str, cost: float | None) -> None:
        """Book a call whose answer never arrived whole: the provider may bill it, so it counts as ``cost``."""
        with self._lock:
            self._lost[stage, model] += 1
            line = self._lines.setdefault((stage, model), Line())
            line.cost += cost or 0.0
            self.spent += cost or 0.0

    def rows(self) -> list[dict[str, Any]]:
        """One row a stage and model, in order of their first call; ``lost`` answers are part of ``cost``."""
        with self._lock:
            return [{"stage": stage, "model": model, **line.json(), "lost": self._lost[stage, model]}
                    for (stage, model), line in self._lines.items()]


@dataclass
class StageAccount:
    """What the answers used by one stage are: the same whether they were paid for now or before.

    ``run`` is the account of the whole command.
    """

    stage: str
    run: Account = field(default_factory=Account)
    lines: dict[str, Line] = field(default_factory=dict[str, Line])
    units: Counter[str] = field(default_factory=Counter[str])
    used: Counter[str] = field(default_factory=Counter[str])
    bad: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])

    @property
    def cost(self) -> float:
        return sum(line.cost for line in self.lines.values())

    def facts(self) -> dict[str, Any]:
        """Per model: units asked for, used, answers, tokens, and bad answers by class. No money: it is not a result."""
        return {
            model: {"units": self.units[model], "used": self.used[model], "answers": line.calls,
                    "input": line.usage.input, "output": line.usage.output,
                    "bad": dict(sorted(self.bad.get(model, Counter[str]()).items()))}
            for model, line in sorted(self.lines.items())
        }
