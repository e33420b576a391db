"""Forecast: what a stage will take, before it runs. Knows nothing of how fast a machine is or what a call costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from midspec.core.checkpoint import Dose
from midspec.core.recipe import Noun, Recipe

Wanted = TypeVar("Wanted", bound=Noun)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one stage makes and uses.

    ``tokens`` are in what it makes (corpus, chats); ``dose`` is what it trains on; ``parameters`` count the model's
    weights; ``flops`` is floating-point work at ``precision``; ``calls`` go to a paid model. ``exact`` is False where
    something upstream is not built yet and the figure rests on an estimate.
    """

    tokens: int = 0
    dose: Dose | None = None
    parameters: int | None = None
    sequences: int = 0
    calls: int = 0
    flops: float = 0.0
    precision: str = "fp32"
    exact: bool = False


class Look(Protocol):
    """What a stage may look at while it forecasts: finished inputs, and forecasts of unfinished ones."""

    def built(self, recipe: Recipe[Wanted]) -> Wanted | None: ...

    def ahead(self, recipe: Recipe[Wanted]) -> Forecast: ...
