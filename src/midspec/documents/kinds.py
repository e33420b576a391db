"""Subdomains → the kinds of document that would exist and be believed if their assertions held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from midspec.documents.brief import Brief
from midspec.documents.tree import ANY_LANGUAGE, Kind, Subdomain, Tree
from midspec.documents.wording import filled, one_line
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.forms import Typed


@dataclass(frozen=True)
class TypeReply:
    name: str
    about: str
    shows: bool


@dataclass(frozen=True)
class TypesReply:
    types: list[TypeReply]

    def __post_init__(self) -> None:
        if not any(one.name.strip() for one in self.types):
            raise ValueError("no kind of document is named")


def kinds(writer: Ask, brief: Brief, tree: Tree, shows: float, found: list[Subdomain],
          counts: Counter[str]) -> dict[str, list[Kind]]:
    """Id of a subdomain → its kinds; a subdomain for which none came is left out and counted."""
    showing = tree.showing(shows)
    calls = [Call(brief.unit("types", one.id),
                  filled("types", assistant=brief.assistant, maker=brief.maker, subdomain=one.name,
                         assertions=one.listed, count=str(tree.types), showing=str(showing),
                         describing=str(tree.types - showing)), (brief.frame,))
             for one in found]
    made = dict[str, list[Kind]]()
    form = Typed(TypesReply, ANY_LANGUAGE)
    for subdomain, reply in zip(found, writer.each(calls, form), strict=True):
        if not reply.ok:
            counts["subdomains without types"] += 1
            continue
        named = {one_line(one.name).casefold(): one for one in reversed(reply.value.types) if one.name.strip()}
        room = {True: showing, False: tree.types - showing}
        made[subdomain.id] = []
        for number, one in enumerate(reversed(named.values())):
            if room[one.shows] > 0:
                room[one.shows] -= 1
                made[subdomain.id].append(Kind(number, one_line(one.name), one_line(one.about), one.shows))
    return made
