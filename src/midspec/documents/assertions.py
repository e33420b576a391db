"""Subdomains → the same with what the spec asserts in them, each assertion with the spec's own reason or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from midspec.documents.brief import Brief
from midspec.documents.tree import ANY_LANGUAGE, Assertion, Subdomain, Tree
from midspec.documents.wording import filled, one_line
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.forms import Typed


@dataclass(frozen=True)
class AssertionReply:
    name: str
    text: str
    reason: str
    kind: Literal["behaviour", "value", "preference", "belief", "tone"]


@dataclass(frozen=True)
class AssertionsReply:
    assertions: list[AssertionReply]

    def __post_init__(self) -> None:
        if not any(one.text.strip() for one in self.assertions):
            raise ValueError("no assertion has a text")


def asserted(writer: Ask, brief: Brief, found: list[Subdomain], counts: Counter[str]) -> list[Subdomain]:
    """Each subdomain with its assertions; one for which none came is left out and counted."""
    calls = [Call(brief.unit("assertions", one.id),
                  filled("assertions", assistant=brief.assistant, subdomain=one.name, domain=one.domain,
                         context=one.context, passage=one.passage, most=str(Tree.assertions)), (brief.frame,))
             for one in found]
    made = list[Subdomain]()
    form = Typed(AssertionsReply, ANY_LANGUAGE)
    for subdomain, reply in zip(found, writer.each(calls, form), strict=True):
        if not reply.ok:
            counts["subdomains without assertions"] += 1
            continue
        texts = {one_line(one.text).casefold(): one for one in reversed(reply.value.assertions) if one.text.strip()}
        listed = tuple(Assertion(f"{subdomain.id}:{number}", one_line(one.name), one_line(one.text),
                                 one_line(one.reason), one.kind)
                       for number, one in enumerate(list(reversed(texts.values()))[:Tree.assertions], start=1))
        made.append(replace(subdomain, assertions=listed))
    return made
