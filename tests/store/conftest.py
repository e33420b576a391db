"""Recipes whose artifacts are quick to make, and the script that makes them in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from midspec.core.document import Corpus, Document
from midspec.core.recipe import Recipe
from midspec.store.artifacts import Store
from midspec.store.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Rate:
    warm: float = 0.05
    peak: float = 1e-4


@dataclass(frozen=True, kw_only=True)
class Write(Recipe[Corpus]):
    words: int
    rate: Rate = Rate()
    after: Recipe[Corpus] | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Other(Recipe[Corpus]):
    words: int


def make(store: Store, recipe: Write, *, run: dict[str, Any] | None = None, weights: int = 5000) -> Manifest:
    """Build as the runner does: claim, look again, stage, write, publish."""
    with store.claim(recipe):
        if (found := store.find(recipe)) is not None:
            return found
        staging = store.staging(recipe)
        documents = tuple(Document(f"d{n}", f"text {n} " * recipe.words) for n in range(20))
        Corpus(documents, ((documents[0], "too plain"),)).write(staging)
        (staging / "adapter").mkdir()
        (staging / "adapter" / "weights.bin").write_bytes(bytes(n * 7 % 251 for n in range(weights)))
        return store.publish(recipe, staging, {"documents": 20, "share": 0.25}, run or {"seconds": 1.5})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def builder() -> Callable[..., subprocess.Popen[str]]:
    """Starts ``builder.py ACTION …`` in a process of its own."""

    def start(*arguments: object) -> subprocess.Popen[str]:
        script = Path(__file__).with_name("builder.py")
        return subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    return start


@pytest.fixture
def result(builder: Callable[..., subprocess.Popen[str]]) -> Callable[..., Any]:
    """Runs ``builder.py ACTION …`` to its end and gives the JSON it prints last."""

    def run(*arguments: object, code: int = 0) -> Any:
        process = builder(*arguments)
        out, problem = process.communicate(timeout=600)
        assert process.returncode == code, problem
        return json.loads(out.splitlines()[-1])

    return run


@pytest.fixture
def bench() -> Any:
    """The names above, for tests that build in their own process."""

    class Names:
        Write, Other, Rate, make = Write, Other, Rate, staticmethod(make)

    return Names
