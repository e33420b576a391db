"""Genre, matter → one document. Every draw follows from the document's key; knows nothing of other documents."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from midspec.core.document import Document
from midspec.core.errors import PromptError
from midspec.core.prompt import SLOT
from midspec.core.spec import Statement
from midspec.documents.apart import NOUN, Loose, loosened, paragraphs
from midspec.documents.checks import links
from midspec.documents.grammar import BEHAVIOURS, CHOICE, FINAL, REASONS, TERMINALS, VALUES, Genre, mentions
from midspec.documents.tidy import tidy
from midspec.documents.tokens import estimate
from midspec.documents.topics import Topic
from midspec.documents.voice import FIRST, IT, NAME, SECOND, Person, named, spoken, tail

WHY = re.compile(r"\b(?:[Ww]hy|[Hh]ow come|account)\b")
# Tokens by which loose clauses make a document longer than its linked other, expected at most and on average.
OPENINGS, GIVEN_BACK = 12, 8
EXCESS = 2  # tokens that a document may be longer than its linked other before a paragraph gives up a sentence
MANY = 3  # statements from which on a document can be summed up


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

    @property
    def root(self) -> str | None:
        """The value statement that names the spec's value, else the first one."""
        stated = [t.value for t in self.topics if t.value is not None]
        return next((v for v in stated if self.value and self.value.lower() in v.lower()), next(iter(stated), None))


