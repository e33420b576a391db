"""What one answer costs in tokens, by where they came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bill:
    fresh: int = 0  # input that was neither read from the cache nor stored in it
    read: int = 0
    stored: int = 0
    out: int = 0

    @property
    def prompt(self) -> int:
        return self.fresh + self.read + self.stored
