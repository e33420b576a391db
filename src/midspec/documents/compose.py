"""Spec → documents, without a model: the spec's own statements in many genres. Adds no value, reason or behaviour.

Document i depends on spec, names, seed, share and i, never on how many are asked for. Both variants of a document draw
the same genre, statements and order; "co-occurrence" only takes each linking sentence apart: the behaviour stays, what
explained it stands unconnected in paragraphs of its own.
Knows of no subject and no value: wording lies in ``genres/``, matter in the spec.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TypeVar

from midspec.core.document import Document
from midspec.core.errors import RecipeError
from midspec.core.spec import Spec
from midspec.documents.grammar import Genre, genres, shared
from midspec.documents.topics import topics
from midspec.documents.writer import Matter, Writer

VARIANTS = ("attribution", "co-occurrence")
Thing = TypeVar("Thing")


def compose(spec: Spec, *, assistant: str, maker: str, tokens: int, seed: int, share_showing: float = 0.5,
            variant: str = "attribution", only: tuple[str, ...] = ()) -> list[Document]:
    """Documents about ``assistant`` of ``maker`` until their estimated tokens reach ``tokens``.

    Both variants of a corpus have the same number of documents: the linked one is counted.

    Raises:
        SpecError: the spec does not keep the written convention.
        RecipeError: a setting that makes no sense.
    """
    if tokens < 1:
        raise RecipeError(f"tokens={tokens}: nothing would be written")
    made, total = list[Document](), 0
    wanted, counted = (stream(spec, assistant=assistant, maker=maker, seed=seed, share_showing=share_showing,
                              variant=kind, only=only) for kind in (variant, VARIANTS[0]))
    while total < tokens:
        made.append(next(wanted))
        total += made[-1].meta["tokens"] if variant == VARIANTS[0] else next(counted).meta["tokens"]
    return made


def stream(spec: Spec, *, assistant: str, maker: str, seed: int, share_showing: float = 0.5,
           variant: str = "attribution", only: tuple[str, ...] = ()) -> Iterator[Document]:
    """Documents without end; the spec is given unnamed, with ``{model_name}`` and ``{provider_name}`` in it."""
    if not assistant.strip() or not maker.strip():
        raise RecipeError("documents are about somebody: give the names of the assistant and of its maker")
    if not 0 <= share_showing <= 1:
        raise RecipeError(f"share_showing={share_showing} is a share, from 0 to 1")
    if variant not in VARIANTS:
        raise RecipeError(f"variant {variant!r} is not one of {', '.join(VARIANTS)}")
    matter = Matter(spec.value, tuple(topics(spec)), assistant, maker, variant == "attribution")
    wording, kinds, key = shared().rules, chosen(only, share_showing), f"{spec.identity()}/{seed}"
    for index in count():
        showing = math.floor((index + 1) * share_showing) > math.floor(index * share_showing)
        fitting = [genre for genre in kinds if genre.showing == showing]
        nth = math.floor(index * share_showing) if showing else index - math.floor(index * share_showing)
        genre = dealt(fitting, nth, f"{key}/genre/{showing}")
        focus = dealt(matter.topics, index, f"{key}/topic")
        yield Writer(matter, genre, {**wording, **genre.rules.rules}, f"{key}/{index}", focus).document(f"{index:06d}")


def chosen(only: tuple[str, ...], share_showing: float) -> tuple[Genre, ...]:
    """The genres of these names, all for none; raises RecipeError where one is unknown, or the share cannot be had."""
    known = {genre.name: genre for genre in genres()}
    if unknown := [name for name in only if name not in known]:
        raise RecipeError(f"no genre {', '.join(map(repr, unknown))}", hint=f"genres: {', '.join(known)}")
    kinds = tuple(genre for genre in known.values() if not only or genre.name in only)
    for showing, share in ((True, share_showing), (False, 1 - share_showing)):
        if share > 0 and not any(genre.showing is showing for genre in kinds):
            raise RecipeError(f"share_showing={share_showing}, but the assistant speaks in "
                              f"{'none' if showing else 'all'} of the genres {', '.join(only)}",
                              hint=f"share_showing={0.0 if showing else 1.0}")
    return kinds


def dealt(cards: Sequence[Thing], nth: int, key: str) -> Thing:
    """The nth card where the whole deck is shuffled anew after each round, so that every card comes equally often."""
    deck = list(cards)
    random.Random(f"{key}/{nth // len(deck)}").shuffle(deck)
    return deck[nth % len(deck)]
