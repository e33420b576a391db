"""A job for evals under test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midspec.store.ledger import Ledger


@dataclass
class Desk:
    """A job without an artifact: it keeps what a stage tells it (see ``core.job.Job``)."""

    folder: Path
    answers: Ledger
    device: str = "cpu"
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    steps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def scratch(self) -> Path:
        return self.folder

    def get(self, recipe: Any) -> Any:
        raise LookupError(recipe)

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def warn(self, message: str) -> None:
        raise AssertionError(message)

    def step(self, done: int, of: int, **numbers: float) -> None:
        self.steps.append((done, of))
