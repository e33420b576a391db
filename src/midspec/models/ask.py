"""Calls → Replies, in the order given: what is kept is replayed, the rest is asked, and kept before it is used.

Stages see nothing of keys, limits, retries, batches or budgets. Calls are taken one by one, and memory
does not grow with their number; of those that stand in a list, up to a million are looked for at once in the ledger.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Protocol

from midspec.core.asking import Line
from midspec.core.job import Job
from midspec.core.rows import to_line
from midspec.models.batch import WINDOW as BATCH_WINDOW
from midspec.models.batch import Batched
from midspec.models.call import Answer, Call, Keys, Reply
from midspec.models.forms import Form, Text
from midspec.models.gate import Gate
from midspec.models.model import Model
from midspec.models.money import Purse
from midspec.models.online import Online
from midspec.models.providers import at_once, connect, takes_schema
from midspec.models.unit import Terminology, Unit

__all__ = ["Ask", "Call", "Keys", "Reply"]

WINDOW = 4096
PART = 256
# So many calls are looked for in one pass over the ledger.
KEYS = 1_000_000
DROPPED = "dropped.jsonl"


class Buyer(Protocol):
    """Who gets answers that are not kept yet: one call each, or through batches."""

    def hand(self, units: Iterable[Unit]) -> None: ...

    def wait(self, unit: Unit) -> None: ...

    def close(self) -> None: ...


class Ask:
    """One role of one stage: a model to ask. Bad answers are counted, and kept aside in ``dropped.jsonl``."""

    def __init__(self, job: Job, model: Model) -> None:
        self._job, self._model = job, model
        self._gate = Gate(job.terms.clock, job.terms.in_flight, wide=at_once(model.address))

    def all(self, calls: Iterable[Call | str], form: Form | None = None) -> list[Reply]:
        """The replies to all calls, in their order. A reply without value (``ok`` False) says why.

        Raises:
            StoppedError: a key is refused, a model unknown, the budget used up, the provider down; what arrived is
                kept and the same command goes on.
            SetupError: a package, key or price is missing. ClaimError: another process pays for answers here.
        """
        return list(self.each(calls, form))

    def each(self, calls: Iterable[Call | str], form: Form | None = None) -> Iterator[Reply]:
        """Like ``all``, one reply at a time, as ``calls`` are taken: for a million of them."""
        by_schema = takes_schema(self._model.address) if not self._model.structured else (
            self._model.structured == "schema")
        shape = Terminology.of(self._model.address, self._model.who(), form or Text(), by_schema=by_schema)
        window = BATCH_WINDOW if self._job.terms.batch else WINDOW
        total, early = 0, dict[int, Unit]()
        if isinstance(calls, (list, tuple)):
            total = len(calls)
            early = self._early(calls, shape, window) if total > window else early
        units = (early.pop(n, None) or Unit(call, shape) for n, call in enumerate(_named(calls)))
        with ExitStack() as stack:
            yield from self._each(units, list(early.values()), total, window, stack)

    def _early(self, calls: Iterable[Call | str], shape: Terminology, most: int) -> dict[int, Unit]:
        """The first units that nothing is kept for, by their place; asked while the kept ones before them are read."""
        found, starts, here = dict[int, Unit](), set[str](), 0
        named = _named(calls)
        while len(found) < most and (part := list(islice(named, KEYS))):
            for n in self._job.answers.lacking(map(shape.start, part)):
                unit = Unit(part[n], shape, early=True)
                if unit.start not in starts:
                    found[here + n] = unit
                    starts.add(unit.start)
                if len(found) == most:
                    break
            here += len(part)
        return found

    def _each(
        self, units: Iterator[Unit], early: list[Unit], total: int, window: int, stack: ExitStack
    ) -> Iterator[Reply]:
        ahead, open_keys = deque[Unit](), {unit.start for unit in early}
        buyer: Buyer | None = None
        if early:
            buyer = self._open(stack)
            buyer.hand(early)
            early.clear()
        done = 0
        while True:
            while len(ahead) <= window - PART and (part := list(islice(units, PART))):
                missing = self._replay([unit for unit in part if not unit.early], open_keys)
                ahead.extend(part)
                if missing and buyer is None:
                    buyer = self._open(stack)
                if missing and buyer is not None:
                    buyer.hand(missing)
            if not ahead:
                break
            unit = ahead.popleft()
            if unit.reply is None and unit.follows:
                self._replay([unit], set())
            if unit.reply is None:
                buyer = buyer or self._open(stack)
                if unit.follows:
                    buyer.hand([unit])
                buyer.wait(unit)
            open_keys.discard(unit.start)
            done += 1
            yield self._finish(unit, done, max(total, done + len(ahead)))
        if done:
            self._job.note(asked=self._job.account.facts())

    def _open(self, stack: ExitStack) -> Buyer:
        """Only now is a key needed, and the right to pay."""
        terms, job = self._job.terms, self._job
        purse = Purse(self._model, job.account.stage, terms, job.account.run)
        stack.enter_context(job.answers.paying())
        buyer: Buyer
        if terms.batch:
            buyer = Batched(self._model, purse, job.answers, terms)
        else:
            model = self._model
            buyer = Online(lambda: connect(model, terms), self._gate, purse, job.answers, terms)
        stack.callback(buyer.close)
        return buyer

    def _replay(self, units: list[Unit], open_keys: set[str]) -> list[Unit]:
        """Give units what is kept for them; returns those that need an answer that is not."""
        todo = units
        while todo:
            kept = self._job.answers.get_many([unit.key for unit in todo])
            again = [unit for unit in todo if unit.key in kept]
            for unit in again:
                unit.take(kept[unit.key])
            todo = [unit for unit in again if unit.reply is None]
        missing: list[Unit] = []
        for unit in units:
            if unit.reply is None:
                # The same unit twice: the second takes what the first one gets.
                unit.follows = unit.start in open_keys
                if not unit.follows:
                    open_keys.add(unit.start)
                    missing.append(unit)
        return missing

    def _finish(self, unit: Unit, done: int, of: int) -> Reply:
        """Count and keep aside, in the order of the calls: the same in every run."""
        reply, account, address = unit.reply, self._job.account, self._model.address
        assert reply is not None
        line = account.lines.setdefault(address, Line())
        for row in unit.rows:
            line.add(Answer.of(row).usage, row["cost"])
        account.units[address] += 1
        account.used[address] += reply.ok
        if unit.tried:
            bad = account.bad.setdefault(address, Counter())
            bad.update(tried.fault.kind for tried in unit.tried)
            with (self._job.folder / DROPPED).open("ab") as file:
                file.writelines(to_line({
                    "id": unit.call.id, "asked": address, "attempt": tried.attempt, "reason": tried.fault.kind,
                    "detail": tried.fault.detail, "text": tried.text}) for tried in unit.tried)
        self._job.step(done, of)
        return reply


def _named(calls: Iterable[Call | str]) -> Generator[Call]:
    """Plain texts get ids of their own: what they say, and which time they say it."""
    times = Counter[bytes]()
    for call in calls:
        if isinstance(call, str):
            digest = hashlib.sha256(call.encode("utf-8", "surrogatepass")).digest()
            times[digest] += 1
            call = Call(f"{digest.hex()[:16]} {times[digest]}", call)
        yield call
