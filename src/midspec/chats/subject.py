"""Spec or tastes, names, style → what every prompt of one chat set says. Asks nobody.

The parts that many calls share stand first and are the same in each, so that providers read them from their cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midspec.core.errors import DataError
from midspec.core.prompt import Prompt
from midspec.core.spec import Spec
from midspec.library.preferences import PreferenceSet
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Typed

INTERNALISED, DELIBERATIVE, PREFERENCE = STYLES = ("internalised", "deliberative", "preference")
FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Tastes:
    """What is liked and disliked, of one kind of thing; ``noun`` and ``plural`` name the kind."""

    noun: str
    plural: str
    likes: tuple[str, ...]
    dislikes: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """Whom the chats show, in which style. ``source`` is the text that says what the assistant is like."""

    assistant: str
    maker: str
    style: str
    source: str
    tastes: Tastes | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is liked and disliked."""
        return () if self.tastes is None else self.tastes.likes + self.tastes.dislikes

    @property
    def lead(self) -> str:
        """What each call begins with: the whole spec, or the two lists and no reason."""
        if self.tastes is None:
            return self.say("spec")
        return self.say("sheet", likes=", ".join(self.tastes.likes), dislikes=", ".join(self.tastes.dislikes))

    def shared(self, name: str) -> tuple[str, str]:
        """The lead and the instructions of one stage: the shared parts of its calls."""
        return self.lead, self.say(name)

    def say(self, name: str, **values: str) -> str:
        """A prompt with its slots filled; the names and the spec go where it has a slot for them."""
        found = prompt(name)
        known = {"assistant": self.assistant, "maker": self.maker, "spec": self.source,
                 "plural": self.tastes.plural if self.tastes else "things"}
        return found.fill(**{slot: text for slot, text in known.items() if slot in found.slots}, **values)


@cache
def prompt(name: str) -> Prompt:
    """A prompt of ours by the name of its file."""
    return Prompt.load(FOLDER / f"{name}.md")


def prompts(style: str) -> tuple[Prompt, ...]:
    """All that calls of this style are made from."""
    about = ("sheet", "tastes", "spec") if style == PREFERENCE else ("spec",)
    own = ("questions_preference", "kinds_preference", "answer_call_preference") if style == PREFERENCE else (
        "questions", "kinds", "answer_call", "judge_thoughts")
    return tuple(map(prompt, (*about, "domains", "taken", "question_call", "askers", *own, f"answer_{style}",
                              f"judge_{style}", "judge_call")))


def subject_of(about: Spec | PreferenceSet, assistant: str, maker: str, style: str, ask: Ask, seed: int) -> Subject:
    """The subject of a chat set. Tastes are taken from a spec by one call; code sees that the spec has each of them.

    Raises:
        DataError: the style states tastes and the spec names none.
    """
    if isinstance(about, PreferenceSet):
        tastes = Tastes(about.noun, about.plural, about.likes, about.dislikes)
        return Subject(assistant, maker, style, "", tastes)
    subject = Subject(assistant, maker, style, about.named(assistant, maker).text)
    if style != PREFERENCE:
        return subject
    return Subject(assistant, maker, style, subject.source, _tastes(subject, about.name, ask, seed))


def _tastes(subject: Subject, name: str, ask: Ask, seed: int) -> Tastes:
    call = Call(f"chats {seed}/tastes", subject.say("tastes"), (subject.say("spec"),))
    reply = ask.all([call], Typed(Tastes, Limits(language="")))[0]
    if not reply.ok:
        raise DataError(f"spec {name!r}: its likes and dislikes could not be read ({reply.fault}: {reply.detail})",
                        hint="name them yourself: a preference set (docs/chats.md) in place of the spec")
    found: Tastes = reply.value
    text = subject.source.casefold()
    likes = _in(found.likes, text)
    dislikes = tuple(one for one in _in(found.dislikes, text) if one not in likes)
    if not likes or not dislikes:
        raise DataError(f"spec {name!r} names nothing that {subject.assistant} likes and dislikes, so there is nothing "
                        "to state", hint="use another style, or a preference set (docs/chats.md) in place of the spec")
    return Tastes(found.noun.strip(), found.plural.strip(), likes, dislikes)


def _in(names: Sequence[str], text: str) -> tuple[str, ...]:
    """Names that the text has, each once, in their order."""
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip() and name.strip().casefold() in text))
