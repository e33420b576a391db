"""Units → answers through a provider's batch interface: cheaper, within a day, and none handed in twice.

What is about to be handed in is noted first, its id after; a batch whose id was never noted is looked for before
anything is handed in again. All of it lies in the ledger, beside the answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from midspec.core.asking import Terms, Usage
from midspec.core.errors import ProviderError, SetupError, StoppedError
from midspec.core.job import Answers
from midspec.models.call import Answer, part_key
from midspec.models.model import Model
from midspec.models.money import Purse
from midspec.models.online import FIRST_WAIT, LONGEST_WAIT, TRIES, counted, stopped
from midspec.models.providers import Batches, Client, Result, connect
from midspec.models.unit import Unit

WINDOW = 50_000
MOST_BYTES = 100_000_000
FIRST_LOOK, LONGEST_LOOK = 5.0, 600.0
# A request that a dying process sent may still arrive a little later.
LATECOMERS = 60.0
# Rounds without a single answer before it is no use handing in again.
FRUITLESS = 4
Made = TypeVar("Made")


@dataclass
class Batch:
    """One batch as the ledger knows it; ``id`` None until the provider's answer was noted."""

    tag: str
    keys: list[str]
    since: float
    id: str | None = None


class Batched:
    """Buys answers in batches. ``hand`` units over; the first ``wait`` hands in all that are there."""

    def __init__(self, model: Model, purse: Purse, answers: Answers, terms: Terms) -> None:
        self._model, self._purse, self._answers, self._terms = model, purse, answers, terms
        self._clock = terms.clock
        self._open: list[Unit] = []
        self._known: set[str] = set()

    def hand(self, units: Iterable[Unit]) -> None:
        self._open.extend(units)

    def wait(self, unit: Unit) -> None:
        """Until the unit has its reply.

        Raises:
            StoppedError: asking had to stop; batches that were handed in are found again by the same command.
            SetupError: the provider has no batches.
        """
        if unit.reply is None:
            self._clock.run(self._rounds())

    def close(self) -> None:
        """Nothing waits here that is not in the ledger."""
        self._open.clear()

    async def _rounds(self) -> None:
        client = connect(self._model, self._terms)
        try:
            if client.batches is None:
                raise SetupError(f"{self._model.address}: this provider has no batches", hint="leave --batch out")
            await _Rounds(self, client, client.batches).run()
        finally:
            await client.close()
        self._open.clear()

    # What one round needs of its buyer; the client lives for one event loop only.

    def unsettled(self) -> list[Unit]:
        return [unit for unit in self._open if unit.reply is None]

    def noted(self) -> list[Batch]:
        """Batches of this model that the ledger does not know to be over, oldest first."""
        rows = self._answers.starting(f"batch {self._model.address} ")
        found: dict[str, Batch] = {}
        for key, row in rows.items():
            tag, what = key.split(" ")[-2:]
            if what == "intent":
                found[tag] = Batch(tag, row["keys"], row["since"])
            elif what == "id" and tag in found:
                found[tag].id = row["id"]
                self._known.add(row["id"])
        return [batch for tag, batch in found.items() if f"batch {self._model.address} {tag} end" not in rows]

    def note(self, tag: str, what: str, row: dict[str, Any]) -> None:
        self._answers.put_many({f"batch {self._model.address} {tag} {what}": row})


