"""The shapes between a spec and its documents, and how many of each. After ``Subdomain`` no one asks what kind of spec
it was: values, rules and mixed specs are assertions, some with a reason and some without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from midspec.core.errors import RecipeError
from midspec.documents.wording import numbered
from midspec.models.forms import Limits

# Replies that divide a spec repeat its words, whatever language they are in.
ANY_LANGUAGE = Limits(language="")
NO_REASON = "(The spec gives no reason for this, and the document gives none.)"


@dataclass(frozen=True, kw_only=True)
class Tree:
    """How a spec branches out into documents: ``subdomains`` in all domains together, ``types`` of document for each of
    them, ``ideas`` asked for in one call for a subdomain and type, ``words`` of a document, about.
    """

    domains: int = 8
    subdomains: int = 26
    types: int = 20
    ideas: int = 25
    words: int = 800

    assertions: ClassVar[int] = 10  # of one subdomain, at most

    def __post_init__(self) -> None:
        for name in ("domains", "subdomains", "types", "ideas"):
            if not 1 <= getattr(self, name) <= 1000:
                raise RecipeError(f"Tree: {name}={getattr(self, name)} is not between 1 and 1000")
        if self.subdomains < self.domains:
            raise RecipeError(f"Tree: {self.subdomains} subdomains cannot divide {self.domains} domains",
                              hint="subdomains are counted over all domains: give at least one for each")
        if not 30 <= self.words <= 20_000:
            raise RecipeError(f"Tree: documents of {self.words} words; 30 to 20,000 can be asked for")

    def share(self, domain: int) -> int:
        """How many subdomains the domain with this number (from 0) is divided into."""
        each, over = divmod(self.subdomains, self.domains)
        return each + (domain < over)

    def showing(self, shows: float) -> int:
        """How many types of a subdomain show the assistant; of both kinds there is one wherever both are wanted."""
        wanted = round(self.types * shows)
        return min(max(wanted, shows > 0), self.types - (shows < 1 and self.types > 1))


@dataclass(frozen=True)
class Domain:
    number: int
    name: str
    about: str


@dataclass(frozen=True)
class Assertion:
    """One definite thing about the assistant. ``reason`` is the spec's own, "" where it gives none; ``kind`` is
    behaviour, value, preference, belief or tone.
    """

    id: str
    name: str
    text: str
    reason: str
    kind: str

    @property
    def line(self) -> str:
        """As prompts show it."""
        return f"{self.text} {f'Reason: {self.reason}' if self.reason else NO_REASON}"


@dataclass(frozen=True)
class Subdomain:
    """One concern of the spec. ``passage`` is cut out of the spec; ``context`` stands in for the spec."""

    id: str
    domain: str
    name: str
    context: str
    passage: str
    assertions: tuple[Assertion, ...] = ()

    @property
    def listed(self) -> str:
        return numbered([assertion.line for assertion in self.assertions])


@dataclass(frozen=True)
class Kind:
    """A kind of document for one subdomain; ``shows``: the assistant is seen and heard in it."""

    number: int
    name: str
    about: str
    shows: bool


@dataclass(frozen=True)
class Idea:
    """What one document is about; ``assertions`` are ids of those that it is to give evidence for."""

    number: int
    title: str
    gist: str
    assertions: tuple[str, ...]
