"""Job: where and how a stage runs. Nothing in it may change what comes out, and nothing of it enters an id."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from midspec.core.asking import StageAccount, Terms
from midspec.core.recipe import Noun, Recipe

Wanted = TypeVar("Wanted", bound=Noun)


class Answers(Protocol):
    """Kept answers of models: a call that was paid for, or sampled, once is never made again."""

    def get_many(self, keys: list[str]) -> dict[str, dict[str, Any]]: ...

    def lacking(self, keys: Iterable[str]) -> list[int]:
        """Which of these keys (numbered from 0) have no value. A quick look: a few of them may go unnoticed."""
        ...

    def put_many(self, rows: dict[str, dict[str, Any]]) -> None: ...

    def starting(self, prefix: str) -> dict[str, dict[str, Any]]:
        """All values whose key starts so, oldest first."""
        ...

    def paying(self) -> AbstractContextManager[None]:
        """Be the only process that pays for answers kept here; raises ClaimError that names the other."""
        ...


class Job(Protocol):
    """What ``Recipe.build`` may use."""

    @property
    def folder(self) -> Path:
        """An empty folder that becomes the artifact."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder that outlives a kill and is removed once the artifact is published (training checkpoints)."""
        ...

    @property
    def device(self) -> str:
        """ "cpu", "cuda", "cuda:1" or "mps"."""
        ...

    @property
    def trackers(self) -> tuple[str, ...]:
        """Dashboards that metrics also go to ("tensorboard", "wandb", "trackio"); JSON lines are written always."""
        ...

    @property
    def answers(self) -> Answers: ...

    @property
    def terms(self) -> Terms:
        """How models are asked: budget, batch or not, calls at once."""
        ...

    @property
    def account(self) -> StageAccount:
        """What the answers of this stage cost."""
        ...

    def get(self, recipe: Recipe[Wanted]) -> Wanted:
        """The thing that an input recipe makes, read from the store."""
        ...

    def note(self, **facts: Any) -> None:
        """Facts for the manifest (counts, shares, flags): the same in every run of the same recipe."""
        ...

    def warn(self, message: str) -> None:
        """Tell the user now, and keep it in the manifest under "warnings"."""
        ...

    def say(self, message: str) -> None:
        """Tell the user now; kept nowhere, since it is not the same in every run (a training that goes on)."""
        ...

    def step(self, done: int, of: int, **numbers: float) -> None:
        """Progress of a long stage: shown as a bar, and kept as metrics (numbers may be empty)."""
        ...
