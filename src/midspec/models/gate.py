"""What a provider bears → how many calls go out and how fast. Knows nothing of calls.

Slow start: the number in flight doubles each round until the first "too many". From then on the pace is controlled.
Between two refusals a bucket of calls lets through exactly what flows into it: what went out between them, over the
time between them, is the limit. Each call raises the pace a little, so that about one in 200 is refused; where the
limit has dropped, a quiet while raises it fast. Refusals that do not come from the pace (a faulty server) do not keep
away after a cut, as those of a limit do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from midspec.core.asking import Clock

FIRST, OPENING_A_SECOND = 8.0, 1.1
# A cut takes the first share off, the second where nothing tells the limit; a call adds the third share, and no second
# adds more than the fourth.
DOWN, DOWN_BLIND, UP, UP_A_SECOND = 0.06, 0.3, 0.0004, 0.2
# Fewer calls between two refusals than the first number say nothing about the limit, the second makes it sure.
FEW, SURE = 3, 20
# What went through in the last seconds, so far above the mean since the last refusal, means that the limit has risen.
RISEN, RISEN_SECONDS = 2.0, 10.0
QUIET_CALLS, QUIET_SECONDS, QUIET_LEAST, QUIET_UP = 200, 20.0, 5, 6.0
# Far below a former limit the pace also rises by the clock: so much a second at first, doubling as above; up to this
# share of that limit.
LOW_UP, NEARLY = 0.0005, 0.95
# A refusal tells the limit's pace if its bucket takes so many seconds a call; then a smaller cut will do.
TOLD_FROM, DOWN_TOLD = 3.0, 0.05
MEASURED_SECONDS = 3.0
BURST_SECONDS = 0.05
SLOWEST = 0.02
# A refusal that names this many seconds speaks for the whole account, not for one call.
HOLD_FROM = 5.0
# After a cut a limit keeps away for more calls than the second number (for more than the third while the pace is felt
# up again). So many refusals in a row that come sooner, yet not at once (the first number) and not after the pace has
# risen by the last number, have another cause.
ODD_FROM, ODD_BELOW, ODD_BELOW_RISING, ODD_MOST, ODD_RISEN = 4, 110, 40, 5, 1.15
# One more of them while the pace is felt up: each try ends in a refusal.
ODD_MOST_LOW = 6
TRUST_CALLS, WARY_CALLS, FASTEST = 40, 100, 1e4


@dataclass
class _Count:
    sent: int = 0
    refused: int = 0


@dataclass
class _Trust:
    """No refusal lowers the pace, and each block of calls doubles it, until one brings more refusals than ``share``."""

    share: float
    calls: int
    block: _Count = field(default_factory=_Count)

    def broken(self) -> bool:
        expected = self.share * self.calls
        return self.block.refused > expected + 3 * expected**0.5 + 3


class Gate:
    """Lets calls out; lives in one event loop. ``most`` bounds the calls in flight, from the start if ``wide``."""

    def __init__(self, clock: Clock, most: int, *, wide: bool = False) -> None:
        self._clock, self._most = clock, most
        self.window, self.rate = float(most) if wide else min(FIRST, float(most)), float("inf")
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sent: deque[float] = deque(maxlen=4096)
        self._timer: asyncio.Task[None] | None = None
        self._credit, self._counted = 1.0, clock.now()
        self._hold = 0.0
        # Calls since the last cut; and since the refusal that the limit is reckoned from, those that went through.
        self._since, self._cut = 0, clock.now()
        self._passed, self._base = 0, clock.now()
        self._began, self._best = self.rate, 0.0
        # Refusals in a row that do not look like a limit's, all since then, and what follows from them.
        self._odd, self._series = 0, _Count()
        self._trust: _Trust | None = None
        self._wary = 0

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

    def answered(self) -> None:
        """A call went through."""
        self.window = min(float(self._most), self.window + 1.0)

    def refused(self, retry_after: float | None, sent: float) -> None:
        """The provider said "too many" to a call that went out at ``sent``."""
        now, before, told = self._clock.now(), self._previous(sent), None
        if retry_after is not None and before is not None and sent - before + retry_after >= TOLD_FROM:
            # An empty bucket takes from one call to the next one's place. Whole seconds are half a second too many.
            told = 1 / (sent - before + retry_after - 0.5)
        self._passed -= sent > self._base
        if retry_after is not None and retry_after >= HOLD_FROM:
            self._hold = max(self._hold, now + retry_after)
        if self._trust is not None:
            return self._doubt(self._trust, now)
        # What went out before the last cut says nothing about the pace since then.
        if sent >= self._cut and not self._begins_to_trust():
            self._slow_down(now, told)
        return None

    def _doubt(self, trust: _Trust, now: float) -> None:
        """Do refusals come from our pace after all?"""
        trust.block.refused += 1
        if trust.broken():
            self._trust, self.rate = None, self.rate / 2
            self._wary = WARY_CALLS
            self._since, self._cut, self._passed, self._base = 0, now, 0, now

    def _begins_to_trust(self) -> bool:
        """A limit that was met does not refuse again soon after a cut; chance does."""
        self._series.refused += 1
        if self._since >= (ODD_BELOW_RISING if self._low() else ODD_BELOW):
            self._odd = max(0, self._odd - 1)
            if not self._odd:
                self._series = _Count()
        elif self._since >= ODD_FROM and self.rate < ODD_RISEN * self._began:
            self._odd += 1
        if self._odd < (ODD_MOST_LOW if self._low() else ODD_MOST) or self._wary > 0:
            return False
        # What was sent before the block ends is refused within it.
        calls = max(TRUST_CALLS, 2 * self.in_flight)
        self._trust = _Trust(self._series.refused / max(1, self._series.sent), calls)
        self.rate = max(self.rate, self._best)
        self._odd, self._series = 0, _Count()
        return True

    def _low(self) -> bool:
        """The limit was far higher once, and may be so again; what begins far below is felt up nearly to it."""
        return self.rate < self._best * (NEARLY if self._began < self._best / 2 else 0.5)

    def _previous(self, sent: float) -> float | None:
        """When the last call before this refused one went out that was not refused itself; drops the refused one."""
        at = next((n for n in range(len(self._sent) - 1, -1, -1) if self._sent[n] <= sent), -1)
        if at >= 0:
            del self._sent[at]
        return self._sent[at - 1] if at > 0 else None

    def _slow_down(self, now: float, told: float | None) -> None:
        passed, blind, down = max(self._passed, 0), self._passed < FEW, DOWN
        if self.rate == float("inf"):
            # What went out so far came from a full bucket: too fast.
            self.rate, blind, sure = self._measured(now), True, True
        else:
            # With few calls in between, the refused one counts: nothing in no time is no limit of nothing.
            limit, sure = (passed + blind) / max(now - self._base, 0.001), passed >= SURE
            if sure:
                self._best = max(self._best, limit)
            if told is not None and limit / 2 < told < limit * 2:
                # A hint alone may be a provider's fixed number; one that fits what went through is better than that.
                self.rate, blind, down = min(self.rate, max(told, limit)), False, DOWN_TOLD
            elif not (sure and self._measured(now, RISEN_SECONDS) > max(RISEN * limit, SURE / RISEN_SECONDS)):
                self.rate = min(self.rate, limit)
        self.rate = max(SLOWEST, self.rate * (1 - (DOWN_BLIND if blind else down)))
        if sure:
            self._base, self._passed = now, 0
        self._since, self._cut, self._began = 0, now, self.rate

    def _goes_out(self, now: float) -> None:
        """One more call, and none was refused since the last cut."""
        passed = now - (self._sent[-1] if self._sent else now)
        self._sent.append(now)
        self._passed += 1
        self._since += 1
        self._series.sent += 1
        self._wary -= 1
        if self._trust is not None:
            self._trust.block.sent += 1
            if self._trust.block.sent > self._trust.calls:
                self._trust.block = _Count(1)
                self.rate = min(FASTEST, self.rate * 2)
        # Fewer calls a second than places in flight: the pace is not what holds them back.
        if self.rate == float("inf") or not (self.in_flight < self.window or self._waiting):
            return
        quiet, low_up, low = self._since / QUIET_CALLS, 0.0, self._low()
        if low:
            slow = (now - self._cut) / QUIET_SECONDS if self._since >= FEW else 0.0
            low_up = LOW_UP * passed * 2.0 ** min(20.0, max(0.0, QUIET_UP * (slow - 1)))
            quiet = max(quiet, min(self._since / QUIET_LEAST, (now - self._cut) / QUIET_SECONDS))
        up = max(low_up, UP * 2.0 ** min(20.0, max(0.0, QUIET_UP * (quiet - 1))))
        self.rate *= 1 + min(up, passed * UP_A_SECOND)
        if low and not self._low():
            # Back where it was: what went through on the way up says nothing about the limit.
            self._began, self._base, self._passed = self.rate, now, 0

    def _measured(self, now: float, seconds: float = MEASURED_SECONDS) -> float:
        """Calls a second that went out of late."""
        recent = [when for when in self._sent if when >= now - seconds]
        return max(1.0, len(recent) / max(0.05, now - recent[0])) if recent else 1.0

    def _pump(self) -> None:
        """Let out whoever may go now; wake up again when the next one may."""
        now = self._clock.now()
        if self.rate != float("inf"):
            most = max(1.0, self.rate * BURST_SECONDS)
            self._credit = min(most, self._credit + (now - self._counted) * self.rate)
        elif self.in_flight:
            # Answers take long, and nothing was refused all the while; a jump would let many out at once.
            self.window = min(float(self._most), self.window * OPENING_A_SECOND ** min(2.0, now - self._counted))
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
            self._goes_out(now)
            place.set_result(None)
        return None

    def _wake(self, seconds: float) -> None:
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._later(max(seconds, 0.001)))

    async def _later(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timer = None
        self._pump()
