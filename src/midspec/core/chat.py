"""ChatSet: conversations to fine-tune on. Reasoning is stored apart from the reply; templates render it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError
from midspec.core.rows import Row, read_rows, text_field, to_line, write_rows

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Message:
    """One turn. ``reasoning`` is an assistant's chain of thought, None where there is none."""

    role: str
    content: str
    reasoning: str | None = None

    def row(self) -> Row:
        row = {"role": self.role, "content": self.content}
        return row if self.reasoning is None else {**row, "reasoning": self.reasoning}


@dataclass(frozen=True)
class Chat:
    """Messages of one conversation; ``meta`` is never trained on."""

    messages: tuple[Message, ...]
    meta: dict[str, Any] = field(default_factory=dict[str, Any])

    def row(self) -> Row:
        return {"messages": [m.row() for m in self.messages], "meta": self.meta}


@dataclass(frozen=True)
class ChatSet:
    """Chats in their order; identity is their content, so that a set of chats may be a field of a recipe."""

    chats: tuple[Chat, ...]

    def identity(self) -> str:
        return hashlib.sha256(b"".join(to_line(chat.row()) for chat in self.chats)).hexdigest()

    def write(self, folder: Path) -> None:
        write_rows(folder / "chats.jsonl", (chat.row() for chat in self.chats))

    @classmethod
    def read(cls, folder: Path) -> ChatSet:
        """Raises DataError with file and line where a row is wrong."""
        path = folder / "chats.jsonl"
        return cls(tuple(chat_of(row, f"{path}:{n}") for n, row in read_rows(path)))


def chat_of(row: Row, where: str) -> Chat:
    """A chat from ``{"messages": [...], "meta": {...}}``; raises DataError that names ``where``."""
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise DataError(f"{where}: 'messages' should be a list of turns (fields: {', '.join(map(str, row))})")
    turns = tuple(_message(turn, f"{where}, turn {n}") for n, turn in enumerate(messages, start=1))
    if not any(turn.role == "assistant" and turn.content.strip() for turn in turns):
        raise DataError(f"{where}: no assistant turn with text, so there is nothing to learn from it")
    return Chat(turns, row.get("meta") or {})


def _message(turn: object, where: str) -> Message:
    if not isinstance(turn, dict):
        raise DataError(f"{where}: a {type(turn).__name__} where an object is expected")
    role = text_field(turn, "role", where)
    if role not in ROLES:
        raise DataError(f"{where}: role {role!r} is not one of {', '.join(ROLES)}")
    return Message(role, text_field(turn, "content", where), turn.get("reasoning"))
