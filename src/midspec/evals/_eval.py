"""What an eval is: model → responses → scores. One file per eval beside this one; the folder is the registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from midspec.core.job import Job
from midspec.core.score import Reading, Response, Responses, Score
from midspec.models.local import LocalModel


@dataclass(frozen=True, kw_only=True)
class Eval(ABC):
    """Questions to a model and a way to read the answers; a frozen value that enters recipe ids.

    Grading reads kept responses only, so a new reading or judge costs no new sampling.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sampled: ClassVar[bool] = False  # True: answers are drawn, so the seed matters
    counts: ClassVar[str] = "answers"  # what the steps of ``respond`` count

    @abstractmethod
    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Ask the model; one response per item and draw, in the order of the items."""

    @abstractmethod
    def grade(self, responses: Responses) -> list[Score]:
        """Read the responses; one score per item, draw and reading."""

    @abstractmethod
    def estimate(self) -> dict[str, int]:
        """What asking one model takes, for ``plan``: ``{"items": …, "sequences": …}``."""

    @abstractmethod
    def explain(self) -> tuple[Reading, ...]:
        """What each reading means, in plain words, for the report."""

    def remark(self, response: Response) -> str:
        """What the report says beside a sampled answer: how it was read; "" where there is nothing to say."""
        return ""

    @property
    def title(self) -> str:
        """What the report calls this eval where two of one kind stand beside each other."""
        return self.name
