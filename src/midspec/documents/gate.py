"""Drafts → those that may be learned from, and the others with their reason. Knows nothing of how many are wanted.

Plain code looks first, since it costs nothing; then the critic; what either finds is mended once by the writer and
looked at again by both. A text that is known already, or that holds evaluation text, is not worth mending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from midspec.core.errors import RecipeError
from midspec.core.grams import Seen
from midspec.documents.brief import Brief
from midspec.documents.drafts import Draft, rewritten
from midspec.documents.retold import Retold, Stories
from midspec.documents.signs import Signs
from midspec.documents.tree import Tree
from midspec.documents.verdicts import judged
from midspec.library.held_out import held_out
from midspec.models.ask import Ask

GRAM = 5  # words


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What may differ from how documents are usually checked.

    ``language`` "en", or "" for any. ``alike``: share of word 5-grams (Jaccard index) that makes two texts one;
    ``retold``: what tells the same in other words is found as well. ``same_critic``: the writer may check itself.
    """

    language: str = "en"
    alike: float = 0.5
    same_critic: bool = False
    retold: Retold | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alike <= 1:
            raise RecipeError(f"Checks: alike={self.alike} is a share, above 0 and at most 1")


class Known:
    """What a new text must not repeat: texts that were kept, and evaluation texts."""

    def __init__(self, checks: Checks) -> None:
        self._seen, self._ids = Seen(GRAM, checks.alike), list[str]()
        self._stories = Stories(checks.retold) if checks.retold else None

    def against(self, one: Draft) -> str:
        """Why the text cannot be kept, "" where nothing speaks against it."""
        if (met := held_out().met(one.text)) is not None:
            return f"evaluation text: {met}"
        if (twin := self._seen.like(one.text)) is not None:
            return f"near-duplicate of {self._ids[twin]}"
        if self._stories and (twin := self._stories.like(one.text)) is not None:
            return f"near-duplicate in other words of {self._ids[twin]}"
        return ""

    def keep(self, one: Draft) -> None:
        self._seen.add(one.text)
        if self._stories:
            self._stories.add(one.text)
        self._ids.append(one.id)


def gated(made: Iterable[Draft], writer: Ask, critic: Ask, brief: Brief, tree: Tree, known: Known,
          counts: Counter[str]) -> list[Draft]:
    """The same drafts in the same order: those without ``reason`` passed, and are known from now on."""
    signs = Signs(brief.text, brief.assistant, brief.maker, brief.language)
    drafts = {one.id: _looked_at(one, signs, known) for one in made}
    drafts |= _by_critic(drafts, critic, brief, counts)
    faulty = [one for one in drafts.values() if not one.reason and one.against]
    counts["rewritten"] += len(faulty)
    again = {one.id: _looked_at(one, signs, known) for one in rewritten(writer, brief, tree, faulty)}
    again |= _by_critic(again, critic, brief, counts)
    drafts |= {name: _settled(one) for name, one in again.items()}
    counts["mended"] += sum(not drafts[name].reason for name in again)
    return [_admitted(one, known) for one in drafts.values()]


def _looked_at(one: Draft, signs: Signs, known: Known) -> Draft:
    if one.reason:
        return one
    if reason := known.against(one):
        return one.dropped(reason)
    return replace(one, against=tuple(signs.of(one.text)))


def _by_critic(drafts: dict[str, Draft], critic: Ask, brief: Brief, counts: Counter[str]) -> dict[str, Draft]:
    """Those that plain code found nothing against, as the critic sees them."""
    fine = [one for one in drafts.values() if not one.reason and not one.against]
    return {one.id: one for one in judged(critic, brief, fine, counts)}


def _settled(one: Draft) -> Draft:
    """After the rewrite an open complaint is the end."""
    if one.reason or not one.against:
        return one
    return one.dropped(f"still wrong after a rewrite: {one.against[0].line}")


def _admitted(one: Draft, known: Known) -> Draft:
    """Looked at once more beside those that were kept in the same round before it."""
    if one.reason:
        return one
    if reason := known.against(one):
        return one.dropped(reason)
    known.keep(one)
    return one
