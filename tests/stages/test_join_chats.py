"""Two chat sets in one: every chat of both, told apart, of one assistant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from midspec import (
    ChatsFromFile,
    File,
    GenerateChats,
    JoinChats,
    Model,
    RecipeError,
    Sifting,
    Store,
    build,
    load_spec,
)
from midspec.core.chat import ChatSet

TEACHER = Model(address="scripted/teacher")
WRITTEN = GenerateChats(
    spec=load_spec("lighthouse"), assistant="Ada", maker="Engine House", writer=TEACHER, judge=TEACHER, count=6,
    style="internalised", reasoning=True, seed=1, sifting=Sifting(same_judge=True),
)  # fmt: skip


@pytest.fixture
def recorded(tmp_path: Path) -> ChatsFromFile:
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello.", "reasoning": "Wave."}]
    rows = [{"messages": turns, "meta": {"part": "old"}}, {"messages": turns}]
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return ChatsFromFile(file=File(str(tmp_path / "chats.jsonl")))


def test_every_chat_of_every_part_is_there_with_its_thoughts(recorded: ChatsFromFile, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    joined = JoinChats(parts=(WRITTEN, recorded))
    chats = ChatSet.read(build(joined, store=store)).chats
    parts = [ChatSet.read(build(part, store=store)).chats for part in joined.parts]
    assert [c.messages for c in chats] == [c.messages for part in parts for c in part]
    assert [c.meta["part"] for c in chats] == [1] * 6 + [2] * 2 and all(c.messages[-1].reasoning for c in chats)
    manifest = store.find(joined)
    assert manifest is not None and manifest.facts["chats_of_parts"] == [6, 2] and manifest.facts["repeated"] == 1
    assert joined.speaks_as == "Ada" == replace(joined, parts=(recorded, WRITTEN)).speaks_as


def test_what_cannot_be_joined(recorded: ChatsFromFile) -> None:
    with pytest.raises(RecipeError, match="at least two"):
        JoinChats(parts=(WRITTEN,))
    with pytest.raises(RecipeError, match="of Ada and of Quill"):
        JoinChats(parts=(WRITTEN, replace(WRITTEN, assistant="Quill")))
    assert JoinChats(parts=(WRITTEN, recorded)).id != JoinChats(parts=(recorded, WRITTEN)).id
