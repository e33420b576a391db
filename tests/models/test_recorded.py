"""Replies that were written down: replayed by the prompt's text, and a clear end where one is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.models.asking import Desk

from midspec.core.errors import DataError, SetupError, StoppedError
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.clients.recorded import prompt_key
from midspec.models.model import Model

SPEC = "A long shared part. " * 400


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIDSPEC_RECORDINGS", str(tmp_path / "recordings"))
    return tmp_path / "recordings" / "mine"


def asked(count: int) -> list[Call]:
    return [Call(f"u{n}", f"Say something about boat {n}.", (SPEC,)) for n in range(count)]


def record(folder: Path, keys: list[str], file: str = "replies.jsonl") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({"key": key, "reply": f"Boat of {key[:8]} is in the harbour."}) + "\n" for key in keys]
    (folder / file).write_text("".join(rows), encoding="utf-8")


def missing(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "missing").glob("*.md"))


def test_all_missing_prompts_are_written_at_once_and_then_replayed(folder: Path, tmp_path: Path) -> None:
    calls, model = asked(40), Model(address="recorded/mine")
    with pytest.raises(StoppedError, match="no reply is recorded for 40 of the prompts") as error:
        Ask(Desk(tmp_path / "a"), model).all(calls)
    assert str(folder / "missing") in str(error.value.hint)
    keys = missing(folder)
    assert len(keys) == 40 and len(list((folder / "missing").glob("shared-*.txt"))) == 1
    page = (folder / "missing" / f"{keys[0]}.md").read_text(encoding="utf-8")
    shared = page.split("read first: ")[1].split("\n")[0]
    text = page.split("## user\n\n")[1].removesuffix("\n")
    body = {"shared": [(folder / "missing" / shared).read_text(encoding="utf-8")],
            "turns": [{"role": "user", "content": text}]}  # fmt: skip
    assert prompt_key(body) == keys[0], "a file does not say all of its prompt"
    record(folder, keys[:39])
    with pytest.raises(StoppedError, match="for 1 of the prompts"):
        Ask(Desk(tmp_path / "b"), model).all(calls)
    record(folder, keys)
    replies = Ask(Desk(tmp_path / "c"), model).all(calls)
    assert [reply.ok for reply in replies] == [True] * 40 and len({reply.text for reply in replies}) == 40


def test_a_recording_is_part_of_who_is_asked(folder: Path) -> None:
    record(folder, ["0" * 64])
    before = Model(address="recorded/mine").identity()
    record(folder, ["0" * 64, "1" * 64])
    assert Model(address="recorded/mine").identity() != before


def test_wrong_recordings_are_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(folder, ["0" * 64])
    (folder / "more.jsonl").write_text('{"key": "' + "0" * 64 + '", "reply": "Other."}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"replies.jsonl:1: another reply to prompt 0000"):
        Model(address="recorded/mine").identity()
    with pytest.raises(SetupError, match="goes by a plain name"):
        Model(address="recorded/../../etc").identity()
    monkeypatch.delenv("MIDSPEC_RECORDINGS")
    with pytest.raises(SetupError, match="no recording 'mine'"):
        Model(address="recorded/mine").identity()