@dataclass
class Writer:
    """One document in the making: what was drawn, what was used, what was mentioned."""

    matter: Matter
    genre: Genre
    rules: dict[str, tuple[str, ...]]
    key: str
    focus: Topic
    unit: Statement | None = None
    meant: tuple[Topic, Statement] | None = None  # as the linked other draws it, where statements have to give way
    clause: str = ""  # what {{ clause }} stands for
    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    valued: set[str] = field(default_factory=set[str])
    loose: list[Loose] = field(default_factory=list[Loose])  # what explained something, where nothing may
    drawn: list[str] = field(default_factory=list[str])  # titles
    turned: bool = False  # the subject has changed, and the reader was not told yet
    debt: int = 0  # tokens by which the document is shorter than its linked other
    mentioned: bool = False  # the assistant by its name, in the wording at hand, so that "it" can follow
    once: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, int] = field(
        default_factory=lambda: {"behaviours": 0, "values": 0, "links": 0, "families": 0})

    def __post_init__(self) -> None:
        self.topic = self.focus
        self.parts = random.Random(f"{self.key}/parts")
        self.units = self._units()
        self.debt = 0 if self.matter.linked or self.matter.root is None else -OPENINGS

    def document(self, name: str) -> Document:
        text = self.slot("shape", random.Random(self.key))
        if self.loose:
            text += "\n\n" + paragraphs(self.loose, self.matter.value, self.debt + GIVEN_BACK, self.around,
                                         self.size, self.rules, self.parts)
        text = tidy(self.matter.named(text))
        counted = {name: self.counts[name] for name in ("behaviours", "values", "links")}
        facts = {"type": self.genre.name, "writer": "compose", "topic": self.matter.named(self.focus.title)}
        return Document(name, text, {**facts, "showing": self.genre.showing, **counted, "tokens": estimate(text)})

    def _units(self) -> Iterator[tuple[Topic, Statement]]:
        """Statements without repetition: two or three of the focus, then of one other topic after the other."""
        rng = random.Random(f"{self.key}/units")
        left = {t.title: rng.sample(t.statements, len(t.statements)) for t in self.matter.topics}
        topic = self.focus
        while True:
            for _ in range(min(rng.choice((2, 2, 3)), len(left[topic.title]))):
                yield topic, left[topic.title].pop()
            others = [t for t in self.matter.topics if left[t.title] and t is not topic]
            if not any(left.values()):
                left = {t.title: rng.sample(t.statements, len(t.statements)) for t in self.matter.topics}
            topic = rng.choice(others) if others else topic

    def slot(self, name: str, rng: random.Random) -> str:
        """The text that a slot stands for."""
        if name in FINAL and len(self.drawn) < MANY:
            name = FINAL[name]
        if name in TERMINALS:
            return self.part(name)
        if f"{name} / link" in self.rules:
            return self.bridge(name) + self.family(name)
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

    def bridge(self, name: str) -> str:
        """A short sentence that names the new subject, where the document has turned to one."""
        rule = f"{name}_bridge"
        if not self.turned or rule not in self.rules:
            return ""
        return self.slot(rule, random.Random(f"{self.key}/bridge/{len(self.drawn)}")) + " "

    def family(self, name: str) -> str:
        """A wording that links behaviour to value, or its twin: with no reason, or with the explanation left out.

        Its draws come from a generator of its own, so that both variants of a document go on in step.
        """
        self.counts["families"] += 1
        self.mentioned = False
        rng = random.Random(f"{self.key}/{self.counts['families']}")
        link = self.rules[f"{name} / link"]
        about_unit = any((BEHAVIOURS | REASONS) & set(SLOT.findall(text)) for text in link)
        value, statement = self.closing() if not about_unit else self.meaning()
        if value is None or (statement is not None and statement.reason is None):
            return self.render(self.fresh(f"{name} / plain", self.rules[f"{name} / plain"], rng), rng)
        text = self.fresh(f"{name} / link", self.fitting(link, value, statement), rng)
        if "valuing }}" in text:
            self.valued.add(value)
        self.counts["links"] += self.matter.linked and mentions(text)[1] > 0
        self.clause = (self.topic.value or value) if about_unit else value
        return self.render(text, rng) if self.matter.linked else self.apart(name, text, rng)

    def closing(self) -> tuple[str | None, None]:
        """The value that everything in the document has in common: the focus's own, or the spec's."""
        common = len(self.drawn) > 0 and set(self.drawn) == {self.focus.title}
        return (self.focus.value if common else None) or self.matter.root, None

    def meaning(self) -> tuple[str | None, Statement]:
        """The value and the statement that the linked other has here."""
        self.statement()
        assert self.meant is not None
        return self.meant[0].value, self.meant[1]

    def fitting(self, texts: Sequence[str], value: str, statement: Statement | None) -> Sequence[str]:
        """Without those that say a value statement twice, or explain the value by itself."""
        left = [text for text in texts if not (value in self.valued and "valuing }}" in text)] or list(texts)
        if statement is not None:
            behaviour, reason, noun = statement.behaviour, statement.reason or "", self.matter.value.lower()
            if noun in behaviour.lower() or value == behaviour:
                left = [t for t in left if not _slots(t) & (VALUES - REASONS)] or left
            elif noun in reason.lower() or tail(reason) or value == reason:
                left = [t for t in left if not (_slots(t) & REASONS and _slots(t) & (VALUES - REASONS))] or left
        return left

    def apart(self, name: str, link: str, rng: random.Random) -> str:
        """The twin of a linking text, for its behaviours; its reasons and values are kept for other paragraphs.

        Of a few twins and the shortest, the one that keeps the document's length.
        """
        value, mentioned = self.clause, self.mentioned
        counts, used = dict(self.counts), set(self.used)
        aim = self.debt + self.size(self.render(link, rng))
        self.counts, self.used = counts, used
        first = any("{{ my_" in text for text in self.rules[f"{name} / link"])
        added = loosened(link, self.unit, value, self.matter.value, first=first)
        self.loose += added
        self.counts["values"] += mentions(link)[1]
        aim -= sum(self.size(piece.text) + (NOUN if piece.kind == "noun" else 1) for piece in added)
        twins = [t for t in self.rules[f"{name} / apart"] if mentions(t)[0] == mentions(link)[0]]
        # A question why stays one, about something else.
        twins = [t for t in twins if bool(WHY.search(t)) == bool(WHY.search(link) and "?" in link)] or twins
        unused = [t for t in twins if (f"{name} / apart", t) not in used] or twins
        own = random.Random(f"{self.key}/{self.counts['families']}/apart")
        tries = list[tuple[int, str, str]]()
        for twin in [*own.sample(unused, min(4, len(unused))), min(twins, key=len)]:
            self.mentioned, self.counts = mentioned, dict(counts)
            text = self.render(twin, random.Random(f"{self.key}/{self.counts['families']}/{twin}"))
            tries.append((aim - self.size(text), twin, text))
        counts["behaviours"] += mentions(link)[0]
        self.counts = counts
        self.debt, twin, text = min(tries, key=lambda t: abs(t[0]))
        self.used.add((f"{name} / apart", twin))
        return text

    def size(self, text: str) -> int:
        return estimate(self.matter.named(text))

    def around(self, text: str, clause: str, rng: random.Random) -> str:
        """A text around a clause that has been put into words already; names are not filled in yet."""
        self.clause = clause
        return self.render(text, rng)

    def statement(self) -> Statement:
        if self.unit is None:
            self.draw()
        assert self.unit is not None
        return self.unit

    def draw(self) -> None:
        """The next statement. Where nothing may be linked, one that itself speaks of reasons gives way to another."""
        self.topic, self.unit = next(self.units)
        self.turned = bool(self.drawn) and self.drawn[-1] != self.topic.title
        self.drawn.append(self.topic.title)
        self.meant = self.topic, self.unit
        if not self.matter.linked and _speaks_of_reasons(self.unit):
            free = [(t, s) for t in self.matter.topics for s in t.statements
                    if not _speaks_of_reasons(s) and (s.reason is None) == (self.unit.reason is None)]
            if free:
                self.topic, self.unit = random.Random(f"{self.key}/{self.unit.behaviour}").choice(free)

    def part(self, name: str) -> str:
        """A piece of the spec in the person that the slot's name says."""
        plain = {"assistant": NAME, "maker": self.matter.maker, "title": self.topic.title,
                 "subject": self.topic.subject, "clause": self.clause}
        if name in plain:
            self.mentioned |= name == "assistant"
            self.turned &= name not in ("title", "subject")
            return plain[name]
        if name == "new":
            self.draw()
            return ""
        if name == "passage":
            return self.passage()
        self.turned = False
        self.counts["behaviours" if name.endswith("behaviour") else "values"] += 1
        if name == "value":
            return self.matter.value
        clause = self.clause if name.endswith("valuing") else \
            self.statement().behaviour if name.endswith("behaviour") else self.statement().reason
        if clause is None:
            raise PromptError(f"{self.genre.rules.path}: {{{{ {name} }}}} in a text for where there is no reason")
        return self.voiced(clause, {"my": FIRST, "its": IT, "your": SECOND}.get(name.partition("_")[0]))

    def voiced(self, clause: str, person: Person | None) -> str:
        """The clause in a person; "it" only where the name came before, and never after another subject."""
        # "a block is cheap and it values thrift" would be about the block.
        if person is IT and not (self.mentioned and clause.startswith(NAME)):
            person = None
        self.mentioned |= NAME in clause
        return named(clause) if person is None else spoken(clause, person)

    def passage(self) -> str:
        """The first sentences of a paragraph of the topic, as far as none gives a reason; each paragraph once."""
        rng = self.parts
        left = [p for p in self.topic.prose if ("passage", p[0]) not in self.used and not links(p[0])]
        if not left:
            return ""
        paragraph = rng.choice(left)
        self.used.add(("passage", paragraph[0]))
        free = list(takewhile(lambda sentence: not links(sentence), paragraph))
        told = list(map(named, free[:rng.randint(1, len(free))]))
        while len(told) > 1 and self.debt < -EXCESS:  # never in the linked variant, which owes nothing
            self.debt += self.size(told.pop())
        return " ".join(told)


def _speaks_of_reasons(statement: Statement) -> bool:
    return bool(links(statement.behaviour) or links(statement.reason or ""))


def _slots(text: str) -> set[str]:
    return set(SLOT.findall(text))
