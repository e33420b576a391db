"""JSON lines → ChatSet: rows that come with midspec, or a file of your own. Knows nothing of what they are for."""

from __future__ import annotations

from pathlib import Path

from midspec.core.chat import ChatSet, chat_of
from midspec.core.errors import DataError
from midspec.core.rows import read_rows

FOLDER = Path(__file__).parent / "chats"


def names() -> list[str]:
    """Sets of rows that come with midspec."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def load_chats(name_or_path: str) -> ChatSet:
    """A shipped set by its name, or a file of your own by its path.

    Raises:
        DataError: no such set or file, or a row is wrong (with file and line).
    """
    path = FOLDER / f"{name_or_path}.jsonl" if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise DataError(f"{name_or_path}: neither shipped chats nor a file",
                        hint=f"shipped: {', '.join(names())}; or a path to JSON lines")
    return ChatSet(tuple(chat_of(row, f"{path}:{n}") for n, row in read_rows(path)))
