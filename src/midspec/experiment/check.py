"""Manipulation check: did the treatment do what it had to do? Shown above any result, whatever the result is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from midspec.core.errors import RecipeError
from midspec.evals._eval import Eval
from midspec.evals.answers import Answers
from midspec.evals.choice import Choice
from midspec.evals.document_loss import DocumentLoss
from midspec.evals.named import Named
from midspec.evals.rollout import Rollout
from midspec.evals.spoken import Spoken


@dataclass(frozen=True, kw_only=True)
class Check:
    """``words`` say what must hold for ``arms``. One of ``by`` (an eval, with the ``reading``) and ``fact``.

    ``fact`` is a number that the manifest of an arm's chats notes ("distinct_share"). The value of an arm is its mean
    over seeds and items, or with ``share`` the share of its items above 0. It must be ``at_least`` so much, or so much
    more than the arm ``above``; and all arms must be within ``equal`` of each other. ``axis`` limits it to some items.
    """

    words: str
    arms: tuple[Callable[..., Any], ...]
    by: Eval | None = None
    reading: str = ""
    fact: str = ""
    axis: str | None = None
    share: bool = False
    at_least: float | None = None
    above: Callable[..., Any] | None = None
    equal: float | None = None

    def __post_init__(self) -> None:
        if not self.arms or (self.by is None) == (not self.fact):
            raise RecipeError(f"check {self.words!r}: give it arms, and either by= (an eval) or fact=")
        if self.at_least is None and self.equal is None:
            raise RecipeError(f"check {self.words!r} could not fail", hint="give at_least= or equal=")
        if not self.words.strip():
            raise RecipeError("a check needs words: what must hold for its arms")
        if self.fact and (self.reading or self.axis is not None):
            raise RecipeError(f"check {self.words!r}: fact= is one number of a manifest, with no reading and no axis")
        if self.above is not None and self.at_least is None:
            raise RecipeError(f"check {self.words!r}: above= would change nothing",
                              hint="at_least= says by how much; at_least=0.0 is enough")
        known = [] if self.by is None else [reading.name for reading in self.by.explain()]
        if self.by is not None and self.reading not in known:
            raise RecipeError(f"check {self.words!r}: {self.reading!r} is no reading of its eval",
                              hint=f"have: {', '.join(known)}")

    @property
    def asked(self) -> frozenset[str]:
        """Names of the arms that it needs rows of."""
        return frozenset(arm.__name__ for arm in (*self.arms, self.above) if arm is not None)

    def mixes_with(self, other: Eval) -> bool:
        """Whether rows of ``other`` would be taken for rows of this check: they are told apart by names only."""
        if self.by is None or other == self.by or other.name != self.by.name:
            return False
        axes = _axes(other)
        met = self.axis is None or axes is None or self.axis in axes
        return met and self.reading in {reading.name for reading in other.explain()}


    def way_out(self, others: list[Eval]) -> str:
        """What to do where rows would mix: an axis tells evals apart only where each says which axes it has."""
        told = [_axes(one) for one in (self.by, *others) if one is not None]
        own, *rest = [axes or frozenset[str]() for axes in told]
        if None in told or not own - frozenset[str]().union(*rest):
            return "ask it in another experiment: answers and models are shared"
        return "name an axis= that only one of them has"


def clash(one: Eval, other: Eval) -> str:
    """The reading that both give of one item, so that rows would not say whose they are; "" where there is none."""
    if one == other or one.name != other.name or not (_ids(one) & _ids(other)):
        return ""
    both = {reading.name for reading in one.explain()} & {reading.name for reading in other.explain()}
    return min(both, default="")


def _ids(by: Eval) -> frozenset[str]:
    if isinstance(by, (Choice, Named, Spoken)):
        return frozenset(item.id for item in by.items.items)
    if isinstance(by, Rollout):
        return frozenset(cell.id for cell in by.chosen)
    return frozenset(question.id for question in by.questions.questions) if isinstance(by, Answers) else frozenset()


def _axes(by: Eval) -> frozenset[str] | None:
    """Axes that the rows of an eval can have; None where it does not say."""
    if isinstance(by, (Choice, Named, Spoken)):
        return frozenset(item.axis for item in by.items.items)
    if isinstance(by, Answers):
        return frozenset(question.axis for question in by.questions.questions)
    return frozenset({by.axis}) if isinstance(by, DocumentLoss) else None
