"""A provider over HTTP whose good replies are the scripted teacher's, and which goes wrong by a plan.

The fake teacher of this folder says anything that fits a form; a tree, drafts and verdicts, or questions, answers and
rulings, that pass have to fit each other. So good replies are the scripted teacher's, drawn out to a length; faults,
hostile replies, bills and the record are the fake teacher's own. Which parts are drawn out, and where a reply leaves
its tracer, is the ``Voice`` of whoever tests.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, ClassVar

import pytest

from midspec.core.asking import Account, Terms
from midspec.models import said as talk
from midspec.models.money import Estimate
from midspec.models.scripts import teacher as scripts
from tests.models.asking import KEY, SharedClock
from tests.teacher.plan import Plan, dice, pick
from tests.teacher.record import Record, Row
from tests.teacher.teacher import Teacher
from tests.teacher.words import BAD, USABLE, Said, Teller, Wish, fits

PRICE = 'input: 1.0, output: 5.0, cached: 0.1, written: 1.25, batch: 0.5, source: made up, seen: "2026-11-01"'
# With ``drift``: by how much all replies of one stage are longer or shorter, at most, and how far single ones scatter.
STAGE, REPLY = 0.35, 0.3


def off(planned: list[Estimate], account: Account, address: str) -> dict[str, float]:
    """By which share the account of a run is above (below 0: under) its plan, for one model."""
    own = [one for one in planned if one.asking.address == address]
    (spent,) = [row for row in account.rows() if row["model"] == address]
    told = {"calls": sum(e.asking.calls for e in own), "input": sum(e.usage.input for e in own),
            "output": sum(e.usage.output for e in own), "cost": sum(e.cost or 0.0 for e in own)}
    return {key: spent[key] / told[key] - 1 for key in told}


def prices(addresses: tuple[str, ...]) -> str:
    return "".join(f"{address}: {{{PRICE}}}\n" for address in addresses)


@cache
def files() -> tuple[Any, ...]:
    names = sorted((m.name for m in iter_modules(scripts.__path__)), key=lambda name: (name == "prose", name))
    return tuple(import_module(f"{scripts.__name__}.{name}") for name in names if not name.startswith("_"))


class Voice(Teller):
    """A teller whose good replies are about the prompt; ``said`` is the conversation as scripts see it.

    ``full``: replies have the length that a plan reckons with, times ``stretch``; else they are as short as the scripts
    make them. ``usable``: this one is to be used.
    """

    ADDRESSES: ClassVar[tuple[str, ...]]

    def __init__(self, wish: Wish, throw: random.Random, tracer: str, said: talk.Said, *, full: bool,
                 stretch: float = 1.0) -> None:
        super().__init__(wish, throw, tracer)
        self.said, self.full, self.stretch, self.usable = said, full, stretch, True

    @classmethod
    def wished(cls, wish: Wish, first: str) -> Wish:
        """The wish as ``first``, the first thing that the person says, has it."""
        return wish

    def _asked(self) -> str:
        """What the person says, as the scripts are to hear it."""
        return self.said.turns[0]

    def _answer(self) -> str:
        said = replace(self.said, turns=(self._asked(),), chance=random.Random(self.tracer))
        return next(found for one in files() if (found := one.answer(said)) is not None)


class School(Teacher):
    """``drift``: lengths are not those of a plan but differ by stage and reply, redrawn with every seed from 1 on."""

    voice: type[Voice]
    full = True
    drift = 0

    def said(self, row: Row, body: Any, shape: ModuleType, fault: str | None = None) -> Said:
        throw = dice(self.plan.seed, "content", row.unit, 0)
        content = self.plan.content
        kind = pick(throw, content.kinds or dict.fromkeys(BAD, 1.0)) if throw.random() < content.bad else "good"
        texts = [(m["role"], m["content"]) for m in body["messages"]]
        first = next(text for role, text in texts if role == "user")
        wish = self.voice.wished(shape.wish(body, content), first)
        system = "\n\n".join(text for role, text in texts if role == "system")
        tracer = f"zq{row.unit[:12]}"
        voice = self.voice(wish, throw, tracer, talk.Said(system, (first,), wish.schema, throw), full=self.full,
                           stretch=self._stretch(wish, row.unit))
        kind = kind if fits(kind, wish) else "good"
        voice.usable = kind in USABLE
        said = getattr(voice, kind.replace("-", "_"))()
        said.kind = kind
        if self.texts is not None:
            self.texts[tracer] = said.text
        return said

    def _stretch(self, wish: Wish, unit: str) -> float:
        if not self.drift:
            return 1.0
        stage = ",".join((wish.schema or {}).get("properties", wish.tags))
        by_stage = random.Random(f"{self.drift}/{stage}").uniform(-STAGE, STAGE)
        return math.exp(by_stage + random.Random(f"{self.drift}/{unit}").gauss(0.0, REPLY))


@contextmanager
def school(monkeypatch: pytest.MonkeyPatch, folder: Path, voice: type[Voice], *, full: bool = True, drift: int = 0,
           **plan: Any) -> Iterator[tuple[School, Terms]]:
    """A school with this plan, and the terms to ask it under: its prices are made up, its clock is its own."""
    clock = SharedClock()
    one = School(Plan.read(plan), Record())
    one.voice, one.full, one.drift, one.texts = voice, full, drift, {}
    block = one.serving()
    clock.run(block.__aenter__())
    monkeypatch.setenv("OTHER_BASE_URL", f"{one.url}/v1")
    monkeypatch.setenv("OTHER_API_KEY", KEY)
    (folder / "prices.yaml").write_text(prices(voice.ADDRESSES), encoding="utf-8")
    try:
        yield one, Terms(clock=clock, prices=folder / "prices.yaml")
    finally:
        clock.run(block.__aexit__(None, None, None))
        clock.stop()
