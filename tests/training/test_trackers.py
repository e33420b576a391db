"""Dashboards: what is not there is told with the command that brings it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from midspec.core.errors import SetupError
from midspec.training.trackers import Trackers


def test_none(tmp_path: Path) -> None:
    with Trackers.open((), "run", tmp_path) as trackers:
        trackers.write(1, {"loss": 1.0})
    assert not list(tmp_path.iterdir())


def test_unknown(tmp_path: Path) -> None:
    with (
        pytest.raises(SetupError, match="no tracker called abacus") as found,
        Trackers.open(("abacus",), "run", tmp_path),
    ):
        pass
    assert "tensorboard, wandb, trackio" in str(found.value)


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "trackio"])
def test_not_installed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tensorboard", "torch.utils.tensorboard", "wandb", "trackio"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SetupError, match=f"pip install {name}"), Trackers.open((name,), "run", tmp_path):
        pass


def test_numbers_arrive_and_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the package (not installed here): what midspec hands over."""
    seen: list[object] = []
    package = ModuleType("trackio")
    package.init = lambda **kwargs: seen.append(kwargs)  # type: ignore[attr-defined]
    package.log = lambda numbers, step: seen.append((step, numbers))  # type: ignore[attr-defined]
    package.finish = lambda: seen.append("closed")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trackio", package)
    with Trackers.open(("trackio",), "midtrain-1", tmp_path) as trackers:
        trackers.write(3, {"loss": 1.5})
    assert seen == [{"project": "midspec", "name": "midtrain-1"}, (3, {"loss": 1.5}), "closed"]
