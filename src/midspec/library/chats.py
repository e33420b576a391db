"""Name or path of a file of chats → ChatSet. Knows nothing of what the chats are for.

The folder ``chats/`` is the registry: a new set is one more ``NAME.jsonl`` there, or any file of the user.
"""

from __future__ import annotations

from pathlib import Path

from midspec.core.chat import ChatSet, chat_of
from midspec.core.errors import DataError
from midspec.core.rows import read_rows
from midspec.library.items import find

FOLDER = Path(__file__).parent / "chats"


def names() -> tuple[str, ...]:
    """Names of the shipped sets, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))


def load_chats(name_or_path: str) -> ChatSet:
    """A shipped set by name, or a JSONL file of ``{"messages": [...]}`` by path.

    Raises:
        DataError: no such set or file, an empty set, or a wrong row (file and line are named).
    """
    path = find(name_or_path, FOLDER, "set of chats")
    chats = ChatSet(tuple(chat_of(row, f"{path}:{number}") for number, row in read_rows(path)))
    if not chats.chats:
        raise DataError(f"{path}: no rows, so there is nothing to learn")
    return chats
