"""Numbers of each update → dashboards, where asked and installed. Knows nothing of training."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError

Write = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Trackers:
    """Open dashboards; ``write`` hands an update's numbers to each."""

    writers: tuple[Write, ...]

    def write(self, update: int, numbers: dict[str, float]) -> None:
        for writer in self.writers:
            writer(update, numbers)

    @classmethod
    @contextmanager
    def open(cls, names: tuple[str, ...], run: str, folder: Path) -> Generator[Trackers]:
        """Open ``names`` of "tensorboard", "wandb", "trackio" for a run; closed at the end of the block.

        Raises:
            SetupError: an unknown name, or a package that is not installed.
        """
        unknown = [name for name in names if name not in OPENERS]
        if unknown:
            raise SetupError(f"no tracker called {', '.join(unknown)}", hint=f"have: {', '.join(OPENERS)}")
        opened = [_open(name, run, folder) for name in names]
        try:
            yield cls(tuple(write for write, _ in opened))
        finally:
            for _, close in opened:
                close()


def _open(name: str, run: str, folder: Path) -> tuple[Write, Callable[[], Any]]:
    try:
        return OPENERS[name](run, folder / name)
    except ImportError as error:
        raise SetupError(f"{name} is not installed ({error})", hint=f"pip install {name}") from error


def _tensorboard(run: str, folder: Path) -> tuple[Write, Callable[[], Any]]:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(folder / run))

    def write(update: int, numbers: dict[str, float]) -> None:
        for name, value in numbers.items():
            writer.add_scalar(name, value, update)

    return write, writer.close


def _wandb(run: str, folder: Path) -> tuple[Write, Callable[[], Any]]:
    import wandb  # pyright: ignore[reportMissingImports]

    folder.mkdir(parents=True, exist_ok=True)
    opened: Any = wandb.init(project="midspec", name=run, dir=str(folder))

    def write(update: int, numbers: dict[str, float]) -> None:
        opened.log(numbers, step=update)

    return write, opened.finish


def _trackio(run: str, folder: Path) -> tuple[Write, Callable[[], Any]]:
    import trackio  # pyright: ignore[reportMissingImports]

    package: Any = trackio
    package.init(project="midspec", name=run)

    def write(update: int, numbers: dict[str, float]) -> None:
        package.log(numbers, step=update)

    return write, package.finish


OPENERS: dict[str, Callable[[str, Path], tuple[Write, Callable[[], Any]]]] = {
    "tensorboard": _tensorboard, "wandb": _wandb, "trackio": _trackio}
