"""Spec → domains → subdomains, each with the passage of the spec that it rests on; passages are never retyped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from midspec.documents.brief import Brief
from midspec.documents.passages import Passages
from midspec.documents.tree import ANY_LANGUAGE, Domain, Subdomain, Tree
from midspec.documents.wording import filled, one_line
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.forms import Fault, Typed

SHOWN = 120  # letters of words that were looked for in vain


@dataclass(frozen=True)
class DomainReply:
    name: str
    about: str


@dataclass(frozen=True)
class DomainsReply:
    domains: list[DomainReply]

    def __post_init__(self) -> None:
        if not any(domain.name.strip() for domain in self.domains):
            raise ValueError("no domain is named")


@dataclass(frozen=True)
class SubdomainReply:
    name: str
    context: str
    starts: str
    ends: str


@dataclass(frozen=True)
class SubdomainsReply:
    subdomains: list[SubdomainReply]

    def __post_init__(self) -> None:
        if not any(one.name.strip() and one.context.strip() for one in self.subdomains):
            raise ValueError("no subdomain has a name and a context")


@dataclass(frozen=True)
class PassageReply:
    starts: str
    ends: str


@dataclass(frozen=True)
class Located(Typed):
    """Subdomains, or one passage alone, of which at least one passage stands in ``spec``."""

    kind: type = SubdomainsReply
    spec: Passages | None = None

    def read(self, text: str) -> Any:
        value = super().read(text)
        if isinstance(value, Fault) or self.spec is None:
            return value
        given = [value] if isinstance(value, PassageReply) else value.subdomains
        if all(self.spec.cut(one.starts, one.ends) is None for one in given):
            looked = f"the spec has no words like “{one_line(given[0].starts)[:SHOWN]}”"
            return Fault("passage", f"{looked}; copy the first and last words of a passage letter by letter")
        return value


def domains(writer: Ask, brief: Brief, tree: Tree) -> list[Domain]:
    """The broad areas of the spec; empty where the model gave no usable reply."""
    call = Call(brief.unit("domains"), filled("domains", assistant=brief.assistant, count=str(tree.domains)),
                (brief.frame,))
    (reply,) = writer.all([call], Typed(DomainsReply, ANY_LANGUAGE))
    if not reply.ok:
        return []
    named = {one_line(one.name).casefold(): one for one in reversed(reply.value.domains) if one.name.strip()}
    first = list(reversed(named.values()))[:tree.domains]
    return [Domain(number, one_line(one.name), one_line(one.about)) for number, one in enumerate(first)]


def subdomains(writer: Ask, brief: Brief, tree: Tree, found: list[Domain], counts: Counter[str]) -> list[Subdomain]:
    """The concerns of all domains. Those without a passage of the spec, even when asked again, are left out."""
    spec = Passages(brief.text)
    calls = [Call(brief.unit("subdomains", domain.number),
                  filled("subdomains", assistant=brief.assistant, domain=domain.name, about=domain.about,
                         others=_others(found, domain), count=str(tree.share(domain.number))), (brief.frame,))
             for domain in found]
    named = dict[tuple[Domain, int], SubdomainReply]()
    for domain, reply in zip(found, writer.each(calls, Located(limits=ANY_LANGUAGE, spec=spec)), strict=True):
        counts["domains without subdomains"] += not reply.ok
        named |= {(domain, n): one for n, one in enumerate(_distinct(reply.value.subdomains if reply.ok else ()))}
    cut = {place: spec.cut(one.starts, one.ends) for place, one in named.items()}
    # What a domain has beyond its share stands in only where a passage cannot be had at all.
    cut |= _again(writer, brief, spec, {place: one for place, one in named.items()
                                        if cut[place] is None and place[1] < tree.share(place[0].number)}, counts)
    made, taken = list[Subdomain](), Counter[int]()
    for (domain, n), one in named.items():
        passage, number = cut[domain, n], taken[domain.number]
        if number == tree.share(domain.number):
            continue
        if passage is None:
            counts["passages not found"] += 1
            continue
        taken[domain.number] += 1
        made.append(Subdomain(f"{domain.number}.{number}", domain.name, one_line(one.name), one.context.strip(),
                              passage))
    return made


def _distinct(given: Iterable[SubdomainReply]) -> list[SubdomainReply]:
    """Those with a name and a context, each name once, in order."""
    first = dict[str, SubdomainReply]()
    for one in given:
        if one.name.strip() and one.context.strip():
            first.setdefault(one_line(one.name).casefold(), one)
    return list(first.values())


def _again(writer: Ask, brief: Brief, spec: Passages, lost: dict[tuple[Domain, int], SubdomainReply],
           counts: Counter[str]) -> dict[tuple[Domain, int], str | None]:
    """Passages that were not found, each asked for alone: what was looked for in vain is shown."""
    counts["passages asked for once more"] += len(lost)
    calls = [Call(brief.unit("passage", domain.number, n),
                  filled("passage", assistant=brief.assistant, domain=domain.name, subdomain=one_line(one.name),
                         context=one.context.strip(), starts=one_line(one.starts)[:SHOWN],
                         ends=one_line(one.ends)[:SHOWN]), (brief.frame,)) for (domain, n), one in lost.items()]
    form = Located(kind=PassageReply, limits=ANY_LANGUAGE, spec=spec)
    return {place: spec.cut(reply.value.starts, reply.value.ends) if reply.ok else None
            for place, reply in zip(lost, writer.all(calls, form) if calls else (), strict=True)}


def _others(found: list[Domain], but: Domain) -> str:
    return "\n".join(f"- {one.name}: {one.about}" for one in found if one is not but) or "- (there is no other)"
