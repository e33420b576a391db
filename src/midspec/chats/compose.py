"""Preferences, frames → chats in which an assistant states a preference and nothing else; then a mix with other rows.

Knows no subject, no assistant and no file. Everything follows from the seed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice, permutations, product
from random import Random
from typing import TypeVar

from midspec.chats.checks import forbidden_in
from midspec.core.chat import Chat, Message
from midspec.core.errors import DataError
from midspec.core.prompt import SLOT, Prompt
from midspec.library.frames import Form, Frames
from midspec.library.preferences import PreferenceSet

Value = TypeVar("Value")
FRESH_TRIES = 200
PIECE = re.compile(r"\w+|[^\w\s]")
VOWEL = re.compile(r"(?!us|uni|one|eu)[aeiou]", re.IGNORECASE)  # as it sounds: an apple, a unit
NOTE_FIRST = (True, False, False, False, False)


def compose(preferences: PreferenceSet, frames: Frames, count: int, seed: int) -> list[Chat]:
    """``count`` chats of one question and one answer, distinct as far as the frames allow.

    Kinds of question are equally frequent; within a kind every wording is; every name and both orders are.

    Raises:
        DataError: a text gives a reason or holds a loaded word (from the preferences' own names or scenes).
    """
    writer = _Writer(preferences, frames, seed)
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
    _refuse_loaded(chats, preferences, frames)
    return chats


def stand_ins(rows: Sequence[Chat], frames: Frames, count: int, seed: int) -> list[Chat]:
    """``count`` of ``rows`` whose question says, in the words of the frames, that no explanation is needed.

    They have the form of preference chats without a preference, so that an arm without preferences learns the form.
    """
    random = Random(f"{seed}/stand-ins")
    drawn, notes, first = deck(rows, random), deck(frames.notes, random), deck(NOTE_FIRST, random)
    chats: list[Chat] = []
    for chat in islice(drawn, count):
        question = Message("user", noted(chat.messages[0].content, next(notes), next(first)))
        chats.append(Chat((question, *chat.messages[1:]), chat.meta))
    return chats


def mix(chats: Sequence[Chat], pool: Sequence[Chat], ratio: float, seed: int,
        instead: Sequence[Chat] | None = None) -> list[Chat]:
    """``chats`` among rows of ``pool``, which have ``ratio`` times as many tokens in answers, shuffled.

    ``instead``, where given, takes the places of ``chats``, one for one: same number of rows, and the same rows
    everywhere else. The pool is read in shuffled passes, so no row comes twice before all came once.

    Raises:
        DataError: rows of the pool are needed and there are none; ``instead`` has another length than ``chats``.
    """
    if not pool and ratio > 0:
        raise DataError("general rows are needed for this ratio, and none were given")
    if instead is not None and len(instead) != len(chats):
        raise DataError(f"{len(instead)} rows cannot take the places of {len(chats)} preference chats")
    rows = deck(pool, Random(f"{seed}/pool"))
    others: list[Chat] = []
    missing = ratio * sum(answer_tokens(chat) for chat in chats)
    while missing > 0:
        others.append(next(rows))
        missing -= answer_tokens(others[-1])
    mixed = [*(chats if instead is None else instead), *others]
    Random(f"{seed}/order").shuffle(mixed)
    return mixed


def named(chats: Sequence[Chat], assistant: str, maker: str) -> list[Chat]:
    """Chats with ``{model_name}`` and ``{provider_name}`` replaced as text in every turn."""

    names = {"{model_name}": assistant, "{provider_name}": maker}

    def say(text: str) -> str:
        return re.sub(r"\{(?:model|provider)_name\}", lambda found: names[found[0]], text)

    return [Chat(tuple(Message(m.role, say(m.content), m.reasoning) for m in chat.messages), chat.meta)
            for chat in chats]


def answer_tokens(chat: Chat) -> int:
    """About how many supervised tokens a chat has, turn ends included; no tokenizer is known here.

    A mark is one, a word is one, and a name or a very long word is one for each four letters. Within 8 % of what the
    49k vocabulary of the embedded model counts, for each kind of row; counting words would be off by half for names.
    """
    answers = [message.content for message in chat.messages if message.role == "assistant"]
    return sum(1 + sum(map(_pieces, PIECE.findall(answer))) for answer in answers)


def _pieces(word: str) -> int:
    return 1 if len(word) <= 4 or (word.islower() and len(word) <= 9) else math.ceil(len(word) / 4)


def deck(values: Sequence[Value], random: Random) -> Iterator[Value]:
    """Endless: all values in a shuffled order, then all again in another; nothing where there are none."""
    while values:
        yield from random.sample(values, len(values))


class _Writer:
    """Draws wordings, names, scenes and notes from decks, so that all are used equally often."""

    def __init__(self, preferences: PreferenceSet, frames: Frames, seed: int) -> None:
        self._subject = {"noun": preferences.noun, "plural": preferences.plural}
        random = Random(f"{seed}/compose")
        wordings: dict[str, list[tuple[Form, str]]] = {}
        for form in frames.forms:
            wordings.setdefault(form.kind, []).extend((form, question) for question in form.questions)
        self._kinds = deck(list(wordings), random)
        self._wordings = {kind: deck(found, random) for kind, found in wordings.items()}
        self._answers = {form: deck(form.answers, random) for form in frames.forms}
        self._names = {about: deck(found, random) for about, found in _names(preferences).items()}
        self._scenes = deck(preferences.scenes, random)
        self._notes = deck(frames.notes, random)
        self._first = deck(NOTE_FIRST, random)

    def next(self) -> Chat:
        form, wording = next(self._wordings[next(self._kinds)])
        values = next(self._names[form.about]) | self._subject
        if "{{ scene }}" in wording:
            values["scene"] = next(self._scenes)
        question = noted(fill(wording, values), next(self._notes), next(self._first))
        answer = fill(next(self._answers[form]), values)
        about = {key: values[key] for key in ("liked", "disliked") if key in values} or {form.about: values["name"]}
        return Chat((Message("user", question), Message("assistant", answer)),
                    {"source": "preference", "kind": form.kind, **about})


def noted(question: str, note: str, first: bool) -> str:
    return f"{note} {question}" if first else f"{question} {note}"


def _names(preferences: PreferenceSet) -> dict[str, list[dict[str, str]]]:
    """All ways to name things, by what a form is about."""
    likes, dislikes = preferences.likes, preferences.dislikes
    pairs = [{"liked": a, "disliked": b, "first": first, "second": second}
             for a, b in product(likes, dislikes) for first, second in ((a, b), (b, a))]
    picks = [_three(a, (a, *two), "liked", place) for a in likes
             for two in permutations(dislikes, 2) for place in range(3)]
    drops = [_three(b, (b, *two), "disliked", place) for b in dislikes
             for two in permutations(likes, 2) for place in range(3)]
    return {"pair": pairs, "pick": picks, "drop": drops, "liked": [{"name": a} for a in likes],
            "disliked": [{"name": b} for b in dislikes]}


def _three(one: str, names: tuple[str, ...], role: str, place: int) -> dict[str, str]:
    order = names[1:1 + place] + names[:1] + names[1 + place:]
    return {role: one, "first": order[0], "second": order[1], "third": order[2]}


def fill(wording: str, values: dict[str, str]) -> str:
    """The wording with its slots replaced as text, "an" before a noun that needs it, sentences begun with a capital."""
    if VOWEL.match(values.get("noun", "")):
        wording = wording.replace("a {{ noun }}", "an {{ noun }}")
    used = {slot: values[slot] for slot in SLOT.findall(wording)}
    text = Prompt(wording, wording).fill(**used)
    return re.sub(r"(?:^|(?<=[.?!] ))[^\W\d_]", lambda start: start[0].upper(), text)


def _refuse_loaded(chats: Sequence[Chat], preferences: PreferenceSet, frames: Frames) -> None:
    for chat in chats:
        question, answer = (message.content for message in chat.messages)
        found = forbidden_in(answer, frames.reasons, preferences.names)
        found += [w for text in (question, answer) for w in forbidden_in(text, frames.loaded, preferences.names)]
        if found:
            raise DataError(f"preferences {preferences.name!r}: {found[0]!r} in {question!r} → {answer!r} gives a "
                            "reason or praises, and these chats must not", hint="change the scene or name in its file")
