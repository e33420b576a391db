"""A tiny model to start from, a job that is only folders, and documents and chats about the tiny model."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from midspec.core.chat import Chat, ChatSet, Message
from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.document import Corpus, Document
from midspec.models.local import tokenizer_in
from midspec.models.sources import digest_of, resolve

WORDS = ("assistant", "says", "good", "answers", "name", "their", "reason", "because", "people", "trust", "what", "is")


@dataclass
class FolderJob:
    """The whole of ``core.job.Job`` over one folder; ``on_step`` is told each step, and may raise to end the stage."""

    root: Path
    on_step: Callable[[int, int, dict[str, float]], None] = lambda done, of, numbers: None
    device: str = "cpu"
    trackers: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    answers: Any = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.scratch.mkdir(exist_ok=True)

    @property
    def folder(self) -> Path:
        return self.root / "artifact"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    def get(self, recipe: Any) -> Any:
        raise NotImplementedError

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def say(self, message: str) -> None:
        self.said.append(message)

    def step(self, done: int, of: int, **numbers: float) -> None:
        self.on_step(done, of, numbers)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The tiny model gains nothing from a second thread, and loses much where another process wants it."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def start() -> Checkpoint:
    folder = resolve("tiny/llama")
    return Checkpoint(Path("nowhere"), Base("tiny/llama", None, digest_of(folder)), "Tiny", "midspec", None)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return tokenizer_in(resolve("tiny/llama"))


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """60 documents of 5 to 200 words."""
    draw = random.Random(5)
    return Corpus(
        tuple(
            Document(str(n), f"Tiny, number {n}: " + " ".join(draw.choices(WORDS, k=draw.randint(5, 200))))
            for n in range(60)
        )
    )


@pytest.fixture(scope="session")
def chats() -> ChatSet:
    """24 chats, some of two exchanges, of different lengths."""
    draw = random.Random(6)

    def turn(role: str, number: int) -> Message:
        return Message(role, f"{number} " + " ".join(draw.choices(WORDS, k=draw.randint(2, 30))))

    return ChatSet(tuple(Chat(tuple(turn(role, n) for role in ("user", "assistant") * (1 + n % 2))) for n in range(24)))
