"""Recipe → artifact on this machine: the Job that stages see, and the one place that builds a single artifact."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from midspec.core.asking import Account, StageAccount, Terms
from midspec.core.job import Answers
from midspec.core.recipe import Noun, Recipe
from midspec.store.artifacts import Store
from midspec.store.disk import writing

Wanted = TypeVar("Wanted", bound=Noun)
MEASURED = ("torch", "transformers", "peft", "accelerate", "tokenizers", "numpy")


@dataclass(frozen=True)
class Settings:
    """Where and how to run; nothing here may change a result's identity."""

    device: str = "cpu"
    trackers: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)
    account: Account = field(default_factory=Account)
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)
    on_step: Callable[[int, int, dict[str, float]], None] = lambda done, of, numbers: None


@dataclass
class LocalJob:
    """One stage at work (see ``core.job.Job``)."""

    store: Store
    settings: Settings
    recipe: Recipe[Any]
    folder: Path
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self._account = StageAccount(self.recipe.label, self.settings.account)

    @property
    def terms(self) -> Terms:
        return replace(self.settings.terms, device=self.settings.device)

    @property
    def account(self) -> StageAccount:
        return self._account

    @property
    def scratch(self) -> Path:
        return self.store.scratch(self.recipe)

    @property
    def device(self) -> str:
        return self.settings.device

    @property
    def trackers(self) -> tuple[str, ...]:
        return self.settings.trackers

    @property
    def answers(self) -> Answers:
        return self.store.ledger

    def get(self, recipe: Recipe[Wanted]) -> Wanted:
        return self.store.read(recipe)

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def warn(self, message: str) -> None:
        self.facts.setdefault("warnings", []).append(message)
        self.settings.say(f"warning: {self.recipe.label}: {message}")

    def say(self, message: str) -> None:
        self.settings.say(f"{self.recipe.label}: {message}")

    def step(self, done: int, of: int, **numbers: float) -> None:
        self.settings.on_step(done, of, numbers)


def build(recipe: Recipe[Any], store: Store, settings: Settings) -> float:
    """Build one artifact whose inputs are in the store, and publish it; returns seconds (0.0 where it was there).

    Raises:
        ClaimError: another process is building it.
    """
    with store.claim(recipe):
        if store.find(recipe) is not None:
            return 0.0
        started = time.time()
        job = LocalJob(store, settings, recipe, store.staging(recipe))
        try:
            made = recipe.build(job)
            with writing(store.root):
                made.write(job.folder)
            seconds = time.time() - started
            store.publish(recipe, job.folder, job.facts,
                          run_record(started, seconds, settings.device, job.account.cost))
        except BaseException:
            # Half an artifact is of no use to the next try; the states of a training lie in scratch and are.
            store.discard(recipe)
            raise
    # Models hold circles of references: without this, one of a finished stage stays in memory beside the next.
    gc.collect()
    return seconds


def run_record(started: float, seconds: float, device: str, cost: float = 0.0) -> dict[str, Any]:
    """When, where and with what: the part of a manifest that differs between two runs of one recipe."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(seconds, 3),
        "device": device_name(device),
        "versions": versions(),
        "python": platform.python_version(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "commit": commit(),
        "cost": round(cost, 6),
    }


def versions() -> dict[str, str]:
    """Installed versions of what can move a number."""
    found: dict[str, str] = {}
    for name in ("midspec", *MEASURED):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def device_name(device: str) -> str:
    """ "cpu" with its model, or the accelerator's own name."""
    if device.startswith("cuda") and "torch" in sys.modules:
        return str(sys.modules["torch"].cuda.get_device_name(device))
    return device if device != "cpu" else f"cpu ({platform.machine()}, {_cpu_model()})"


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def commit() -> str | None:
    """The commit of the folder that midspec is run in, with "+" where it has changes; None outside git."""
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return shown.stdout.strip() or None
