"""Rows of a corpus → one Parquet file, as data set hubs and ``datasets`` read it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.core.rows import read_rows


def to_parquet(rows: Path, out: Path) -> None:
    """Write the rows of a JSONL file as Parquet, with the same columns in the same order.

    Raises:
        SetupError: pyarrow is missing.
    """
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise SetupError("writing Parquet needs pyarrow", hint="pip install 'midspec[data]'") from error
    # A lone surrogate is no text to Parquet and an object without fields no column; generated rows have neither.
    table = arrow.Table.from_pylist([_whole(row) for _, row in read_rows(rows)])
    parquet.write_table(table, out)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()} or None
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
