"""A loop on which waiting costs nothing: server and client in one thread, their clock jumps to the next timer.

The sockets are real. Before the clock jumps, the loop makes sure that nothing is on its way: no readable socket and
no thread at work that was started with ``run_in_executor`` or ``asyncio.to_thread``.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

GRACE = 0.0003  # seconds that a byte may need on loopback before the clock may jump


class Time:
    """Virtual seconds since the start; loops that run one after the other may share them."""

    def __init__(self) -> None:
        self.now = 0.0


class _Jumping:
    """A selector that lets virtual seconds pass where a real one would sleep."""

    def __init__(self, time: Time, grace: float) -> None:
        self.real = selectors.DefaultSelector()
        self.time, self.grace = time, grace
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return self.real.select(0)
        if timeout is None or self.threads:
            # Without a timer only a socket or a thread can go on; with a thread at work its end comes first.
            return self.real.select(None)
        if found := self.real.select(self.grace):
            return found
        self.time.now += timeout
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    """``loop.time()`` starts at 0 and moves only by jumps to the next timer; computing takes no time."""

    def __init__(self, time: Time | None = None, grace: float = GRACE) -> None:
        self.jumping = _Jumping(time or Time(), grace)
        super().__init__(self.jumping)  # type: ignore[arg-type]

    def time(self) -> float:
        return self.jumping.time.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self.jumping.threads += 1

        def done(_: object) -> None:
            self.jumping.threads -= 1

        future.add_done_callback(done)
        return future


def run(main: Any, time: Time | None = None, *, grace: float = GRACE) -> Any:
    """``asyncio.run`` on a virtual clock; 0 for ``grace`` where no socket is in use."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(time, grace)) as runner:
        return runner.run(main)
