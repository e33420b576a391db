"""What a provider bears → how many calls go out and how fast. Knows nothing of calls.

Slow start: the number in flight doubles each round until the first "too many". From then on the pace is controlled:
each refusal lowers it, each answer raises it a little, so that about one call in a hundred is refused; after a long
quiet it rises fast. Refusals that do not depend on the pace (a faulty server) are told apart by trying a slow one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from midspec.core.asking import Clock

FIRST = 8.0
DOWN, DOWN_HARD, UP, UP_MOST = 0.05, 0.1, 0.0005, 0.1
QUIET_CALLS, QUIET_SECONDS = 200, 20.0
MEASURED_SECONDS = 3.0
BURST_SECONDS = 0.05
SLOWEST = 0.2
# A refusal that names this many seconds speaks for the whole account, not for one call.
HOLD_FROM = 5.0
TRIAL_FALL, TRIAL_CALLS, TRIAL_SHARE, TRIAL_KEPT = 8.0, 40, 0.03, 0.7
TRUST_SECONDS = 60.0


@dataclass
class _Trial:
    """Do refusals come from our pace? ``share`` of them at ``rate``; counted again at a pace far below."""

    rate: float
    share: float
    seen: int = 0
    refused: int = 0


class Gate:
    """Lets calls out; lives in one event loop. ``most`` bounds the calls in flight."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock, self._most = clock, most
        self.window, self.rate = min(FIRST, float(most)), float("inf")
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sent: deque[float] = deque()
        self._timer: asyncio.Task[None] | None = None
        self._credit, self._counted = 1.0, clock.now()
        self._hold = 0.0
        self._since, self._quiet = 0, clock.now()
        self._share = 0.0
        self._trial: _Trial | None = None
        self._trusted_until = 0.0

    def begin(self) -> None:
        """A new event loop: what was learned stays, who waited is gone."""
        self._waiting.clear()
        self._timer = None
        self.in_flight = 0

    async def enter(self) -> None:
        """Wait for a place; ``leave`` gives it back."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._pump()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        self.in_flight -= 1
        self._pump()

    def answered(self) -> None:
        """A call went through."""
        self._since += 1
        self._share *= 0.98
        if self.window < self._most:
            self.window += 1.0 if self.rate == float("inf") else 1.0 / self.window
        if self.rate != float("inf"):
            quiet = max(self._since / QUIET_CALLS, (self._clock.now() - self._quiet) / QUIET_SECONDS)
            up = UP if quiet <= 1 else min(UP_MOST, UP * 2.0 ** min(20.0, 4.0 * (quiet - 1)))
            # Fewer calls a second than places in flight: the pace is not what holds them back.
            if self._paced():
                self.rate *= 1 + up
        self._tried(refused=False)

    def refused(self, retry_after: float | None) -> None:
        """The provider said "too many"."""
        now = self._clock.now()
        self._share = self._share * 0.98 + 0.02
        if retry_after is not None and retry_after >= HOLD_FROM:
            self._hold = max(self._hold, now + retry_after)
        if now < self._trusted_until and self._share < 0.5:
            return
        if self.rate == float("inf"):
            self.rate = max(SLOWEST, self._measured(now))
        soon = self._since < QUIET_CALLS / 10
        if self._trial is None:
            self._trial = _Trial(self.rate, max(self._share, 0.02))
        self.rate = max(SLOWEST, self.rate * (1 - (DOWN_HARD if soon else DOWN)))
        if self._since >= QUIET_CALLS:
            self._trial = _Trial(self.rate, max(self._share, 0.02))
        self._since, self._quiet = 0, now
        self._tried(refused=True)

    def _tried(self, *, refused: bool) -> None:
        trial = self._trial
        if trial is None or self.rate > trial.rate / TRIAL_FALL:
            if trial is not None and refused:
                trial.share = max(trial.share, self._share)
            return
        trial.seen += 1
        trial.refused += refused
        if trial.seen < TRIAL_CALLS:
            return
        share = trial.refused / trial.seen
        if share >= max(TRIAL_SHARE, TRIAL_KEPT * trial.share):
            self.rate, self._trusted_until = float("inf"), self._clock.now() + TRUST_SECONDS
        self._trial = None
        self._pump()

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
