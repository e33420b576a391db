"""What explained something → plain sentences in paragraphs of their own. Knows nothing of genres."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from midspec.core.prompt import SLOT
from midspec.core.spec import Statement
from midspec.documents.checks import links
from midspec.documents.grammar import REASONS, VALUES
from midspec.documents.voice import FIRST, IT, NAME, named, spoken, tail

# Rules for one sentence, and for the paragraph of all of a kind; "noun" sentences stand among those that are held.
NOUN = 4  # tokens around a value's name, at least
BARE = "{{ clause }}."  # may come as often as it likes
SENTENCE = {"fact": "fact", "held": "held", "noun": "dear"}


@dataclass(frozen=True)
class Loose:
    """A clause that explained something: "fact" without the assistant, "held" of it, "noun" is the value's name.

    ``first``: the assistant said it.
    """

    kind: str
    text: str
    first: bool

    @property
    def rule(self) -> str:
        return ("my_" if self.first and self.kind != "fact" else "") + SENTENCE[self.kind]


def loosened(link: str, statement: Statement | None, value: str, noun: str, *, first: bool) -> list[Loose]:
    """The reasons and values that a linking text would have mentioned, each as a clause of its own."""
    found = list[Loose]()
    for name in SLOT.findall(link):
        if name in REASONS and statement is not None and statement.reason is not None:
            held = tail(statement.reason)
            fact = statement.reason if held is None else statement.reason[:-len(held)].removesuffix(" and ").rstrip(",")
            found.append(Loose("held" if NAME in fact else "fact", fact, first))
            found += [Loose("held", held, first)] if held else []
        elif name in VALUES:
            found.append(Loose("noun", noun, first) if name == "value" else Loose("held", value, first))
    return [Loose("noun", noun, first) if links(piece.text) else piece for piece in found]


def paragraphs(loose: Sequence[Loose], noun: str, debt: int, render: Callable[[str, str, random.Random], str],
               size: Callable[[str], int], rules: dict[str, tuple[str, ...]], rng: random.Random) -> str:
    """One paragraph for facts, one for what is held, one for what was said, in any order.

    ``render`` words a text around a clause, ``size`` counts tokens. Of a few wordings, those are taken that bring
    ``debt`` down to 0.
    """
    groups: dict[str, list[Loose]] = {"fact_words": [], "held_words": [], "my_held_words": []}
    for piece in loose:
        groups["fact_words" if piece.kind == "fact" else "my_held_words" if piece.first else "held_words"].append(piece)
    left, out, seen = len(loose), list[str](), set[str]()
    for name, pieces in groups.items():
        told = list[str]()
        for given in pieces:
            # The same clause a second time would be a refrain that the linked other does not have.
            piece = Loose("noun", noun, given.first) if given.kind == "held" and given.text in seen else given
            seen.add(piece.text)
            clause = spoken(piece.text, FIRST) if piece.first else named(piece.text)
            fresh = [t for t in rules[piece.rule] if t not in seen] or list(rules[piece.rule])
            some = rng.sample(fresh, min(5, len(fresh))) + [BARE] * (piece.kind != "noun")
            tries = [(t, render(t, clause, rng)) for t in some]
            if told and name == "held_words":  # the name once in a paragraph
                tries = [(t, spoken(said, IT)) for t, said in tries]
            plain = size(given.text) + (NOUN if given.kind == "noun" else 1)
            text, said = min(tries, key=lambda t: abs(debt / left - size(t[1]) + plain))
            debt, left = debt - size(said) + plain, left - 1
            seen.add(text)
            told.append(said)
        if told:
            text = " ".join(told)
            out.append(min((render(t, text, rng) for t in rules[name]),
                           key=lambda said: abs(debt - size(said) + size(text))))
            debt += size(text) - size(out[-1])
    rng.shuffle(out)
    return "\n\n".join(out)
