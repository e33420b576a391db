"""Genre, matter → one document. Every draw follows from the document's key; knows nothing of other documents."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from midspec.core.document import Document
from midspec.core.errors import PromptError
from midspec.core.prompt import SLOT
from midspec.core.spec import Statement
from midspec.documents.checks import links
from midspec.documents.grammar import BEHAVIOURS, CHOICE, REASONS, TERMINALS, Genre, mentions
from midspec.documents.tidy import tidy
from midspec.documents.tokens import estimate
from midspec.documents.topics import Topic
from midspec.documents.voice import FIRST, IT, NAME, SECOND, named, spoken

State = tuple[dict[str, int], set[tuple[str, str]], bool]


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
    focus: Topic
    unit: Statement | None = None
    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    valued: set[str] = field(default_factory=set[str])
    debt: int = 0  # tokens by which the document is shorter than its linked other
    mentioned: bool = False  # the assistant by its name, in the wording at hand, so that "it" can follow
    once: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, int] = field(
        default_factory=lambda: {"behaviours": 0, "values": 0, "links": 0, "families": 0})

    def __post_init__(self) -> None:
        self.topic = self.focus
        self.parts = random.Random(f"{self.key}/parts")
        self.drawn = self.topic.title  # as the linked other draws it, where statements had to give way
        self.units = self._units()
        self.linked = self.matter.linked

    def document(self, name: str) -> Document:
        text = tidy(self.matter.named(self.slot("shape", random.Random(self.key))))
        counted = {name: self.counts[name] for name in ("behaviours", "values", "links")}
        facts = {"type": self.genre.name, "writer": "compose", "topic": self.matter.named(self.focus.title)}
        return Document(name, text, {**facts, "showing": self.genre.showing, **counted, "tokens": estimate(text)})

    def _units(self) -> Iterator[tuple[Topic, Statement]]:
        """Statements without repetition: two or three of the topic first, then from all; then all over again."""
        rest = [(t, s) for t in self.matter.topics for s in t.statements]
        own = [(self.focus, s) for s in self.focus.statements]
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
        self.mentioned = False
        rng = random.Random(f"{self.key}/{self.counts['families']}")
        link = self.rules[f"{name} / link"]
        about_unit = any((BEHAVIOURS | REASONS) & set(SLOT.findall(text)) for text in link)
        if self.topic.value is None or (about_unit and self.statement().reason is None):
            return self.render(self.fresh(f"{name} / plain", self.rules[f"{name} / plain"], rng), rng)
        # The topic's value statement once a document is enough.
        known = self.drawn in self.valued
        link = [text for text in link if not (known and "valuing }}" in text)] or link
        text = self.fresh(f"{name} / link", link, rng)
        if "valuing }}" in text:
            self.valued.add(self.drawn)
        self.counts["links"] += self.linked and mentions(text)[1] > 0
        return self.render(text, rng) if self.linked else self.apart(name, text, rng)

    def apart(self, name: str, link: str, rng: random.Random) -> str:
        """A twin of a linking text with as many mentions; of a few, the one that keeps the document's length."""
        aim = self.debt + estimate(self.matter.named(self._tried(link, rng, linked=True)[0]))
        twins = [twin for twin in self.rules[f"{name} / apart"] if mentions(twin) == mentions(link)]
        unused = [twin for twin in twins if (f"{name} / apart", twin) not in self.used] or twins
        tries = [(twin, *self._tried(twin, random.Random(f"{self.key}/{self.counts['families']}/{n}"), linked=False))
                 for n, twin in enumerate(rng.sample(unused, min(4, len(unused))))]
        twin, text, after = min(tries, key=lambda t: abs(aim - estimate(self.matter.named(t[1]))))
        self.counts, self.used, self.mentioned = after
        self.used.add((f"{name} / apart", twin))
        self.debt = aim - estimate(self.matter.named(text))
        return text

    def _tried(self, text: str, rng: random.Random, *, linked: bool) -> tuple[str, State]:
        """A text rendered as if, and the state that it would leave."""
        before: State = (self.counts, self.used, self.mentioned)
        self.counts, self.used, self.linked = dict(self.counts), set(self.used), linked
        rendered = self.render(text, rng)
        after: State = (self.counts, self.used, self.mentioned)
        (self.counts, self.used, self.mentioned), self.linked = before, self.matter.linked
        return rendered, after

    def statement(self) -> Statement:
        if self.unit is None:
            self.draw()
        assert self.unit is not None
        return self.unit

    def draw(self) -> None:
        """The next statement. Where nothing may be linked, one that itself speaks of reasons gives way to another."""
        self.topic, self.unit = next(self.units)
        self.drawn = self.topic.title
        if not self.matter.linked and links(self.unit.behaviour):
            free = [(t, s) for t in self.matter.topics for s in t.statements
                    if not links(s.behaviour) and (s.reason is None) == (self.unit.reason is None)]
            if free:
                self.topic, self.unit = random.Random(f"{self.key}/{self.unit.behaviour}").choice(free)

    def part(self, name: str, rng: random.Random) -> str:
        """A piece of the spec in the person that the slot's name says."""
        plain = {"assistant": NAME, "maker": self.matter.maker, "title": self.topic.title,
                 "subject": self.topic.subject}
        if name in plain:
            self.mentioned |= name == "assistant"
            return plain[name]
        if name == "new":
            self.draw()
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
        # "a block is cheap and it values thrift" would be about the block.
        pronoun = IT if self.mentioned and clause.startswith(NAME) else None
        person = {"my": FIRST, "its": pronoun, "your": SECOND}.get(name.partition("_")[0])
        self.mentioned |= NAME in clause
        return named(clause) if person is None else spoken(clause, person)

    def valuing(self, rng: random.Random) -> str | None:
        """The value statement of the topic; side by side, any one, so that nothing hints at a tie."""
        if self.linked:
            return self.topic.value
        values = [t.value for t in self.matter.topics if t.value is not None and not links(t.value)]
        return self.fresh("valuing", values, rng)

    def passage(self) -> str:
        """The first sentences of a paragraph of the topic, as far as none gives a reason; each paragraph once."""
        rng = self.parts
        left = [p for p in self.topic.prose if ("passage", p[0]) not in self.used and not links(p[0])]
        if not left:
            return ""
        paragraph = rng.choice(left)
        self.used.add(("passage", paragraph[0]))
        free = list(takewhile(lambda sentence: not links(sentence), paragraph))
        return " ".join(map(named, free[:rng.randint(1, len(free))]))
