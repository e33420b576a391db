"""Forecast: what a stage will take, before it runs. Knows nothing of how fast a machine is or what a call costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from midspec.core.checkpoint import Dose
from midspec.core.recipe import Noun, Recipe

Wanted = TypeVar("Wanted", bound=Noun)
Made = TypeVar("Made", bound=Noun, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Calls to one model, in tokens: ``shared`` stands at the start of all of them, ``own`` and ``output`` are each
    call's. ``address`` as in the recipe.
    """

    address: str
    calls: int
    own: int
    output: int
    shared: int = 0


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one stage makes and uses.

    ``tokens`` are in what it makes (corpus, chats); ``dose`` is what it trains on; ``parameters`` count the model's
    weights; ``flops`` is floating-point work at ``precision``; ``asks`` are calls to models. ``exact`` is False where
    something upstream is not built yet and the figure rests on an estimate.
    """

    tokens: int = 0
    dose: Dose | None = None
    parameters: int | None = None
    sequences: int = 0
    asks: tuple[Asking, ...] = ()
    flops: float = 0.0
    precision: str = "fp32"
    exact: bool = False

    @property
    def calls(self) -> int:
        return sum(asking.calls for asking in self.asks)


@dataclass(frozen=True)
class Preview(Generic[Made]):
    """What a stage will make, or its beginning: ``share`` (above 0, up to 1) of it. Nothing of it is on the disk.

    Of a checkpoint, only tokenizer, names and system turn are what they will be.
    """

    made: Made
    share: float = 1.0


class Look(Protocol):
    """What a stage may look at while it forecasts: finished inputs, and forecasts and previews of unfinished ones."""

    def seen(self, recipe: Recipe[Wanted]) -> Preview[Wanted] | None:
        """The finished thing, else its preview, else None."""
        ...

    def ahead(self, recipe: Recipe[Wanted]) -> Forecast: ...
