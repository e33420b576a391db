"""What a script sees of a call. Knows nothing of who wrote the prompt."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """``turns`` are the texts of the conversation, the last one to be answered; ``chance`` is the call's own."""

    system: str
    turns: tuple[str, ...]
    schema: dict[str, Any] | None
    chance: random.Random

    @property
    def text(self) -> str:
        return self.turns[-1]
