"""What a script sees of a call. Knows nothing of who wrote the prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Said:
    """``turns`` are the texts of the conversation, the last one to be answered; ``chance`` is the call's own.

    ``settings`` are what the model's ``extra`` holds, for scripts that can be told how to behave.
    """

    system: str
    turns: tuple[str, ...]
    schema: dict[str, Any] | None
    chance: random.Random
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def text(self) -> str:
        return self.turns[-1]
