"""What a person sees while stages run: a list of stages and a bar in a terminal, one line a stage elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from midspec.core.recipe import Recipe

PLAIN_SECONDS = 30.0


class Progress:
    """Shows a run. In a terminal the stage at work has a bar with its numbers; elsewhere a line every half minute."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False)
        self.of = self.done = 0
        self.bars: Bars | None = None
        self.task: TaskID | None = None
        self.spoke = 0.0
        self.last_owner = ""
        self.label = self.unit = ""

    def say(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)

    def begin(self, of: int, found: int) -> None:
        self.of, self.done = of, found
        self.console.print(f"{of} artifacts: {found} there, {of - found} to build", soft_wrap=True)

    def start(self, recipe: Recipe[Any]) -> None:
        self.spoke = time.monotonic()
        self.label = f"[{self.done + 1}/{self.of}] {recipe.folder_name}"
        self.unit = getattr(getattr(recipe, "to", None) or recipe, "counts", "updates")

    def step(self, done: int, of: int, numbers: dict[str, float]) -> None:
        shown = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        if self.console.is_terminal:
            self._bar(done, of, shown)
        elif time.monotonic() - self.spoke > PLAIN_SECONDS:
            self.spoke = time.monotonic()
            self.console.print(f"  {self.label}: {done}/{of} {self.unit}  {shown}", markup=False, soft_wrap=True)

    def _bar(self, done: int, of: int, shown: str) -> None:
        if self.bars is None:
            self.bars = Bars(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
                TextColumn("{task.fields[shown]}", markup=False),
                TimeRemainingColumn(),
                console=self.console,
                transient=True,
            )
            self.bars.start()
        if self.task is None:
            self.task = self.bars.add_task(self.label, total=of, shown=shown, unit=self.unit)
        self.bars.update(self.task, completed=done, total=of, shown=shown)

    def finish(self, recipe: Recipe[Any], seconds: float) -> None:
        self.end()
        self.done += 1
        how = f"built in {seconds:.1f} s" if seconds else "built by another process"
        self.console.print(f"[{self.done}/{self.of}] {recipe.folder_name}  {how}", markup=False, soft_wrap=True)

    def waiting(self, owner: str) -> None:
        if owner != self.last_owner:
            self.last_owner = owner
            self.console.print(f"waiting: {owner}", markup=False, soft_wrap=True)

    def end(self) -> None:
        if self.bars is not None:
            self.bars.stop()
        self.bars = self.task = None
