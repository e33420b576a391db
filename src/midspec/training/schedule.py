"""Schedule: how much is read, in which portions, at which rate. Pure numbers; knows nothing of torch or data."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from midspec.core.errors import RecipeError

PRECISIONS = ("fp32", "bf16")
ATTENTIONS = ("sdpa", "eager", "flex_attention", "flash_attention_2")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Settings of one training stage that change its result, precision and world size among them.

    Give ``updates`` (optimizer steps), or leave it None and give ``passes`` over the data.
    ``rows`` packed rows (documents) or chats make one update, over all processes; ``micro`` of them go through the
    model at once on one process. ``length`` is the longest row in tokens. ``rate`` decays as a cosine to 0 after a
    linear warm-up over the share ``warmup`` of all updates. Defaults as in arXiv 2605.02087, where it states them.
    """

    updates: int | None = None
    passes: float | None = None
    length: int = 4096
    rows: int = 16
    micro: int = 2
    rate: float = 1e-4
    warmup: float = 0.05
    decay: float = 0.01
    clip: float = 1.0
    precision: str = "fp32"
    attention: str = "sdpa"
    world: int = 1

    def __post_init__(self) -> None:
        wrong = self._wrong()
        if wrong:
            names = ", ".join(field.name for field in fields(self))
            raise RecipeError(f"Schedule: {wrong}", hint=f"for example Schedule(updates=280, rows=16); fields: {names}")

    def _wrong(self) -> str | None:
        if (self.updates is None) == (self.passes is None):
            return "give either updates or passes, not both and not neither"
        if (self.updates is not None and self.updates < 1) or (self.passes is not None and self.passes <= 0):
            return f"nothing would be learned from updates={self.updates}, passes={self.passes}"
        if min(self.length, self.rows, self.micro, self.world) < 1 or self.rows % (self.micro * self.world):
            return (
                f"rows={self.rows} must be a multiple of micro x world = {self.micro} x {self.world}, "
                "and all of them and length at least 1"
            )
        if self.rate <= 0 or not math.isfinite(self.rate):
            return f"rate={self.rate} moves nothing"
        if not 0 <= self.warmup < 1:
            return f"warmup={self.warmup} is a share of all updates, from 0 to below 1"
        if self.precision not in PRECISIONS:
            return f"precision {self.precision!r} is not one of {', '.join(PRECISIONS)}"
        if self.attention not in ATTENTIONS:
            return f"attention {self.attention!r} is not one of {', '.join(ATTENTIONS)}"
        return None

    def updates_for(self, rows: int) -> int:
        """Optimizer steps for data that fills ``rows`` rows."""
        if self.updates is not None:
            return self.updates
        assert self.passes is not None
        return max(1, math.ceil(self.passes * rows / self.rows))

    def warmup_updates(self, updates: int) -> int:
        return math.ceil(self.warmup * updates) if self.warmup else 0

    def rate_at(self, update: int, updates: int) -> float:
        """Learning rate of update 0 … updates-1: linear warm-up, then cosine to 0 at ``updates``."""
        warmup = self.warmup_updates(updates)
        if update < warmup:
            return self.rate * (update + 1) / warmup
        return self.rate * 0.5 * (1 + math.cos(math.pi * (update - warmup) / max(1, updates - warmup)))


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Low-rank adapters (arXiv 2106.09685) on the seven projections of every block; dropout 0."""

    r: int = 64
    alpha: int = 128
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

    def __post_init__(self) -> None:
        if self.r < 1 or self.alpha <= 0 or not self.targets:
            raise RecipeError(f"Lora: r={self.r}, alpha={self.alpha}, {len(self.targets)} targets would change nothing")


@dataclass(frozen=True, kw_only=True)
class Full:
    """All weights are trained; the result is a whole model."""
