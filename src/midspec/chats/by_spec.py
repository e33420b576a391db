"""Parts of answers, statements of a spec → chats in which an assistant answers by that spec, each with its reasoning.

Every chat is made with two reasonings, so that sets with one, with the other and with none are the same chats: the
assistant's own thought (``Message.reasoning``), and one that cites the spec (``meta["cited"]``). Knows no spec, no
assistant and no file. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from midspec.chats.compose import FRESH_TRIES, deck, fill
from midspec.core.chat import Chat, Message
from midspec.core.errors import DataError
from midspec.library.answers import AnswerParts, Asked

REASONINGS = ("none", "internalised", "deliberative")
# What follows the opening: said = a statement, more = another one, further = a word of the section.
PATTERNS = (("said",), ("said", "further"), ("said", "further"), ("further", "said"), ("further", "said", "further"),
            ("said", "more"), ("said", "more", "further"), ("said", "further", "more"),
            ("further", "said", "more", "further"))
# To people who speak of their own affairs: their matter first, the assistant's stance as an aside, nothing further.
ASIDE = ("indirect", "recommendation")
ASIDE_PATTERNS = (("aside",), ("again", "aside"), ("again", "aside"))
LED = 4  # one question in so many begins with a lead


@dataclass(frozen=True)
class Spoken:
    """A statement as the assistant says it ("I stay calm") and as the spec writes it."""

    behaviour: str
    reason: str
    written: str


Statements = Mapping[str, Sequence[Spoken]]


def compose_answers(parts: AnswerParts, statements: Statements, count: int, seed: int) -> list[Chat]:
    """``count`` chats with distinct questions as far as the parts allow; ``statements`` by the title of their section.

    Sections and, within one, questions are equally frequent.

    Raises:
        DataError: a question asks for a statement that its section does not have, or has no reason for.
    """
    writer = _Writer(parts, statements, seed)
    seen: set[str] = set()
    chats: list[Chat] = []
    for _ in range(count):
        chat = writer.next()
        for _ in range(FRESH_TRIES):
            if chat.messages[0].content not in seen:
                break
            chat = writer.next()
        seen.add(chat.messages[0].content)
        chats.append(chat)
    return chats


def cite(chats: Sequence[Chat], parts: AnswerParts, statements: Statements, seed: int) -> list[Chat]:
    """The same chats with ``meta["cited"]``: the statement that ``meta["cites"]`` names, then ``meta["so"]``.

    Raises:
        DataError: a chat cites what its section does not say (the spec has changed), or has no reasoning of its own.
    """
    wordings = deck(parts.wordings["cited"], Random(f"{seed}/cite"))
    return [_cited(chat, statements, wordings) for chat in chats]


def _cited(chat: Chat, statements: Statements, wordings: Iterator[str]) -> Chat:
    title, cites, so = (str(chat.meta.get(key, "")) for key in ("section", "cites", "so"))
    found = next((s for s in statements.get(title, ()) if s.written == cites), None)
    question = chat.messages[0].content
    if found is None or not so:
        raise DataError(f"the chat {question!r} cites {cites!r} from {title!r}, and the spec has no such statement",
                        hint='correct its meta: "section", "cites" (a bullet up to its because) and "so"')
    if not chat.messages[-1].reasoning:
        raise DataError(f"the chat {question!r} has no reasoning in its last turn")
    return replace(chat, meta={**chat.meta, "cited": f"{_fill(next(wordings), found, title)} {so}"})


def reasoned(chats: Sequence[Chat], how: str) -> list[Chat]:
    """The same chats with no reasoning, the assistant's own, or the one that cites; what is not shown stays nowhere."""
    pick: dict[str, Callable[[Chat], str | None]] = {
        "none": lambda chat: None, "internalised": lambda chat: chat.messages[-1].reasoning,
        "deliberative": lambda chat: str(chat.meta["cited"])}
    return [Chat((*chat.messages[:-1], replace(chat.messages[-1], reasoning=pick[how](chat))),
                 {key: value for key, value in chat.meta.items() if key not in ("cited", "cites", "so")})
            for chat in chats]


def _fill(wording: str, spoken: Spoken, title: str = "") -> str:
    known = {"behaviour": spoken.behaviour, "reason": spoken.reason, "title": title}
    return fill(wording, {name: value for name, value in known.items() if "{{ " + name + " }}" in wording})


class _Writer:
    """Draws sections, questions, statements and wordings from decks, so that all are used equally often."""

    def __init__(self, parts: AnswerParts, statements: Statements, seed: int) -> None:
        random = Random(f"{seed}/answers")
        asked = [asked for part in parts.parts for asked in part.asked]
        self._parts = deck(parts.parts, random)
        self._asked = {part.title: deck([(one, question) for one in part.asked for question in one.questions], random)
                       for part in parts.parts}
        self._openings = {one: deck(one.openings, random) for one in asked}
        self._statements = {one: deck(_fitting(one, part.title, statements), random)
                            for part in parts.parts for one in part.asked}
        self._further = {part.title: deck(part.further, random) for part in parts.parts}
        self._thoughts = {part.title: deck(part.thoughts, random) for part in parts.parts}
        self._patterns = {aside: deck(ASIDE_PATTERNS if aside else PATTERNS, random) for aside in (False, True)}
        self._leads = deck([*parts.leads, *[""] * ((LED - 1) * len(parts.leads))], random)
        self._wordings = {key: deck(texts, random) for key, texts in parts.wordings.items()}

    def next(self) -> Chat:
        part = next(self._parts)
        asked, question = next(self._asked[part.title])
        said, more = self._two(asked)
        opening = next(self._openings[asked])
        piece = {"said": lambda: self._put("said", said), "aside": lambda: self._put("aside", said),
                 "more": lambda: self._put("more", more), "further": lambda: next(self._further[part.title]),
                 "again": lambda: next((one for one in asked.openings if one != opening), "")}
        answer = [opening, *(piece[name]() for name in next(self._patterns[asked.kind in ASIDE]))]
        thought = f"{next(self._thoughts[part.title])} {self._put('own', said)}"
        meta = {"kind": asked.kind, "section": part.title,
                "cited": f"{self._put('cited', said, part.title)} {asked.so}"}
        lead = next(self._leads, "")
        return Chat((Message("user", f"{lead} {question}".strip()), Message("assistant", " ".join(answer), thought)),
                    meta)

    def _two(self, asked: Asked) -> tuple[Spoken, Spoken]:
        """Two statements that fit, different ones where there are two."""
        first, second = next(self._statements[asked]), next(self._statements[asked])
        return first, next(self._statements[asked]) if second == first else second

    def _put(self, key: str, spoken: Spoken, title: str = "") -> str:
        return _fill(next(self._wordings[key]), spoken, title)


def _fitting(asked: Asked, title: str, statements: Statements) -> list[Spoken]:
    """The statements whose text holds the words in ``fits``, one for each."""
    found: list[Spoken] = []
    for words in asked.fits:
        holding = [s for s in statements.get(title, ()) if words in s.written]
        if len(holding) != 1:
            raise DataError(f"answers to {asked.questions[0]!r}: {words!r} stands in {len(holding)} statements with a "
                            f"reason under {title!r}, and should in one",
                            hint=f"sections of the spec: {', '.join(statements)}")
        found += holding
    return found
