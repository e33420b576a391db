"""Subject → an endless, even stream of distinct first messages. Knows nothing of their answers.

The stream is the same however much of it is taken: whoever needs more reads on, and what was asked before is not
asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from math import ceil
from random import Random

from midspec.chats.compose import NOTE_FIRST, noted
from midspec.chats.domains import MANY as DOMAINS
from midspec.chats.domains import domains
from midspec.chats.sieve import Sieve
from midspec.chats.subject import PREFERENCE, Subject
from midspec.library.frames import load_frames
from midspec.models.ask import Ask, Call, Reply
from midspec.models.forms import Typed

MANY = 8
ASKERS = 3
# Of a writer that sends more than it was asked for.
MOST = 24
# Waves without a single new question before it is no use asking for more.
FRUITLESS = 3
BULLET = re.compile(r"^- (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Questions:
    messages: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """``id`` is its place in the stream: call and number, the same in every run."""

    id: str
    text: str
    kind: str
    domain: str


@dataclass(frozen=True)
class Place:
    """One call for messages of one kind in one domain."""

    number: int
    kind: str
    domain: str
    call: Call


class Stream:
    """First messages in their order. ``asked`` and ``taken`` count messages that came and those that were used."""

    def __init__(self, ask: Ask, subject: Subject, seed: int, sieve: Sieve) -> None:
        self._ask, self._subject, self._seed, self._sieve = ask, subject, seed, sieve
        self._blocks, self._notes = self._ahead(), load_frames().notes
        self._ready: list[Question] = []
        self._fruitless = 0
        self.came = self.used = 0

    def take(self, many: int) -> list[Question]:
        """The next ``many``; fewer, in the end none, where the writer has nothing new to say."""
        while len(self._ready) < many and self._fruitless < FRUITLESS:
            share = max(0.1, self.used / self.came) if self.came else 1.0
            wave = list(islice(self._blocks, ceil((many - len(self._ready)) / (DOMAINS * MANY * share))))
            if not wave:
                break
            before = len(self._ready)
            replies = iter(self._ask.all([place.call for block in wave for place in block], Typed(Questions)))
            for block in wave:
                self._ready += self._new([(place, reply) for place, reply in zip(block, replies, strict=False)])
            self._fruitless = 0 if len(self._ready) > before else self._fruitless + 1
        taken, self._ready = self._ready[:many], self._ready[many:]
        return taken

    def _new(self, block: Sequence[tuple[Place, Reply]]) -> Iterator[Question]:
        """What may be asked of one block: the first message of each call, then the second of each, and so on."""
        columns = [[(place, n, text) for n, text in enumerate(reply.value.messages[:MOST])] if reply.ok else []
                   for place, reply in block]
        for place, n, message in (one for row in zip_longest(*columns) for one in row if one is not None):
            self.came += 1
            text, name = message.strip(), f"{place.number}.{n}"
            if self._sieve.question(name, text):
                self.used += 1
                yield Question(name, self._noted(text, name), place.kind, place.domain)

    def _noted(self, text: str, name: str) -> str:
        """A message about a taste says that no explanation is needed, so that explaining is not unlearned."""
        if self._subject.style != PREFERENCE:
            return text
        throw = Random(f"{self._seed}/note/{name}")
        return noted(text, throw.choice(self._notes), throw.choice(NOTE_FIRST))

    def _ahead(self) -> Iterator[list[Place]]:
        """Blocks of calls, as long as there are domains. A block has every domain once, and each kind as often as any
        other; a domain meets every kind once before it meets one twice."""
        kinds, askers = self._bullets(f"kinds{self._own}"), self._bullets("askers")
        earlier, number = list[str](), 0
        while found := domains(self._ask, self._subject, self._seed, earlier):
            earlier += [domain.name for domain in found]
            for turn in range(len(kinds) * max(len(domain.situations) for domain in found)):
                block = list[Place]()
                for place, domain in enumerate(found):
                    kind = kinds[(place + turn) % len(kinds)]
                    situation = domain.situations[(turn // len(kinds)) % len(domain.situations)]
                    who = Random(f"{self._seed}/askers/{number}").sample(askers, ASKERS)
                    block.append(self._place(number, domain.name, situation, kind, "; ".join(who)))
                    number += 1
                yield block

    def _place(self, number: int, domain: str, situation: str, kind: str, askers: str) -> Place:
        text = self._subject.say("question_call", domain=domain, situation=situation, kind=kind, askers=askers,
                                 many=str(MANY))
        shared = self._subject.shared(f"questions{self._own}")
        call = Call(f"chats {self._seed}/questions {number}", text, shared)
        return Place(number, kind.partition(":")[0], domain, call)

    @property
    def _own(self) -> str:
        """Tastes are asked for by prompts of their own."""
        return "_preference" if self._subject.style == PREFERENCE else ""

    def _bullets(self, name: str) -> list[str]:
        return BULLET.findall(self._subject.say(name))
