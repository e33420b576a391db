"""The gate alone against the teacher's buckets: how much of a limit is used, and how often it is hit. By hand:

    python -m tests.models.limits [--seeds 5]

Callers behave as ``models/online.py`` does: at most 16 tries, Retry-After obeyed, pauses that double. The clock moves
only by waiting, so that a figure depends on nothing but its seed. ``tests.models.trials --only limits`` has the whole
path over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
from dataclasses import dataclass, field
from typing import Any

from tests.teacher.billing import Buckets
from tests.teacher.clock import run
from tests.teacher.plan import Limit

from midspec.core.asking import Clock
from midspec.models.gate import Gate
from midspec.models.online import FIRST_WAIT, LONGEST_WAIT, TRIES

ON_THE_WAY = 0.005


class LoopClock(Clock):
    def now(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass
class Server:
    """Refuses by its buckets, and ``chance`` of the rest for no reason; the log holds (second, let through)."""

    limits: list[Limit] = field(default_factory=list[Limit])
    latency: float = 2.0
    chance: float = 0.0
    seed: int = 7
    log: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])

    def __post_init__(self) -> None:
        self.buckets, self.throw = Buckets(self.limits), random.Random(self.seed)

    def refuses(self, now: float) -> tuple[bool, float | None]:
        wait = self.buckets.take(0, now) if self.limits else None
        if wait is not None:
            return True, float(math.ceil(wait))
        return self.throw.random() < self.chance, None


async def flood(server: Server, calls: int, in_flight: int) -> int:
    """Make so many calls as fast as the gate lets them; returns how many were never let through."""
    gate, loop = Gate(LoopClock(), in_flight), asyncio.get_running_loop()

    async def unit() -> bool:
        for trial in range(TRIES):
            sent = await gate.enter()
            await asyncio.sleep(ON_THE_WAY)
            refused, wait = server.refuses(loop.time())
            server.log.append((loop.time(), not refused))
            if not refused:
                await asyncio.sleep(server.latency * server.throw.uniform(0.5, 1.5))
                gate.answered()
                gate.leave()
                return True
            gate.refused(wait, sent)
            gate.leave()
            pause = min(LONGEST_WAIT, FIRST_WAIT * 2**trial) * server.throw.uniform(0.5, 1.0)
            await asyncio.sleep(max(wait or 0.0, pause))
        return False

    done = await asyncio.gather(*(unit() for _ in range(calls)))
    return done.count(False)


@dataclass
class Seen:
    """Shares: of the limit used, of the calls refused; ``lost`` calls."""

    used: float
    refused: float
    lost: int
    after_drop: float = 0.0
    after_end: float = 0.0
    refused_after_drop: float = 0.0


def steady(per_minute: float, latency: float, seed: int, minutes: float = 4.0) -> Seen:
    server = Server([Limit(requests_per_minute=per_minute)], latency, seed=seed)
    lost = run(flood(server, int(per_minute * minutes), _places(per_minute, latency)), grace=0.0)
    end = max(when for when, _ in server.log) * 0.95
    return Seen(used(server, 20 + latency, end, per_minute), refused(server, 0, math.inf), lost)


def dropping(per_minute: float, latency: float, seed: int, factor: float = 10.0) -> Seen:
    """Two minutes at the limit, three at a tenth of it, then as before. Use counts from a minute after each change."""
    low = per_minute / factor
    limits = [Limit(requests_per_minute=per_minute), Limit(120.0, low), Limit(300.0, per_minute)]
    server = Server(limits, latency, seed=seed)
    lost = run(flood(server, int(per_minute * 6 + low * 3), _places(per_minute, latency)), grace=0.0)
    end = max(when for when, _ in server.log) * 0.97
    return Seen(used(server, 20 + latency, 120, per_minute), refused(server, 0, math.inf), lost,
                used(server, 180, 300, low), used(server, 360, end, per_minute), refused(server, 180, 300))  # fmt: skip


def chance(share: float, latency: float, seed: int, calls: int = 4000, in_flight: int = 256) -> float:
    """Seconds for calls to a server without limit that refuses some at random, over the seconds without refusals."""
    server = Server(latency=latency, chance=share, seed=seed)
    run(flood(server, calls, in_flight), grace=0.0)
    return max(when for when, _ in server.log) / (calls * latency / in_flight)


def _places(per_minute: float, latency: float) -> int:
    return max(256, int(per_minute / 60 * latency * 2))


def used(server: Server, low: float, high: float, per_minute: float) -> float:
    return sum(fine for when, fine in server.log if low <= when < high) / ((high - low) / 60 * per_minute)


def refused(server: Server, low: float, high: float) -> float:
    found = [fine for when, fine in server.log if low <= when < high]
    return found.count(False) / max(1, len(found))


def _worst(name: str, values: list[float], worst: Any) -> str:
    return f"{name} {sum(values) / len(values):.1%} ({worst(values):.1%})"


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.models.limits", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seeds", type=int, default=5)
    seeds = range(7, 7 + options.parse_args().seeds)
    print(f"seeds {seeds[0]} to {seeds[-1]}: mean (worst); use after a change counts from a minute after it")
    for per_minute in (120, 300, 600, 3000, 6000):
        for latency in (2.0, 15.0):
            plain = [steady(per_minute, latency, seed) for seed in seeds]
            drop = [dropping(per_minute, latency, seed) for seed in seeds]
            parts = (_worst("used", [s.used for s in plain], min), _worst("refused", [s.refused for s in plain], max),
                     _worst("| drop to a tenth: refused in all", [s.refused for s in drop], max),
                     _worst("from a minute after it", [s.refused_after_drop for s in drop], max),
                     _worst("used after it", [s.after_drop for s in drop], min),
                     _worst("used after its end", [s.after_end for s in drop], min),
                     f"lost {sum(s.lost for s in plain + drop)}")  # fmt: skip
            print(f"{per_minute}/min, {latency:g} s a call:", ", ".join(parts), flush=True)
    for share in (0.01, 0.05, 0.1, 0.2, 0.3):
        times = [chance(share, 2.0, seed) for seed in seeds]
        print(f"{share:.0%} refused at random: {sum(times) / len(times):.1f} times as long ({max(times):.1f} at worst)")


if __name__ == "__main__":
    main()
