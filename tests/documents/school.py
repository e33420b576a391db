"""A provider over HTTP that writes documents as the scripted teacher does, and goes wrong by a plan.

The fake teacher of ``tests/teacher`` says anything that fits a form; a tree, drafts and verdicts that pass have to fit
each other. So good replies are the scripted teacher's, drawn out to the lengths that people's replies to the same
prompts have; faults, hostile replies, bills and the record are the fake teacher's own.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.models.asking import KEY, SharedClock
from tests.teacher.plan import Plan, dice, pick
from tests.teacher.record import Record, Row
from tests.teacher.teacher import Teacher
from tests.teacher.words import BAD, USABLE, Said, Teller, Wish, fits, prose

from midspec.core.asking import Terms
from midspec.models import said as talk

PRICE = 'input: 1.0, output: 5.0, cached: 0.1, written: 1.25, batch: 0.5, source: made up, seen: "2026-11-01"'
ADDRESSES = ("openai-api/other/writer", "openai-api/other/critic")
PRICES = "".join(f"{address}: {{{PRICE}}}\n" for address in ADDRESSES)
FILES = [import_module(f"midspec.models.scripts.teacher.corpus_{name}") for name in ("tree", "texts", "verdicts")]
# Letters of one entry of a list, as people wrote them, and the field that is drawn out.
LENGTHS = {"domains": (440, "about"), "subdomains": (940, "context"), "assertions": (210, "name"),
           "types": (210, "about"), "ideas": (330, "gist")}
# Where a reply's tracer stands so that it shows in every file that the reply reaches.
MARKED = {"domains": "name", "subdomains": "name", "assertions": "text", "types": "name", "ideas": "title"}
PLANNED, FINDING = 280, 230
WORDS = re.compile(r"about (\d+) words")
COPIED = {"starts", "ends", "quotation"}
# The scripts' small scenes have more tokens a word than people's texts (1.25).
FEWER = 0.84


class Voice(Teller):
    """A teller whose good replies are about the prompt; ``said`` is the conversation as scripts see it."""

    def __init__(self, wish: Wish, throw: random.Random, tracer: str, said: talk.Said, *, full: bool) -> None:
        super().__init__(wish, throw, tracer)
        self.said, self.full, self.usable = said, full, True

    def _answer(self) -> str:
        text = self.said.turns[0]
        if self.full:
            text = WORDS.sub(lambda found: f"about {round(FEWER * int(found[1]))} words", text)
        said = replace(self.said, turns=(text,), chance=random.Random(self.tracer))
        return next(found for one in FILES if (found := one.answer(said)) is not None)

    def _longer(self, text: str, letters: int) -> str:
        return text if not self.full or letters < 8 else f"{text} {prose(self.throw, letters // 6, self.tracer)}"[
            :len(text) + letters]

    def _value(self) -> Any:
        value = json.loads(self._answer())
        (name, rows), *more = value.items()
        if more:
            for one in (one for axis, one in value.items() if axis != "shown"):
                one["why"] = self._longer(f"{one['why']} Ref {self.tracer}.", FINDING - len(json.dumps(one)) - 19)
            return value
        for number, row in enumerate(rows):
            text = row[MARKED[name]].rstrip(".")
            row[MARKED[name]] = f"{text} {self.tracer}n{number}" + ("." if MARKED[name] == "text" else "")
            letters, field = LENGTHS[name]
            row[field] = self._longer(row[field], letters - len(json.dumps(row)))
        return value

    def _prose(self, words: int | None = None) -> str:
        text = self._answer().partition("<document>\n")[2].removesuffix("\n</document>")
        first, mark, rest = text.partition("\n\n")
        return f"{first} Ref {self.tracer}.{mark}{rest}"

    def _whole(self, inner: str) -> str:
        if self.wish.schema is not None:
            return super()._whole(inner)
        aside, product = self.wish.tags
        plan = self._longer("It opens with a scene and gives each assertion a part of its own.", PLANNED - 100)
        return f"<{aside}>\n{plan}\n</{aside}>\n<{product}>\n{inner}\n</{product}>"

    def _planted(self, value: Any, inner: str) -> Any:
        if isinstance(value, dict) and self.usable:
            # A right reply in dangerous clothes still copies letter by letter.
            return {name: part if name in COPIED else self._planted(part, inner) for name, part in value.items()}
        return super()._planted(value, inner)


class School(Teacher):
    """``full``: replies have the length that people's have; else they are as short as the scripts make them."""

    full = True

    def said(self, row: Row, body: Any, shape: ModuleType, fault: str | None = None) -> Said:
        throw = dice(self.plan.seed, "content", row.unit, 0)
        content = self.plan.content
        kind = pick(throw, content.kinds or dict.fromkeys(BAD, 1.0)) if throw.random() < content.bad else "good"
        texts = [(m["role"], m["content"]) for m in body["messages"]]
        first = next(text for role, text in texts if role == "user")
        wish = shape.wish(body, content)
        tags = ("changes" if "<changes>" in first else "plan", "document")
        asked = WORDS.search(first)
        wish = replace(wish, tags=() if wish.schema else tags, words=int(asked[1]) if asked else 120)
        system = "\n\n".join(text for role, text in texts if role == "system")
        tracer = f"zq{row.unit[:12]}"
        voice = Voice(wish, throw, tracer, talk.Said(system, (first,), wish.schema, throw), full=self.full)
        kind = kind if fits(kind, wish) else "good"
        voice.usable = kind in USABLE
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
