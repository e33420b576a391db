"""What a provider bears → how many calls go out and how fast. Knows nothing of calls.

Slow start: the number in flight doubles each round until the first "too many". From then on the pace is controlled:
each refusal lowers it, each answer raises it a little, so that about one call in a hundred is refused; after a long
quiet it rises fast. Refusals that do not depend on the pace (a faulty server) are told apart by trying a slow one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from midspec.core.asking import Clock

FIRST = 16.0
DOWN, DOWN_HARD, UP, UP_MOST = 0.05, 0.3, 0.0005, 0.1
QUIET_CALLS, QUIET_SECONDS = 200, 20.0
MEASURED_SECONDS = 3.0
BURST_SECONDS = 0.05
SLOWEST = 0.2
# A refusal that names this many seconds speaks for the whole account, not for one call.
HOLD_FROM = 5.0
TRIAL_FALL, TRIAL_CALLS, TRIAL_SHARE, TRIAL_MOST = 2.0, 60, 0.02, 0.3
TRUST_SECONDS, TRUST_SHARE = 60.0, 0.5


@dataclass
class _Trial:
    """Do refusals come from our pace? Counted from ``rate`` down to half of it, then below that.

    A provider with a limit refuses what is above it: from the share refused at first follows the share at half the
    pace, mostly none. Where refusals go on all the same, they have another cause.
    """

    rate: float
    first: list[int] = field(default_factory=lambda: [0, 0])
    later: list[int] = field(default_factory=lambda: [0, 0])

    def count(self, rate: float, *, sent: int = 0, refused: int = 0) -> None:
        counts = self.first if rate > self.rate / TRIAL_FALL else self.later
        counts[0] += sent
        counts[1] += refused

    def ours(self) -> bool | None:
        """None while it is too early to say."""
        if self.later[0] < TRIAL_CALLS:
            return None
        before = self.first[1] / max(1, self.first[0])
        # A limit far below the pace refuses most calls; below half of the pace it refuses fewer, or none.
        share = self.later[1] / self.later[0]
        return before > TRIAL_MOST or share < max(TRIAL_SHARE, 0.6 * before)


class Gate:
    """Lets calls out; lives in one event loop. ``most`` bounds the calls in flight, from the start if ``wide``."""

    def __init__(self, clock: Clock, most: int, *, wide: bool = False) -> None:
        self._clock, self._most = clock, most
        self.window, self.rate = float(most) if wide else min(FIRST, float(most)), float("inf")
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sent: deque[float] = deque()
        self._timer: asyncio.Task[None] | None = None
        self._credit, self._counted = 1.0, clock.now()
        self._hold = 0.0
        self._since, self._cut = 0, clock.now()
        self._share = 0.0
        self._trial: _Trial | None = None
        self._trusted_until, self._trust = 0.0, TRUST_SECONDS

    def begin(self) -> None:
        """A new event loop: what was learned stays, who waited is gone."""
        self._waiting.clear()
        self._timer = None
        self.in_flight = 0

    async def enter(self) -> float:
        """Wait for a place, which ``leave`` gives back; returns when it came."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._pump()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise
        return self._clock.now()

    def leave(self) -> None:
        self.in_flight -= 1
        self._pump()

    def answered(self, sent: float) -> None:
        """A call that went out at ``sent`` went through."""
        # One from before the last refusal says nothing about the pace since then.
        self._since += sent >= self._cut
        self._share *= 0.98
        if self.window < self._most:
            self.window += 1.0 if self.rate == float("inf") else 1.0 / self.window
        if self.rate != float("inf"):
            quiet = max(self._since / QUIET_CALLS, (self._clock.now() - self._cut) / QUIET_SECONDS)
            up = UP if quiet <= 1 else min(UP_MOST, UP * 2.0 ** min(20.0, 4.0 * (quiet - 1)))
            # Fewer calls a second than places in flight: the pace is not what holds them back.
            if self._paced():
                self.rate *= 1 + up

    def refused(self, retry_after: float | None, sent: float) -> None:
        """The provider said "too many" to a call that went out at ``sent``."""
        now = self._clock.now()
        self._share = self._share * 0.98 + 0.02
        if retry_after is not None and retry_after >= HOLD_FROM:
            self._hold = max(self._hold, now + retry_after)
        if now < self._trusted_until and self._share < TRUST_SHARE:
            return
        if self._trial is not None:
            self._trial.count(self.rate, refused=1)
        # What went out before the last cut says nothing about the pace since then.
        if sent < self._cut:
            return
        if self.rate == float("inf"):
            self.rate = self._measured(now)
        if self._trial is None or self._since >= QUIET_CALLS:
            self._trial = _Trial(self.rate)
        soon = self._since < QUIET_CALLS / 10 and now - self._cut < QUIET_SECONDS / 4
        self.rate = max(SLOWEST, self.rate * (1 - (DOWN_HARD if soon else DOWN)))
        self._since, self._cut = 0, now

    def _tried(self) -> None:
        """A call goes out; is the trial over?"""
        if self._trial is None:
            return
        self._trial.count(self.rate, sent=1)
        ours = self._trial.ours()
        if ours is False:
            self.rate, self._trusted_until = float("inf"), self._clock.now() + self._trust
            self._trust *= 2
        if ours is not None:
            self._trial = None

    def _paced(self) -> bool:
        return self.in_flight < self.window or bool(self._waiting)

    def _measured(self, now: float) -> float:
        """Calls a second that went out of late."""
        while self._sent and self._sent[0] < now - MEASURED_SECONDS:
            self._sent.popleft()
        if not self._sent:
            return 1.0
        return max(1.0, len(self._sent) / max(0.05, now - self._sent[0]))

    def _pump(self) -> None:
        """Let out whoever may go now; wake up again when the next one may."""
        now = self._clock.now()
        if self.rate != float("inf"):
            most = max(1.0, self.rate * BURST_SECONDS)
            self._credit = min(most, self._credit + (now - self._counted) * self.rate)
        self._counted = now
        while self._waiting and self.in_flight < int(self.window):
            if now < self._hold:
                return self._wake(self._hold - now)
            if self.rate != float("inf"):
                if self._credit < 1.0:
                    return self._wake((1.0 - self._credit) / self.rate)
                self._credit -= 1.0
            place = self._waiting.popleft()
            if place.cancelled():
                continue
            self.in_flight += 1
            self._sent.append(now)
            self._tried()
            if len(self._sent) > 4096:
                self._sent.popleft()
            place.set_result(None)
        return None

    def _wake(self, seconds: float) -> None:
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._later(max(seconds, 0.001)))

    async def _later(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timer = None
        self._pump()
