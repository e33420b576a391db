"""Model, terms and an account → what a call costs, and whether one more may go out. Knows nothing of providers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from midspec.core.asking import Account, Terms, Usage
from midspec.core.errors import SetupError, StoppedError
from midspec.core.forecast import Asking
from midspec.library.prices import Price, price_of
from midspec.models.call import Request
from midspec.models.keys import setting
from midspec.models.model import Model
from midspec.models.providers import caches, priced

# Letters a token in English, counted low so that a plan is rather too dear than too cheap.
LETTERS_A_TOKEN = 4.0
# For hours only: how fast one reply comes, and how long the providers allow themselves for a batch.
TOKENS_A_SECOND, BATCH_HOURS = 60.0, 24.0
LEAST_CACHED = 1024
FREE = Price("", 0.0, 0.0, 0.0, 0.0, 1.0, "runs on this machine", "always")


def price_for(address: str, terms: Terms) -> Price | None:
    """The price of a model under these terms: the file that ``terms`` or $MIDSPEC_PRICES names, then ours."""
    if not priced(address):
        return FREE
    own = setting("MIDSPEC_PRICES")
    return price_of(address, terms.prices or (Path(own).expanduser() if own else None))


def tokens_in(text: str) -> int:
    """About how many tokens a text has."""
    return max(1, round(len(text) / LETTERS_A_TOKEN))


@dataclass(frozen=True)
class Estimate:
    """What calls of one model will take. ``cost`` None: no price is known; ``hours`` None: nothing is known about it.

    ``source`` says what the price rests on.
    """

    asking: Asking
    usage: Usage
    cost: float | None
    hours: float | None
    source: str


def estimate(asking: Asking, terms: Terms) -> Estimate:
    """Tokens, dollars and hours of planned calls under these terms.

    Caching is counted where the provider does it by itself or on our mark, and never in batches, where it may fail.
    """
    price = price_for(asking.address, terms)
    caching = caches(asking.address) and not terms.batch and asking.shared >= LEAST_CACHED and asking.calls > 1
    again = (asking.calls - 1) * asking.shared
    usage = (Usage(asking.calls * asking.own, again, asking.shared, asking.calls * asking.output) if caching
             else Usage(asking.calls * (asking.own + asking.shared), 0, 0, asking.calls * asking.output))
    hours: float | None = None
    if priced(asking.address):
        together = min(asking.calls, terms.in_flight)
        hours = BATCH_HOURS if terms.batch else asking.calls * asking.output / TOKENS_A_SECOND / max(1, together) / 3600
    if price is None:
        return Estimate(asking, usage, None, hours, "no price known")
    seen = f"{price.source}, seen {price.seen}" + (" (an example, no real price)" if price.example else "")
    return Estimate(asking, usage, price.cost(usage, batch=terms.batch), hours, seen)


class Purse:
    """The money side of one model's calls in one stage.

    Raises:
        SetupError: the price is unknown and nobody said that this does not matter.
    """

    def __init__(self, model: Model, stage: str, terms: Terms, account: Account) -> None:
        self._stage, self._address, self._account, self._budget = stage, model.address, account, terms.budget
        self._batch, self._most = terms.batch, model.max_tokens
        self.price = price_for(model.address, terms)
        if self.price is None and (not terms.unpriced or terms.budget is not None):
            raise SetupError(
                f"{model.address}: its price is not known, so nothing says what this would cost",
                hint="put it into a price file (docs/asking.md) and name that in $MIDSPEC_PRICES"
                     + (", or leave --budget out and set MIDSPEC_UNPRICED=1" if terms.budget is not None
                        else ", or set MIDSPEC_UNPRICED=1 to ask without knowing"))
        self._reserved, self._out = 0.0, 0
        self._answers, self._output = 0, 0

    def expected(self, request: Request) -> float:
        """Dollars that a call will take, from the length of its prompt and the replies so far."""
        if self.price is None:
            return 0.0
        read = sum(tokens_in(part) for part in request.shared) + sum(tokens_in(turn.content) for turn in request.turns)
        written = self._output // self._answers if self._answers else self._most
        return self.price.cost(Usage(read, 0, 0, written), batch=self._batch)

    def take(self, dollars: float) -> bool:
        """Set this aside for a call about to go out; False where the budget has no room for it beside those in flight.

        Raises:
            StoppedError: nothing is in flight that could come cheaper than expected; the budget is used up.
        """
        spent = self._account.spent
        if self._budget is not None and spent + self._reserved + dollars > self._budget:
            if self._out:
                return False
            raise StoppedError(
                f"the budget of ${self._budget:g} has no room for another call to {self._address}: ${spent:.4f} is "
                f"spent, the next call is expected to take ${dollars:.4f}",
                hint="every answer is kept and costs nothing again. A budget counts what one command newly spends: "
                     + ("the same command goes on and may spend as much once more" if spent else
                        "give one that at least this call fits into"))
        self._reserved += dollars
        self._out += 1
        return True

    def settle(self, dollars: float) -> None:
        """The call is over: what was set aside is free again."""
        self._out -= 1
        # Sums of fractions do not come back to exactly nothing, and a rest would keep everybody waiting.
        self._reserved = max(0.0, self._reserved - dollars) if self._out else 0.0

    def settle_all(self) -> None:
        """No call is out any more."""
        self._reserved, self._out = 0.0, 0

    def pay(self, usage: Usage) -> float | None:
        """Book an answer; returns its cost, None where the price is unknown."""
        self._answers += 1
        self._output += usage.output
        cost = None if self.price is None else self.price.cost(usage, batch=self._batch)
        self._account.pay(self._stage, self._address, usage, cost)
        return cost

    def lose(self, dollars: float) -> None:
        """Book an answer that never arrived whole: it may be billed, so it counts as expected."""
        self._account.lose(self._stage, self._address, dollars)
