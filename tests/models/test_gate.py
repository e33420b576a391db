"""How fast calls go out: against a bucket, after its limit changed, and where refusals have another cause."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.teacher.clock import run

from midspec.core.asking import Clock
from midspec.models.gate import Gate

SECONDS = 0.02


class LoopClock(Clock):
    def now(self) -> float:
        return asyncio.get_running_loop().time()


class Bucket:
    """``limits``: (from second, calls a second); holds five seconds' worth."""

    def __init__(self, *limits: tuple[float, float]) -> None:
        self.limits, self.level, self.last = limits, limits[0][1] * 5, 0.0

    def takes(self, now: float) -> bool:
        limit = [rate for start, rate in self.limits if start <= now][-1]
        self.level = min(limit * 5, self.level + (now - self.last) * limit)
        self.last = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


async def flood(bucket: Bucket, seconds: float, latency: float) -> list[tuple[float, bool]]:
    """(when, let through) of every call of 700 callers who never stop."""
    loop, gate, log = asyncio.get_running_loop(), Gate(LoopClock(), 700), list[tuple[float, bool]]()

    async def caller() -> None:
        while loop.time() < seconds:
            sent = await gate.enter()
            await asyncio.sleep(SECONDS)
            fine = bucket.takes(loop.time())
            log.append((loop.time(), fine))
            if fine:
                await asyncio.sleep(latency)
                gate.answered()
            else:
                gate.refused(1.0, sent)
            gate.leave()
            if not fine:
                await asyncio.sleep(1.0)

    tasks = [loop.create_task(caller()) for _ in range(700)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    return log


def share(log: list[tuple[float, bool]], start: float, end: float, rate: float) -> tuple[float, float]:
    """(of the limit used, of the calls refused)."""
    found = [fine for when, fine in log if start <= when < end]
    return sum(found) / (rate * (end - start)), 1 - sum(found) / len(found)


def test_the_limit_is_used_and_seldom_hit() -> None:
    used, refused = share(run(flood(Bucket((0, 100)), 40, 1.0)), 10, 40, 100)
    assert used >= 0.93 and refused <= 0.03, (used, refused)


@pytest.mark.slow
def test_after_a_drop_the_pace_falls_at_once_and_comes_back_within_a_minute() -> None:
    log = run(flood(Bucket((0, 100), (30, 10), (60, 100)), 120, 1.0))
    assert share(log, 30, 60, 10)[0] >= 0.8
    assert share(log, 100, 120, 100)[0] >= 0.93


def test_refusals_that_have_another_cause_do_not_slow_down() -> None:
    async def trial(units: int) -> float:
        gate, chance = Gate(LoopClock(), 256), random.Random(3)

        async def caller() -> None:
            while True:
                sent = await gate.enter()
                await asyncio.sleep(SECONDS)
                refused = chance.random() < 0.05
                gate.refused(None, sent) if refused else gate.answered()
                gate.leave()
                if not refused:
                    return
                await asyncio.sleep(0.5)

        await asyncio.gather(*(caller() for _ in range(units)))
        return asyncio.get_running_loop().time()

    assert run(trial(4000)) < 30


def test_a_long_retry_after_holds_everything() -> None:
    async def trial() -> float:
        gate = Gate(LoopClock(), 8)
        sent = await gate.enter()
        gate.refused(30.0, sent)
        gate.leave()
        return await gate.enter()

    assert run(trial()) >= 30


def test_a_caller_who_leaves_the_queue_frees_the_place() -> None:
    async def trial() -> None:
        gate = Gate(LoopClock(), 1)
        await gate.enter()
        waiting = asyncio.ensure_future(gate.enter())
        await asyncio.sleep(0)
        waiting.cancel()
        gate.leave()
        await asyncio.wait_for(gate.enter(), 1)

    run(trial())
