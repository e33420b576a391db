"""Units → answers, many at once, each kept before it is used. The only place that tries a call again.

Runs an event loop in a thread of its own, so that answers arrive and are kept while the caller works.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from midspec.core.asking import Terms, Usage
from midspec.core.errors import MidspecError, ProviderError, StoppedError
from midspec.core.job import Answers
from midspec.models.call import Answer, Request
from midspec.models.gate import Gate
from midspec.models.money import Purse, tokens_in
from midspec.models.providers import Client, at_once
from midspec.models.unit import Unit

TRIES = 16
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
# A provider that asks for more than this is not waited for: the same command goes on later.
LONGEST_PAUSE = 900.0
# Below about 1,000 tokens no provider caches.
WORTH_WARMING = 4000


class Online:
    """Buys answers one call each. ``hand`` units over, ``wait`` for them in any order, ``close`` in the end."""

    def __init__(self, connect: Callable[[], Client], gate: Gate, purse: Purse, answers: Answers, terms: Terms) -> None:
        self._connect, self._gate, self._purse, self._answers, self._terms = connect, gate, purse, answers, terms
        self._clock = terms.clock
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._disk = ThreadPoolExecutor(1, "ledger")
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: set[asyncio.Task[Any]] = set()
        self._pending: list[tuple[str, dict[str, Any], asyncio.Future[None]]] = []
        self._committing = False
        self._warm: dict[tuple[str, ...], asyncio.Event] = {}
        self._kept_parts: set[str] = set()
        self._last_success = float("-inf")
        self.error: BaseException | None = None
        self._started = threading.Event()
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run, name="asking", daemon=True)
        self._thread.start()
        self._started.wait()

    def hand(self, units: Iterable[Unit]) -> None:
        """Start on these; returns at once."""
        todo = list(units)
        with suppress(RuntimeError):  # the loop has ended; ``wait`` says why
            self._loop.call_soon_threadsafe(self._start, todo)

    def wait(self, unit: Unit) -> None:
        """Until the unit has its reply.

        Raises:
            StoppedError: asking had to stop; calls in flight were waited for and kept.
        """
        while unit.reply is None:
            if self.error is not None:
                self.close()
                raise self.error
            try:
                self._news.get(timeout=1.0)
            except queue.Empty:
                if not self._thread.is_alive() and self.error is None:
                    self.error = RuntimeError("the thread that asks has ended")

    def close(self) -> None:
        """Send nothing more, wait for what is in flight, keep it."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # it ended between the question and the call
                self._loop.call_soon_threadsafe(self._halt, None)
            self._thread.join()
        self._disk.shutdown(wait=True)

    def _run(self) -> None:
        try:
            self._clock.run(self._live())
        except BaseException as error:
            self.error = self.error or error
        finally:
            self._started.set()
            self._news.put(None)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end, self._room = asyncio.Event(), asyncio.Event()
        self._gate.begin()
        self._started.set()
        try:
            self._client = self._connect()
        except BaseException as error:
            self._halt(error)
        await self._end.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._client is not None:
            await self._client.close()

    def _start(self, units: list[Unit]) -> None:
        for unit in units:
            if self.error is not None or self._end.is_set():
                return
            task = self._loop.create_task(self._serve(unit))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _halt(self, error: BaseException | None) -> None:
        """What waits is dropped, what is sent is waited for."""
        self.error = self.error or error
        self._end.set()
        for task in self._tasks - self._sending:
            task.cancel()
        self._news.put(None)

    async def _serve(self, unit: Unit) -> None:
        try:
            while unit.reply is None:
                row = await self._buy(unit)
                if row is None:
                    return
                unit.take(row)
                while unit.reply is None and (kept := self._answers.get_many([unit.key])):
                    unit.take(kept[unit.key])
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._halt(error)
        finally:
            self._news.put(None)

    async def _buy(self, unit: Unit) -> dict[str, Any] | None:
        """One kept answer; None where the unit was given up."""
        warming = None if at_once(unit.terms.address) else await self._warmed(unit.request)
        began = self._clock.now()
        try:
            error = ProviderError("not asked")
            for trial in range(TRIES):
                found = await self._try(unit)
                if not isinstance(found, ProviderError):
                    return found
                if found.hopeless:
                    raise StoppedError(f"asking stopped: {found.message}", hint=found.hint)
                if not found.retryable:
                    return await self._keep(unit, Answer("", "refusal", Usage()))
                error = found
                await self._pause(unit, trial, found)
            if self._last_success < began:
                raise StoppedError(f"asking stopped: {TRIES} tries in a row failed ({error.message})",
                                   hint="every answer is kept; the same command goes on once the provider answers")
            unit.give_up(error.message)
            return None
        finally:
            if warming is not None:
                warming.set()

    async def _try(self, unit: Unit) -> dict[str, Any] | ProviderError:
        """One call: wait for a place and for money, send, keep."""
        expected = self._purse.expected(unit.request)
        while not self._purse.take(expected):
            self._room.clear()
            await self._room.wait()
            # Answers that came meanwhile say more about the next one than the longest possible reply.
            expected = self._purse.expected(unit.request)
        try:
            sent = await self._gate.enter()
            try:
                return await self._send(unit, expected, sent)
            finally:
                self._gate.leave()
        finally:
            self._purse.settle(expected)
            self._room.set()

    async def _send(self, unit: Unit, expected: float, sent: float) -> dict[str, Any] | ProviderError:
        task, client = asyncio.current_task(), self._client
        assert task is not None and client is not None
        self._sending.add(task)
        try:
            try:
                async with asyncio.timeout(self._terms.timeout):
                    payload = await client.send(client.body(unit.request), unit.key)
                answer = client.read(payload)
            except TimeoutError:
                error = ProviderError(f"{unit.terms.address}: no answer in {self._terms.timeout:g} seconds",
                                      retryable=True, billed=True)
                self._purse.lose(expected)
                return error
            except ProviderError as error:
                if error.busy:
                    self._gate.refused(error.retry_after, sent)
                if error.billed:
                    self._purse.lose(expected)
                return error
            self._gate.answered()
            self._last_success = self._clock.now()
            return await self._keep(unit, answer)
        finally:
            self._sending.discard(task)
            if self._end.is_set():
                task.cancel()

    async def _keep(self, unit: Unit, answer: Answer) -> dict[str, Any]:
        """In the ledger, on the disk, before anybody uses it; many answers share one commit."""
        answer = counted(answer, unit.request)
        row = unit.row(answer, self._purse.pay(answer.usage))
        done: asyncio.Future[None] = self._loop.create_future()
        for part, key in zip(unit.request.shared, row["shared"], strict=True):
            if key not in self._kept_parts:
                self._kept_parts.add(key)
                self._pending.append((key, {"text": part}, self._loop.create_future()))
        self._pending.append((unit.key, row, done))
        if not self._committing:
            self._committing = True
            commit = self._loop.create_task(self._commit())
            self._tasks.add(commit)
            self._sending.add(commit)
            commit.add_done_callback(self._tasks.discard)
            commit.add_done_callback(self._sending.discard)
        await asyncio.shield(done)
        return row

    async def _commit(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            error: BaseException | None = None
            try:
                rows = {key: row for key, row, _ in batch}
                await self._loop.run_in_executor(self._disk, self._answers.put_many, rows)
            except Exception as caught:
                error = caught
            for _, _, done in batch:
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
                    done.exception()
        self._committing = False

    async def _warmed(self, request: Request) -> asyncio.Event | None:
        """The first call with a long shared part goes ahead alone, so that the others find it in the cache."""
        if sum(map(len, request.shared)) < WORTH_WARMING:
            return None
        if (event := self._warm.get(request.shared)) is not None:
            await event.wait()
            return None
        event = self._warm[request.shared] = asyncio.Event()
        return event

    async def _pause(self, unit: Unit, trial: int, error: ProviderError) -> None:
        asked = error.retry_after or 0.0
        if asked > LONGEST_PAUSE:
            raise StoppedError(f"asking stopped: {error.message}; it asks to wait {asked:.0f} seconds",
                               hint="every answer is kept; the same command goes on after that time")
        # Spread by the call's own key, so that two runs pause alike and calls do not come back all at once.
        spread = 0.5 + int(unit.key[trial:trial + 6], 16) / 2**25
        await self._clock.sleep(max(asked, min(LONGEST_WAIT, FIRST_WAIT * 2**trial) * spread))


def counted(answer: Answer, request: Request) -> Answer:
    """With an estimate of its tokens where the server sent none: nothing may look free by silence."""
    if answer.usage != Usage() or not answer.text:
        return answer
    read = sum(tokens_in(part) for part in request.shared) + sum(tokens_in(turn.content) for turn in request.turns)
    return Answer(answer.text, answer.finish, Usage(read, 0, 0, tokens_in(answer.text)), answer.model, answer.reasoning)


def stopped(error: MidspecError) -> StoppedError:
    """The end of a run for a reason that asking again does not mend."""
    return StoppedError(f"asking stopped: {error.message}", hint=error.hint)
