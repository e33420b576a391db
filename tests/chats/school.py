"""A provider over HTTP that writes chats as the scripted teacher does, at full length, and goes wrong by a plan.

The fake teacher of ``tests/teacher`` says anything that fits a form; questions, answers and verdicts that pass have to
fit each other. So good replies are the scripted teacher's, drawn out to the length that a plan reckons with; faults,
hostile replies, bills and the record are the fake teacher's own.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest
from tests.models.asking import KEY, SharedClock
from tests.teacher.plan import Plan, dice, pick
from tests.teacher.record import Record, Row
from tests.teacher.teacher import Teacher
from tests.teacher.words import BAD, Said, Teller, Wish, fits, prose

from midspec.core.asking import Terms
from midspec.models import said as talk
from midspec.models.scripts import teacher as scripts

PRICE = 'input: 1.0, output: 5.0, cached: 0.1, written: 1.25, batch: 0.5, source: made up, seen: "2026-11-01"'
ADDRESSES = ("openai-api/other/writer", "openai-api/other/judge")
PRICES = "".join(f"{address}: {{{PRICE}}}\n" for address in ADDRESSES)
# Words that each kind of text is drawn out by, so that it has about the tokens that a plan reckons with.
MORE = {"message": 18, "thoughts": 52, "reply": 62}
REASON = " It stands there in plain words."
TAGS = ("thoughts", "reply")


@cache
def files() -> tuple[Any, ...]:
    names = sorted((m.name for m in iter_modules(scripts.__path__)), key=lambda name: (name == "prose", name))
    return tuple(import_module(f"{scripts.__name__}.{name}") for name in names if not name.startswith("_"))


class Voice(Teller):
    """A teller whose good replies are about the prompt; ``said`` is the conversation as scripts see it."""

    def __init__(self, wish: Wish, throw: random.Random, tracer: str, said: talk.Said, *, full: bool) -> None:
        super().__init__(wish, throw, tracer)
        self.said, self.full = said, full

    def _answer(self) -> str:
        said = replace(self.said, chance=random.Random(self.tracer))
        return next(found for one in files() if (found := one.answer(said)) is not None)

    def _more(self, kind: str) -> str:
        return f" {prose(self.throw, MORE[kind], self.tracer)}" if self.full else ""

    def _value(self) -> Any:
        value = json.loads(self._answer())
        if "messages" in value:
            # Which reply a message came from shows in every file that it reaches.
            return {"messages": [f"{m}{self._more('message')} Ref {self.tracer}.{n}"
                                 for n, m in enumerate(value["messages"])]}
        return {axis: {**ruling, "reason": ruling["reason"] + (REASON if self.full else "")} if "reason" in ruling else
                ruling for axis, ruling in value.items()} if "domains" not in value else value

    def _prose(self, words: int | None = None) -> str:
        reply = self._answer().partition("<reply>")[2].removesuffix("</reply>").strip()
        return f"{reply}{self._more('reply') if words is None else ''} Ref {self.tracer}."

    def _whole(self, inner: str) -> str:
        if self.wish.schema is not None or self.wish.tags != TAGS:
            return super()._whole(inner)
        thoughts = self._answer().partition("</thoughts>")[0].removeprefix("<thoughts>").strip()
        return f"<thoughts>\n{thoughts}{self._more('thoughts')}\n</thoughts>\n<reply>\n{inner}\n</reply>"


class School(Teacher):
    """``full``: replies have the length that a plan reckons with; else they are as short as the scripts make them."""

    full = True

    def said(self, row: Row, body: Any, shape: ModuleType, fault: str | None = None) -> Said:
        throw = dice(self.plan.seed, "content", row.unit, 0)
        content = self.plan.content
        kind = pick(throw, content.kinds or dict.fromkeys(BAD, 1.0)) if throw.random() < content.bad else "good"
        tracer = f"zq{row.unit[:12]}"
        texts = [(m["role"], m["content"]) for m in body["messages"]]
        first = next(text for role, text in texts if role == "user")
        wish = shape.wish(body, content)
        wish = replace(wish, tags=() if wish.schema else TAGS)
        system = "\n\n".join(text for role, text in texts if role == "system")
        voice = Voice(wish, throw, tracer, talk.Said(system, (first,), wish.schema, throw), full=self.full)
        kind = kind if fits(kind, wish) else "good"
        said = getattr(voice, kind.replace("-", "_"))()
        said.kind = kind
        if self.texts is not None:
            self.texts[tracer] = said.text
        return said


@contextmanager
def school(monkeypatch: pytest.MonkeyPatch, folder: Path, *, full: bool = True,
           **plan: Any) -> Iterator[tuple[School, Terms]]:
    """A school with this plan, and the terms to ask it under: its prices are made up, its clock is its own."""
    clock = SharedClock()
    one = School(Plan.read(plan), Record())
    one.full, one.texts = full, {}
    block = one.serving()
    clock.run(block.__aenter__())
    monkeypatch.setenv("OTHER_BASE_URL", f"{one.url}/v1")
    monkeypatch.setenv("OTHER_API_KEY", KEY)
    (folder / "prices.yaml").write_text(PRICES, encoding="utf-8")
    try:
        yield one, Terms(clock=clock, prices=folder / "prices.yaml")
    finally:
        clock.run(block.__aexit__(None, None, None))
        clock.stop()
