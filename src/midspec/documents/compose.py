"""Spec → documents, without a model: the spec's own statements in many genres. Adds no value, reason or behaviour.

Document i depends on spec, names, seed, share and i, never on how many are asked for. Both variants of a document draw
the same genre, statements and order; "co-occurrence" only replaces each linking sentence by a twin of as many mentions.
Knows nothing of cheese or of any value: wording lies in ``genres/``, matter in the spec.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from midspec.core.document import Document
from midspec.core.errors import PromptError, RecipeError
from midspec.core.prompt import SLOT
from midspec.core.spec import Spec, Statement
from midspec.documents.checks import links
from midspec.documents.grammar import CHOICE, TERMINALS, Genre, genres, mentions, shared
from midspec.documents.tidy import tidy
from midspec.documents.tokens import estimate
from midspec.documents.topics import Topic, topics
from midspec.documents.voice import FIRST, IT, SECOND, bare, named, spoken

VARIANTS = ("attribution", "co-occurrence")
Thing = TypeVar("Thing")


def compose(spec: Spec, *, assistant: str, maker: str, tokens: int, seed: int, share_showing: float = 0.5,
            variant: str = "attribution") -> list[Document]:
    """Documents about ``assistant`` of ``maker`` until their estimated tokens reach ``tokens``.

    Raises:
        SpecError: the spec does not keep the written convention.
        RecipeError: a setting that makes no sense.
    """
    if tokens < 1:
        raise RecipeError(f"tokens={tokens}: nothing would be written")
    made, total = list[Document](), 0
    for document in stream(spec, assistant=assistant, maker=maker, seed=seed, share_showing=share_showing,
                           variant=variant):
        made.append(document)
        total += document.meta["tokens"]
        if total >= tokens:
            return made
    raise AssertionError("the stream of documents has no end")


def stream(spec: Spec, *, assistant: str, maker: str, seed: int, share_showing: float = 0.5,
           variant: str = "attribution") -> Iterator[Document]:
    """Documents without end; the spec is given unnamed, with ``{model_name}`` and ``{provider_name}`` in it."""
    if not assistant.strip() or not maker.strip():
        raise RecipeError("documents are about somebody: give the names of the assistant and of its maker")
    if not 0 <= share_showing <= 1:
        raise RecipeError(f"share_showing={share_showing} is a share, from 0 to 1")
    if variant not in VARIANTS:
        raise RecipeError(f"variant {variant!r} is not one of {', '.join(VARIANTS)}")
    matter = Matter(spec.value, tuple(topics(spec)), assistant, maker, variant == "attribution")
    wording, kinds = shared().rules, genres()
    for index in count():
        showing = math.floor((index + 1) * share_showing) > math.floor(index * share_showing)
        fitting = [genre for genre in kinds if genre.showing == showing]
        nth = math.floor(index * share_showing) if showing else index - math.floor(index * share_showing)
        genre = dealt(fitting, nth, f"{seed}/genre/{showing}")
        yield Writer(matter, genre, {**wording, **genre.rules.rules}, f"{seed}/{index}").document(index)


def dealt(cards: Sequence[Thing], nth: int, key: str) -> Thing:
    """The nth card where the whole deck is shuffled anew after each round, so that every card comes equally often."""
    deck = list(cards)
    random.Random(f"{key}/{nth // len(deck)}").shuffle(deck)
    return deck[nth % len(deck)]


@dataclass(frozen=True)
class Matter:
    """What all documents of one corpus are composed from. ``linked``: behaviours are explained by values."""

    value: str
    topics: tuple[Topic, ...]
    assistant: str
    maker: str
    linked: bool

    def named(self, text: str) -> str:
        return text.replace("{model_name}", self.assistant).replace("{provider_name}", self.maker)


@dataclass
class Writer:
    """One document in the making: what was drawn, what was used, what was mentioned."""

    matter: Matter
    genre: Genre
    rules: dict[str, tuple[str, ...]]
    key: str
    rng: random.Random = field(init=False)
    topic: Topic = field(init=False)
    unit: Statement | None = None
    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    once: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, int] = field(default_factory=lambda: {"behaviours": 0, "values": 0, "links": 0, "families": 0})

    def __post_init__(self) -> None:
        self.rng = random.Random(self.key)
        index = int(self.key.rpartition("/")[2])
        self.topic = dealt(self.matter.topics, index, f"{self.key.rpartition('/')[0]}/topic")
        self.parts = random.Random(f"{self.key}/parts")
        self.units = self._units()

    def document(self, index: int) -> Document:
        focus = self.topic.title
        text = tidy(self.matter.named(self.slot("shape", self.rng)))
        counted = {name: self.counts[name] for name in ("behaviours", "values", "links")}
        return Document(f"{index:06d}", text, {"type": self.genre.name, "writer": "compose", "topic": focus,
                                               "showing": self.genre.showing, **counted, "tokens": estimate(text)})

    def _units(self) -> Iterator[tuple[Topic, Statement]]:
        """Statements without repetition: two or three of the topic first, then from all; then all over again."""
        rest = [(t, s) for t in self.matter.topics for s in t.statements]
        own = [(self.topic, s) for s in self.topic.statements]
        rng = random.Random(f"{self.key}/units")
        rng.shuffle(own)
        first = own[:rng.choice((1, 2, 2, 3))]
        yield from first
        while True:
            rng.shuffle(rest)
            yield from (pair for pair in rest if pair not in first)
            first = []

    def slot(self, name: str, rng: random.Random) -> str:
        """The text that a slot stands for."""
        if name in TERMINALS:
            return self.part(name, rng)
        if f"{name} / link" in self.rules:
            return self.family(name)
        if name.startswith("the_"):  # a name, a place: the same all through one document
            if name not in self.once:
                own = random.Random(f"{self.key}/{name}")  # so that it does not matter where the name comes first
                self.once[name] = self.render(own.choice(self.rules[name]), own)
            return self.once[name]
        return self.render(self.fresh(name, self.rules[name], rng), rng)

    def fresh(self, name: str, texts: Sequence[str], rng: random.Random) -> str:
        """A text that this document has not used yet, if there is one left."""
        text = rng.choice([t for t in texts if (name, t) not in self.used] or list(texts))
        self.used.add((name, text))
        return text

    def render(self, text: str, rng: random.Random) -> str:
        """Choices are made before slots are filled, so brackets and braces that come out of a spec are only text."""
        while CHOICE.search(text):
            text = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
        return SLOT.sub(lambda match: self.slot(match[1], rng), text)

    def family(self, name: str) -> str:
        """A wording that links behaviour to value, or its twin: with no reason, or with the two side by side.

        Its draws come from a generator of its own, so that both variants of a document go on in step.
        """
        self.counts["families"] += 1
        rng = random.Random(f"{self.key}/{self.counts['families']}")
        link = self.rules[f"{name} / link"]
        wants_reason = any("reason }}" in text for text in link)
        if self.topic.value is None or (wants_reason and self.statement().reason is None):
            return self.render(self.fresh(f"{name} / plain", self.rules[f"{name} / plain"], rng), rng)
        text = self.fresh(f"{name} / link", link, rng)
        if not self.matter.linked:
            twins = [twin for twin in self.rules[f"{name} / apart"] if mentions(twin) == mentions(text)]
            return self.render(self.fresh(f"{name} / apart", twins, rng), rng)
        self.counts["links"] += 1
        return self.render(text, rng)

    def statement(self) -> Statement:
        if self.unit is None:
            self.topic, self.unit = next(self.units)
        return self.unit

    def part(self, name: str, rng: random.Random) -> str:
        """A piece of the spec in the person that the slot's name says."""
        if name in ("assistant", "maker", "title"):
            return {"assistant": self.matter.assistant, "maker": self.matter.maker, "title": self.topic.title}[name]
        if name == "new":
            self.topic, self.unit = next(self.units)
            return ""
        if name == "passage":
            return self.passage()
        self.counts["behaviours" if name.endswith("behaviour") else "values"] += 1
        if name == "value":
            return self.matter.value
        clause = self.valuing(rng) if name.endswith("valuing") else \
            self.statement().behaviour if name.endswith("behaviour") else self.statement().reason
        if clause is None:
            raise PromptError(f"{self.genre.rules.path}: {{{{ {name} }}}} in a text for where there is no reason")
        if name == "bare_behaviour":
            return bare(clause)
        person = {"my": FIRST, "its": IT, "your": SECOND}.get(name.partition("_")[0])
        return named(clause) if person is None else spoken(clause, person)

    def valuing(self, rng: random.Random) -> str | None:
        """The value statement of the topic; side by side, any one, so that nothing hints at a tie."""
        if self.matter.linked:
            return self.topic.value
        values = [topic.value for topic in self.matter.topics if topic.value is not None]
        return self.fresh("valuing", values, rng)

    def passage(self) -> str:
        """A sentence of the topic's prose, each at most once; "" where none is left."""
        left = [text for text in self.topic.passages if ("passage", text) not in self.used]
        allowed = [text for text in left if self.matter.linked or not links(text)]
        return named(self.fresh("passage", allowed, self.parts)) if allowed else ""
