"""Subject → domains of talk, each with situations. Knows nothing of the questions that are asked there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from midspec.chats.subject import Subject
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Typed

MANY, SITUATIONS = 12, 6


@dataclass(frozen=True)
class Domain:
    name: str
    situations: tuple[str, ...]


@dataclass(frozen=True)
class Domains:
    domains: tuple[Domain, ...]


def domains(ask: Ask, subject: Subject, seed: int, earlier: Collection[str]) -> list[Domain]:
    """Domains that are not among ``earlier`` ones (names), about MANY with SITUATIONS each; none where none came."""
    taken = subject.say("taken", names=", ".join(earlier)) + "\n\n" if earlier else ""
    text = subject.say("domains", many=str(MANY), situations=str(SITUATIONS), taken=taken)
    reply = ask.all([Call(f"chats {seed}/domains {len(earlier)}", text, (subject.lead,))],
                    Typed(Domains, Limits(language="")))[0]
    if not reply.ok:
        return []
    known, found = {name.casefold() for name in earlier}, list[Domain]()
    for one in reply.value.domains:
        name, situations = one.name.strip(), tuple(s.strip() for s in one.situations if s.strip())
        if name and situations and name.casefold() not in known:
            known.add(name.casefold())
            found.append(Domain(name, situations))
    return found
