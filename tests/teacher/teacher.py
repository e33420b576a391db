"""Requests → answers by the plan, every one of them in the record. Time is the running loop's, real or virtual."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.teacher import anthropic_shape, openai_shape
from tests.teacher.bill import Bill
from tests.teacher.billing import Buckets, Prefixes, tokens
from tests.teacher.jobs import Jobs
from tests.teacher.plan import CHARGED, WHOLE, Plan, dice, pick
from tests.teacher.record import Record, Row
from tests.teacher.wire import Answer, Request, Wire
from tests.teacher.words import BAD, USABLE, Said, say

PLAIN_FAULTS = {
    "429": "429",
    "429-seconds": "429",
    "429-ms": "429",
    "429-date": "429",
    "500": "500",
    "503": "503",
    "529": "529",
}
SIGN_IN = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in to the network.</body></html>"
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
MANNERS = {"reset-before", "reset-mid", "reset-after", "hang", "slow", "short"}


class Teacher:
    """The provider. One per loop; ``url`` is known once it serves."""

    def __init__(self, plan: Plan, record: Record) -> None:
        self.plan, self.record = plan, record
        self.url = ""
        self.calls = 0
        self.in_flight = self.most_in_flight = 0
        self.attempts: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.not_before: dict[str, float] = {}
        self.prefixes = Prefixes(plan.cache)
        self.buckets = Buckets(plan.limits)
        self.jobs = Jobs(self)
        self.epoch = time.time()
        self._zero: float | None = None
        self.texts: dict[str, str | None] | None = None  # by tracer, where a test wants them

    def now(self) -> float:
        """Seconds since the start."""
        return asyncio.get_running_loop().time() - (self._zero or 0.0)

    def wall(self) -> float:
        return self.epoch + self.now() * self.plan.speed

    def shape(self, api: str) -> ModuleType:
        return anthropic_shape if api == anthropic_shape.NAME else openai_shape

    async def handle(self, request: Request) -> Answer:
        shape = anthropic_shape if "/messages" in request.path else openai_shape
        path = request.path.removeprefix("/v1").rstrip("/")
        if request.path == "/teacher":
            return _json(200, self.state())
        if (refused := self._refused(request, shape)) is not None:
            return refused
        if request.method == "POST" and path in ("/chat/completions", "/messages"):
            return await self._call(request, shape)
        return self.jobs.handle(request, path, shape)

    def state(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "seconds": self.now(),
            "wall": self.wall(),
            "epoch": self.epoch,
            "counts": dict(self.record.counts),
            "batches": self.jobs.state(),
            "plan": self.plan.as_json(),
        }

    def _refused(self, request: Request, shape: ModuleType) -> Answer | None:
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key or (self.plan.keys and key not in self.plan.keys):
            return _json(*shape.error("401", {}))
        return None

    async def _call(self, request: Request, shape: ModuleType) -> Answer:
        number, arrived = self.calls, self.now()
        self.calls += 1
        try:
            body = json.loads(request.body)
        except ValueError:
            return _json(*shape.bad_request("We could not parse the JSON body of your request."))
        row = self.row("call", number, arrived, shape, body, request.headers.get("idempotency-key"))
        row.attempt = self.attempts[row.unit]
        self.attempts[row.unit] += 1
        row.early_s = max(0.0, self.not_before.pop(row.unit, 0.0) - arrived)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        answer = await self._answer(row, body, shape)
        answer.done = lambda written: self._end(row, written)
        answer.headers |= {
            "date": format_datetime(datetime.fromtimestamp(self.wall(), UTC), usegmt=True),
            "request-id" if shape is anthropic_shape else "x-request-id": f"req_{number}",
        }
        return answer

    def _end(self, row: Row, written: bool) -> None:
        self.in_flight -= 1
        row.written, row.ended = written, self.now()
        if row.wait_s is not None and not written:
            # Nobody was there to be told to wait: the connection had been reset behind the answer before.
            self.not_before.pop(row.unit, None)
        self.record.add(row)

    def row(self, kind: str, number: int, at: float, shape: ModuleType, body: Any, draw: str | None) -> Row:
        digest = _digest(json.dumps(body, sort_keys=True))
        return Row(number, kind, at, shape.NAME, _digest(f"{digest} {draw}") if draw else digest, digest, draw, 0)

    async def _answer(self, row: Row, body: Any, shape: ModuleType) -> Answer:
        hopeless = self.plan.hopeless
        if hopeless.kind is not None and row.number >= hopeless.start:
            return self._error(row, f"hopeless:{hopeless.kind}", *shape.error(hopeless.kind, body))
        if (why := shape.wrong(body)) is not None:
            return self._error(row, "refused:body", *shape.bad_request(why))
        if self.plan.models and body["model"] not in self.plan.models:
            return self._error(row, "refused:model", *shape.error("404", body))
        if (limited := self._limited(row, body, shape)) is not None:
            return limited
        fault = self.plan.fault(row.unit, row.attempt)
        if fault == "redirect":
            answer = self._error(row, "fault:redirect", 307, {})
            answer.headers["location"] = "http://127.0.0.1:9/v1/chat/completions"
            return answer
        if fault in PLAIN_FAULTS:
            return self._plain(row, fault, body, shape)
        return await self._generated(row, fault, body, shape)

    def _error(self, row: Row, outcome: str, status: int, body: dict[str, Any]) -> Answer:
        row.outcome, row.status = outcome, status
        return _json(status, body)

    def _limited(self, row: Row, body: Any, shape: ModuleType) -> Answer | None:
        size = 0
        if any(one.tokens_per_minute for one in self.plan.limits):
            size = shape.reckon(body, self.prefixes, row.at)[0].prompt + int(self.plan.content.words * 1.5)
        wait = self.buckets.take(size, row.at)
        if wait is None:
            return None
        limit = self.buckets.limit(row.at)
        assert limit is not None
        answer = self._error(row, "limit", *shape.error("429", body))
        answer.headers |= shape.limits(limit.requests_per_minute, self.buckets.left("requests"), wait)
        return self._wait(row, answer, limit.retry_after, wait)

    def _wait(self, row: Row, answer: Answer, form: str, seconds: float) -> Answer:
        """With the header that asks for this wait, and the moment remembered before which nobody may come again."""
        if form == "none":
            return answer
        if form == "seconds":
            seconds = float(math.ceil(seconds))
            answer.headers["retry-after"] = f"{seconds:.0f}"
        elif form == "ms":
            answer.headers["retry-after-ms"] = f"{seconds * 1000:.0f}"
        else:
            until = math.ceil(self.wall() + seconds)
            answer.headers["retry-after"] = format_datetime(datetime.fromtimestamp(until, UTC), usegmt=True)
            seconds = until - self.wall()
        row.wait_s = seconds
        self.not_before[row.unit] = self.now() + seconds
        return answer

    def _plain(self, row: Row, fault: str, body: Any, shape: ModuleType) -> Answer:
        answer = self._error(row, f"fault:{fault}", *shape.error(PLAIN_FAULTS[fault], body))
        seconds = dice(self.plan.seed, "wait", row.unit, row.attempt).uniform(*self.plan.faults.wait_s)
        form = fault.partition("-")[2]
        return self._wait(row, answer, form or "none", seconds)

    async def _generated(self, row: Row, fault: str | None, body: Any, shape: ModuleType) -> Answer:
        row.outcome, row.status = f"fault:{fault}" if fault else "reply", 200
        if fault == "hang":
            return Answer(manner="hang", seconds=self.plan.faults.hang_s)
        said = self.said(row, body, shape, fault)
        bill, marks = shape.reckon(body, self.prefixes, row.at)
        bill = replace(bill, out=tokens(said.text or ""))
        latency = self.plan.latency
        spread = dice(self.plan.seed, "latency", row.unit, row.attempt).uniform(1 - latency.spread, 1 + latency.spread)
        seconds = (latency.first_s + bill.out * latency.token_s) * spread
        if latency.later_from is not None and row.number >= latency.later_from:
            seconds += latency.later_s
        self.prefixes.store(marks, row.at + seconds)
        await asyncio.sleep(seconds)
        return self._charge(row, fault, said, bill, shape, body)

    def _charge(self, row: Row, fault: str | None, said: Said, bill: Bill, shape: ModuleType, body: Any) -> Answer:
        row.paid = fault is None or fault in WHOLE or fault in CHARGED
        whole = fault is None or fault in WHOLE
        row.content, row.tracer, row.usable = said.kind, said.tracer, said.usable and whole
        row.tokens_in, row.tokens_read, row.tokens_stored, row.tokens_out = bill.fresh, bill.read, bill.stored, bill.out
        made = shape.reply(body, said, bill, f"{row.unit}{row.attempt}", int(self.wall()), usage=fault != "no-usage")
        if fault == "no-choices":
            made["choices" if shape is openai_shape else "content"] = []
        answer = Answer(body=json.dumps(made).encode())
        if fault in ("error-200", "502-html", "wrong-type", "empty-body"):
            row.content, row.tracer = "", ""
            return self._instead(row, fault, body, shape)
        if fault in MANNERS:
            answer.manner, answer.seconds = fault, self.plan.faults.slow_s
        elif fault == "duplicate":
            answer.manner = "twice"
        elif fault in ("truncated", "malformed", "not-utf8"):
            answer.body = _spoiled(answer.body, fault)
        return answer

    def _instead(self, row: Row, fault: str, body: Any, shape: ModuleType) -> Answer:
        if fault == "error-200":
            return _json(200, shape.error("500", body)[1])
        if fault == "empty-body":
            return Answer()
        row.status = 502 if fault == "502-html" else 200
        page = BAD_GATEWAY if fault == "502-html" else SIGN_IN
        return Answer(row.status, page, {"content-type": "text/html"})

    def said(self, row: Row, body: Any, shape: ModuleType, fault: str | None = None) -> Said:
        """The text for a unit: always the same where the client names its draws, else a new one each time."""
        content = self.plan.content
        index = 0 if row.draw else self.told[row.unit]
        if fault is None or fault in WHOLE:
            self.told[row.unit] += 1
        throw = dice(self.plan.seed, "content", row.unit, index)
        wish = shape.wish(body, content)
        kinds = content.kinds or dict.fromkeys(BAD, 1.0)
        kind = "good"
        if throw.random() < content.bad:
            kind = pick(throw, kinds)
        tracer = f"zq{_digest(f'{self.plan.seed} {row.unit} {index}')[:12]}"
        said = say(kind, wish, throw, tracer)
        if fault == "surrogate" and said.text:
            said.text, said.kind = f"{said.text[:-20]}\ud83d{said.text[-20:]}", "surrogate"
        if fault == "huge-line" and said.text:
            line = " ".join(f"{throw.getrandbits(40):x}" for _ in range(self.plan.faults.huge_bytes // 11))
            said.text, said.kind = said.text.replace(tracer, f"{tracer} {line}", 1), "huge-line"
        if self.texts is not None:
            self.texts[tracer] = said.text
        return said

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[Teacher]:
        """Answers on 127.0.0.1 until the block ends; may be entered again, on another loop that goes on in time."""
        loop = asyncio.get_running_loop()
        if self._zero is None:
            self._zero = loop.time()
        living: set[Wire] = set()
        server = await loop.create_server(lambda: Wire(self.handle, living), "127.0.0.1", port, backlog=4096)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for wire in list(living):
                wire.transport.abort()
                if wire.task is not None:
                    wire.task.cancel()
            await asyncio.sleep(0)


def teacher(plan: Plan | dict[str, Any] | None = None, record: Path | None = None) -> Teacher:
    """A teacher by a plan, a plan's JSON or the default; rows go to a file where one is given, else stay in memory."""
    made = plan if isinstance(plan, Plan) else Plan.read(plan)
    assert set(made.content.kinds) <= {*USABLE, *BAD, "placeholder"}, f"classes: {', '.join((*USABLE, *BAD))}"
    return Teacher(made, Record(record))


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _spoiled(body: bytes, fault: str) -> bytes:
    if fault == "truncated":
        return body[: len(body) * 3 // 5]
    if fault == "malformed":
        return body.replace(b'": ', b'" ', 4)
    return body.replace(b" ", b" \xff\xfe", 1)