class _Rounds:
    """Hand in, wait, harvest, until every unit has its reply."""

    def __init__(self, buyer: Batched, client: Client, batches: Batches) -> None:
        self._buyer, self._client, self._batches = buyer, client, batches
        self._answers, self._purse, self._clock = buyer._answers, buyer._purse, buyer._clock  # pyright: ignore[reportPrivateUsage]
        self._address = buyer._model.address  # pyright: ignore[reportPrivateUsage]
        self._known = buyer._known  # pyright: ignore[reportPrivateUsage]

    async def run(self) -> None:
        for batch in self._buyer.noted():
            await self._resume(batch)
        fruitless, fruitful = 0, False
        while todo := self._buyer.unsettled():
            got = await self._round(todo)
            fruitless, fruitful = (0, True) if got else (fruitless + 1, fruitful)
            if fruitless == FRUITLESS and fruitful:
                for unit in self._buyer.unsettled():
                    unit.give_up(f"no answer in {FRUITLESS} batches")
            elif fruitless == FRUITLESS:
                raise StoppedError(f"asking stopped: {FRUITLESS} batches of {self._address} brought no answer",
                                   hint="look at the provider's own list of batches; every answer is kept")

    async def _resume(self, batch: Batch) -> None:
        """A batch from before: by its id, else by its tag; where there is none, it was never handed in."""
        if batch.id is None:
            batch.id = await self._find(batch)
        if batch.id is None:
            self._buyer.note(batch.tag, "end", {"answers": 0, "why": "never arrived"})
            return
        await self._finish(batch)

    async def _find(self, batch: Batch) -> str | None:
        while True:
            late = self._clock.now() - batch.since > LATECOMERS
            found = await self._patient(lambda: self._batches.adopt(batch.tag, set(batch.keys), batch.since,
                                                                    self._known))
            if found is not None:
                self._buyer.note(batch.tag, "id", {"id": found})
                self._known.add(found)
            if found is not None or late:
                return found
            await self._clock.sleep(LATECOMERS / 4)

    async def _round(self, todo: list[Unit]) -> int:
        """One hand-in of all that there is money for; returns the number of answers."""
        self._take_kept(todo)
        todo = [unit for unit in todo if unit.reply is None]
        if not todo:
            return 1
        batches = list[Batch]()
        try:
            for part in self._parts(todo):
                batches.append(await self._submit(part))
            got = sum([await self._finish(batch) for batch in batches])
        finally:
            self._purse.settle_all()
        self._take_kept(todo)
        return got

    def _parts(self, todo: list[Unit]) -> Iterable[list[Unit]]:
        """Units that fit into one batch; none beyond the budget."""
        part, size = list[Unit](), 0
        for unit in {unit.key: unit for unit in todo}.values():
            expected = self._purse.expected(unit.request)
            if not self._purse.take(expected):
                break
            length = sum(map(len, unit.request.shared)) + sum(len(turn.content) for turn in unit.request.turns)
            if part and (len(part) == self._batches.most or size + 2 * length > MOST_BYTES):
                yield part
                part, size = [], 0
            part.append(unit)
            size += 2 * length
        if part:
            yield part

    async def _submit(self, part: list[Unit]) -> Batch:
        keys = [unit.key for unit in part]
        since = self._clock.now()
        tag = hashlib.sha256(json.dumps([keys, since]).encode()).hexdigest()[:32]
        batch = Batch(f"midspec-{tag}", keys, since)
        self._buyer.note(batch.tag, "intent", {"keys": keys, "since": since})
        bodies = {unit.key: self._client.body(unit.request) for unit in part}
        for trial in range(TRIES):
            try:
                batch.id = await self._batches.submit(batch.tag, bodies)
                self._known.add(batch.id)
                self._buyer.note(batch.tag, "id", {"id": batch.id})
                return batch
            except ProviderError as error:
                if not error.retryable:
                    self._buyer.note(batch.tag, "end", {"answers": 0, "why": error.message})
                    raise stopped(error) from error
                await self._clock.sleep(max(error.retry_after or 0.0, min(LONGEST_WAIT, FIRST_WAIT * 2**trial)))
                # It may have arrived although its answer did not: handing in again would pay twice.
                if error.billed or not error.busy:
                    batch.id = await self._find(batch)
                if batch.id is not None:
                    return batch
        raise StoppedError(f"asking stopped: {self._address} took no batch in {TRIES} tries",
                           hint="every answer is kept; the same command goes on once the provider answers")

    async def _finish(self, batch: Batch) -> int:
        """Wait for the end, keep every answer, note the end; returns the number of answers."""
        assert batch.id is not None
        ident, wait = batch.id, FIRST_LOOK
        while not await self._patient(lambda: self._batches.ended(ident)):
            await self._clock.sleep(wait)
            wait = min(LONGEST_LOOK, wait * 1.3)
        results = await self._patient(lambda: self._batches.results(ident))
        rows, hopeless = self._rows(results, set(batch.keys))
        self._answers.put_many(rows)
        self._buyer.note(batch.tag, "end", {"answers": len(rows)})
        if hopeless is not None:
            raise stopped(hopeless)
        return len(rows)

    def _rows(self, results: dict[str, Result], keys: set[str]) -> tuple[dict[str, Any], ProviderError | None]:
        """Ledger rows of a batch; answers that are kept already are not booked again."""
        units = {unit.key: unit for unit in self._buyer.unsettled()}
        wanted = [key for key in results if key in keys]
        kept = self._answers.get_many(wanted)
        rows: dict[str, Any] = {}
        hopeless: ProviderError | None = None
        for key in wanted:
            found, unit = results[key], units.get(key)
            if key in kept or found is None:
                continue
            if isinstance(found, ProviderError):
                if found.hopeless:
                    hopeless = found
                    continue
                answer = Answer("", "refusal", Usage())
            else:
                try:
                    answer = self._client.read(found)
                except ProviderError:
                    self._purse.lose(0.0 if unit is None else self._purse.expected(unit.request))
                    continue
            answer = answer if unit is None else counted(answer, unit.request)
            cost = self._purse.pay(answer.usage)
            rows[key] = {**answer.row(), "cost": cost} if unit is None else unit.row(answer, cost)
            if unit is not None:
                rows |= {part_key(part): {"text": part} for part in unit.request.shared}
        return rows, hopeless

    def _take_kept(self, todo: list[Unit]) -> None:
        while todo:
            kept = self._answers.get_many([unit.key for unit in todo])
            ready = [unit for unit in todo if unit.key in kept]
            for unit in ready:
                unit.take(kept[unit.key])
            todo = [unit for unit in ready if unit.reply is None]

    async def _patient(self, call: Callable[[], Awaitable[Made]]) -> Made:
        """A question that costs nothing, asked until it is answered."""
        for trial in range(TRIES):
            try:
                return await call()
            except ProviderError as error:
                if not error.retryable or trial == TRIES - 1:
                    raise stopped(error) from error
                await self._clock.sleep(max(error.retry_after or 0.0, min(LONGEST_WAIT, FIRST_WAIT * 2**trial)))
        raise AssertionError("not reached")
