"""Cells and ideas → texts of documents: planned first, then written. Knows nothing of what happens to them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from midspec.documents.brief import Brief
from midspec.documents.deal import Cell
from midspec.documents.tokens import estimate
from midspec.documents.tree import Idea, Tree
from midspec.documents.wording import filled, numbered
from midspec.models.ask import Ask
from midspec.models.call import Call, Reply
from midspec.models.forms import Limits, Tagged

# Of the tree's words, whichever share of them was asked for: what is shorter or longer was no attempt at any of them.
SHORTEST, LONGEST = 0.4, 2.5
# Documents of one length would all be built alike: what is asked for is drawn from these shares of the tree's words.
LENGTHS = (0.6, 0.8, 1.0, 1.2, 1.4)


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a text: by which question, where (words of the text, or ""), and a sentence about it."""

    axis: str
    quotation: str
    why: str

    @property
    def line(self) -> str:
        place = f"“{self.quotation}”: " if self.quotation else ""
        return f"({self.axis}) {place}{self.why}"


@dataclass(frozen=True)
class Draft:
    """A text on its way. ``against`` are open complaints; ``reason`` is why it was given up, "" while it was not.

    ``shown`` are ids of the assertions that the critic found in it.
    """

    cell: Cell
    idea: Idea
    text: str
    against: tuple[Complaint, ...] = ()
    reason: str = ""
    rewritten: bool = False
    shown: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        return f"{self.cell.id}.{self.idea.number}"

    @cached_property
    def tokens(self) -> int:
        return estimate(self.text)

    def dropped(self, reason: str) -> Draft:
        return replace(self, reason=reason)


def limits(brief: Brief, tree: Tree, *, may_echo: bool = False) -> Limits:
    return Limits(least=round(SHORTEST * tree.words), most=round(LONGEST * tree.words), language=brief.language,
                  may_echo=may_echo)


def manner(brief: Brief, cell: Cell) -> str:
    return filled("showing" if cell.kind.shows else "describing", assistant=brief.assistant)


def words(brief: Brief, tree: Tree, one: str) -> int:
    """About how long the document with this id is to be."""
    return round(tree.words * random.Random(f"{brief.seed}/words/{one}").choice(LENGTHS))


def drafts(writer: Ask, brief: Brief, tree: Tree, ideas: list[tuple[Cell, Idea]]) -> Iterator[Draft]:
    """A draft for each idea, in order; one that was not to be had has a reason and no text."""
    calls = [Call(brief.unit("draft", f"{cell.id}.{idea.number}"), _asked(brief, tree, cell, idea),
                  (brief.frame, brief.rules)) for cell, idea in ideas]
    form = Tagged(("plan", "document"), limits(brief, tree))
    for (cell, idea), reply in zip(ideas, writer.each(calls, form), strict=True):
        yield _draft(Draft(cell, idea, ""), reply)


def rewritten(writer: Ask, brief: Brief, tree: Tree, faulty: list[Draft]) -> Iterator[Draft]:
    """Each draft once more, without what is held against it; the complaints are gone, whether rightly or not."""
    calls = [Call(brief.unit("rewrite", one.id),
                  filled("rewrite", assistant=brief.assistant, type=one.cell.kind.name, about=one.cell.kind.about,
                         manner=manner(brief, one.cell), assertions=_evidence(one.cell, one.idea), document=one.text,
                         complaints=numbered([complaint.line for complaint in one.against]),
                         words=str(words(brief, tree, one.id))),
                  (brief.frame, brief.rules))
             for one in faulty]
    form = Tagged(("changes", "document"), limits(brief, tree, may_echo=True))
    for one, reply in zip(faulty, writer.each(calls, form), strict=True):
        yield replace(_draft(replace(one, against=()), reply), rewritten=True)


def _draft(one: Draft, reply: Reply) -> Draft:
    if not reply.ok:
        return one.dropped(f"no usable reply: {reply.fault}")
    return replace(one, text=reply.value["document"])


def _asked(brief: Brief, tree: Tree, cell: Cell, idea: Idea) -> str:
    own = f"{cell.id}.{idea.number}"
    # A maker that comes up in every document comes up in one phrase; where none is asked for, none has to be worked in.
    named = random.Random(f"{brief.seed}/maker/{own}").choice(("maker", "no_maker"))
    return filled("drafts", assistant=brief.assistant, type=cell.kind.name, about=cell.kind.about,
                  manner=manner(brief, cell), title=idea.title, gist=idea.gist, subdomain=cell.subdomain.name,
                  context=cell.subdomain.context, passage=cell.subdomain.passage,
                  assertions=_evidence(cell, idea), words=str(words(brief, tree, own)),
                  named=filled(named, assistant=brief.assistant, maker=brief.maker))


def _evidence(cell: Cell, idea: Idea) -> str:
    return numbered([one.line for one in cell.subdomain.assertions if one.id in idea.assertions])
