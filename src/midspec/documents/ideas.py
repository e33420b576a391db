"""Cells that are to get documents → an unused idea for each. Asked for some at a time, and only where needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from midspec.documents.brief import Brief
from midspec.documents.deal import Cell
from midspec.documents.tree import ANY_LANGUAGE, Idea, Tree
from midspec.documents.wording import filled, one_line
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.forms import Typed


@dataclass(frozen=True)
class IdeaReply:
    title: str
    gist: str
    assertions: list[int]


@dataclass(frozen=True)
class IdeasReply:
    ideas: list[IdeaReply]

    def __post_init__(self) -> None:
        if not any(one.gist.strip() for one in self.ideas):
            raise ValueError("no idea has a gist")


def stocked(writer: Ask, brief: Brief, tree: Tree, chosen: list[Cell], counts: Counter[str]) -> list[tuple[Cell, Idea]]:
    """An idea for each of the chosen cells, in their order; a cell that stands there twice gets two.

    A cell for which no usable ideas come gets fewer.
    """
    wanted = Counter(chosen)
    while short := [cell for cell, many in wanted.items() if len(cell.ideas) < many]:
        _ask(writer, brief, tree, short, counts)
        for cell in short:
            if cell.out_of_ideas:
                wanted[cell] = min(wanted[cell], len(cell.ideas))
    made = list[tuple[Cell, Idea]]()
    for cell in chosen:
        if wanted[cell] > 0:
            wanted[cell] -= 1
            made.append((cell, cell.ideas.pop(0)))
    return made


def _ask(writer: Ask, brief: Brief, tree: Tree, cells: list[Cell], counts: Counter[str]) -> None:
    """One more call for each cell, which is shown what it has."""
    calls = [Call(brief.unit("ideas", cell.id, cell.chunks),
                  filled("ideas", assistant=brief.assistant, maker=brief.maker, type=cell.kind.name,
                         about=cell.kind.about, subdomain=cell.subdomain.name, context=cell.subdomain.context,
                         assertions=cell.subdomain.listed, count=str(tree.ideas), turns=_turns(cell, tree),
                         earlier="\n".join(f"- {title}" for title in cell.titles) or "- (none yet)"), (brief.frame,))
             for cell in cells]
    for cell, reply in zip(cells, writer.each(calls, Typed(IdeasReply, ANY_LANGUAGE)), strict=True):
        fresh = _fresh(cell, tree, reply.value.ideas[:tree.ideas]) if reply.ok else []
        cell.chunks += 1
        cell.out_of_ideas = not fresh
        counts["cells without ideas"] += not fresh
        cell.ideas += fresh
        cell.titles += [idea.title for idea in fresh]


def _turns(cell: Cell, tree: Tree) -> str:
    """Which assertion each of the next ideas is for, as the prompt says it."""
    first = cell.chunks * tree.ideas
    return "\n".join(f"- idea {n + 1}: above all for assertion {cell.lead(first + n)}" for n in range(tree.ideas))


def _fresh(cell: Cell, tree: Tree, replies: list[IdeaReply]) -> list[Idea]:
    """Ideas that the cell has not had; what names no assertion that there is gives evidence for that whose turn it was.
    """
    made, seen = list[Idea](), {title.casefold() for title in cell.titles}
    ids = [assertion.id for assertion in cell.subdomain.assertions]
    for place, one in enumerate(replies, start=cell.chunks * tree.ideas):
        title = one_line(one.title) or one_line(one.gist)[:80]
        if not one.gist.strip() or title.casefold() in seen:
            continue
        seen.add(title.casefold())
        numbers = [number for number in dict.fromkeys(one.assertions) if 1 <= number <= len(ids)] or [cell.lead(place)]
        named = tuple(ids[number - 1] for number in numbers)
        made.append(Idea(len(cell.titles) + len(made), title, one_line(one.gist), named))
    return made
