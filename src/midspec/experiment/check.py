"""Manipulation check: did the treatment do what it had to do? Shown above any result, whatever the result is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from midspec.core.errors import RecipeError
from midspec.evals._eval import Eval


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
        known = [] if self.by is None else [reading.name for reading in self.by.explain()]
        if self.by is not None and self.reading not in known:
            raise RecipeError(f"check {self.words!r}: {self.reading!r} is no reading of its eval",
                              hint=f"have: {', '.join(known)}")
