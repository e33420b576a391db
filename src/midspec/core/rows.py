"""Rows ↔ JSON lines. Knows nothing of what a row means; every error names file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError

Row = dict[str, Any]


def to_line(row: Mapping[str, Any]) -> bytes:
    """One JSON line in UTF-8, keys in the order given. Lone surrogates are escaped, so nothing is lost."""
    try:
        return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n").encode()


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows as JSON lines; returns their count."""
    count = 0
    with path.open("wb") as file:
        for row in rows:
            file.write(to_line(row))
            count += 1
    return count


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """(line number from 1, row) for each line that is not blank.

    Raises:
        DataError: the file is missing, a line is not JSON in UTF-8, or is not an object.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
                raise DataError(
                    f"{path}:{number}: not a line of JSON in UTF-8 ({error})",
                    hint="one JSON object a line; nothing was read into a stage",
                ) from error
            if not isinstance(row, dict):
                raise DataError(f"{path}:{number}: a {type(row).__name__} where an object is expected")
            yield number, row


def text_field(row: Row, key: str, where: str) -> str:
    """The text under ``key``; raises DataError that names ``where`` and the keys there are."""
    value = row.get(key)
    if not isinstance(value, str):
        found = "missing" if key not in row else f"a {type(value).__name__}"
        raise DataError(f"{where}: field {key!r} should be text but is {found} (fields: {', '.join(map(str, row))})")
    return value
