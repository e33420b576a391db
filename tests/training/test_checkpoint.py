"""States of a training: whole or not there, the newest whole one is found, damage is told and never used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from midspec.training.checkpoint import State, States, load_state


def state(update: int) -> State:
    return State(
        update, {"metrics": [{"update": n} for n in range(update)]}, {"weight/a": torch.full((3, 5), float(update))}
    )


def same(one: State, other: State) -> bool:
    return (
        one.update == other.update
        and one.numbers["metrics"] == other.numbers["metrics"]
        and all(torch.equal(one.tensors[k], other.tensors[k]) for k in one.tensors | other.tensors)
    )


def test_there_and_back_two_kept(tmp_path: Path) -> None:
    states = States(tmp_path / "s", "key")
    assert states.latest() is None
    for update in (3, 7, 12):
        states.save(state(update))
    assert [path.name for path in sorted((tmp_path / "s").iterdir())] == ["update-000000007", "update-000000012"]
    latest = states.latest()
    assert latest is not None and same(load_state(latest), state(12))


def test_numbers_are_kept_bit_for_bit(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-310, 123456789.123456789, 2**0.5]
    folder = States(tmp_path, "k").save(
        State(1, {"metrics": numbers}, {"w": torch.tensor(numbers, dtype=torch.float64)})
    )
    assert load_state(folder).numbers["metrics"] == numbers
    assert load_state(folder).tensors["w"].tolist() == numbers


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "sums.json"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "empty"])
def test_damage_falls_back_and_is_told(name: str, harm: str, tmp_path: Path) -> None:
    states = States(tmp_path, "key")
    states.save(state(1))
    file = states.save(state(2)) / name
    data = file.read_bytes()
    if harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    elif harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="update-000000002.*goes back"):
        latest = states.latest()
    assert latest is not None and same(load_state(latest), state(1))
    # Written again, it takes the damaged one's place and is not confused with it.
    states.save(state(2))
    assert [int(path.name[7:]) for path in states.folders()] == [1, 2]


def test_every_flipped_byte_is_seen(tmp_path: Path) -> None:
    states = States(tmp_path, "key")
    states.save(state(1))
    folder = states.save(state(2))
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 40)):
            file.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
            assert states._trouble(folder) is not None, f"{file.name}, byte {at}"
        file.write_bytes(data)
    assert states._trouble(folder) is None


def test_all_damaged_begins_anew(tmp_path: Path) -> None:
    states = States(tmp_path, "key")
    for update in (1, 2):
        (states.save(state(update)) / "sums.json").unlink()
    with pytest.warns(RuntimeWarning):
        assert states.latest() is None


def test_another_training_is_not_continued(tmp_path: Path) -> None:
    States(tmp_path, "one").save(state(5))
    with pytest.warns(RuntimeWarning, match="another training"):
        assert States(tmp_path, "two").latest() is None


@pytest.mark.parametrize("stop", range(1, 40))
def test_a_crash_at_any_call_leaves_a_whole_state(stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail at the n-th file operation of a save; what is found afterwards is the old state or the new one, whole."""
    states = States(tmp_path, "key")
    states.save(state(1))
    states.save(state(2))
    calls = 0

    class Crash(BaseException):
        pass

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise Crash
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    with monkeypatch.context():
        for name in ("open", "write", "fsync", "rename", "mkdir", "rmdir", "unlink", "scandir"):
            counted(name)
        crashed = False
        try:
            states.save(state(3))
        except Crash:
            crashed = True
    monkeypatch.undo()
    latest = states.latest()
    assert latest is not None
    found = load_state(latest)
    assert same(found, state(3)) or (crashed and same(found, state(2)))
    states.save(state(4))
    assert [int(path.name[7:]) for path in states.folders()][-1] == 4
    assert len(states.folders()) == 2
    json.loads((states.folders()[-1] / "state.json").read_text())
