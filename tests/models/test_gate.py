"""How fast calls go out: against a bucket, after its limit changed, and where refusals have another cause."""

from __future__ import annotations

import asyncio

import pytest
from tests.models.limits import LoopClock, chance, dropping, steady
from tests.teacher.clock import run

from midspec.models.gate import Gate


@pytest.mark.parametrize("per_minute", [300, 3000])
def test_the_limit_is_used_and_seldom_hit(per_minute: float) -> None:
    seen = steady(per_minute, 2.0, seed=7)
    assert seen.used >= 0.93 and seen.refused <= 0.02 and not seen.lost, seen


@pytest.mark.parametrize("per_minute", [600, 3000])
@pytest.mark.parametrize("seed", [7, 8])
def test_a_limit_that_drops_to_a_tenth_is_found_within_a_minute(per_minute: float, seed: int) -> None:
    seen = dropping(per_minute, 2.0, seed)
    assert max(seen.refused, seen.refused_after_drop) <= 0.02
    assert min(seen.used, seen.after_drop, seen.after_end) >= 0.93 and not seen.lost, seen


def test_refusals_that_have_another_cause_do_not_slow_down_for_long() -> None:
    assert chance(0.05, 2.0, 7) < 6


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
