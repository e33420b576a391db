"""Spec → domains → subdomains, each with the passage of the spec that it rests on; passages are never retyped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from midspec.documents.brief import Brief
from midspec.documents.passages import Passages
from midspec.documents.tree import ANY_LANGUAGE, Domain, Subdomain, Tree
from midspec.documents.wording import filled, one_line
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.forms import Fault, Typed


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
class Located(Typed):
    """Subdomains of which at least one passage stands in ``spec``."""

    kind: type = SubdomainsReply
    spec: Passages | None = None

    def read(self, text: str) -> Any:
        value = super().read(text)
        if isinstance(value, Fault) or self.spec is None:
            return value
        if all(self.spec.cut(one.starts, one.ends) is None for one in value.subdomains):
            return Fault("passage", "no passage stands in the spec; copy the first and last words letter by letter")
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
    """The concerns of all domains. Those whose passage is not in the spec are left out and counted."""
    spec = Passages(brief.text)
    calls = [Call(brief.unit("subdomains", domain.number),
                  filled("subdomains", assistant=brief.assistant, domain=domain.name, about=domain.about,
                         others=_others(found, domain), count=str(tree.share(domain.number))), (brief.frame,))
             for domain in found]
    made = list[Subdomain]()
    form = Located(limits=ANY_LANGUAGE, spec=spec)
    for domain, reply in zip(found, writer.each(calls, form), strict=True):
        if not reply.ok:
            counts["domains without subdomains"] += 1
            continue
        seen = set[str]()
        for one in reply.value.subdomains:
            name = one_line(one.name)
            if not name or not one.context.strip() or name.casefold() in seen or len(seen) == tree.share(domain.number):
                continue
            passage = spec.cut(one.starts, one.ends)
            if passage is None:
                counts["passages not found"] += 1
                continue
            seen.add(name.casefold())
            made.append(Subdomain(f"{domain.number}.{len(seen) - 1}", domain.name, name, one.context.strip(), passage))
    return made


def _others(found: list[Domain], but: Domain) -> str:
    return "\n".join(f"- {one.name}: {one.about}" for one in found if one is not but) or "- (there is no other)"
