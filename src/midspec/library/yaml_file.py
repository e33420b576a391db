"""YAML file → plain mapping. Knows nothing of what the keys mean; every error names the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from midspec.core.errors import DataError


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        DataError: not UTF-8, not YAML (with the line), or something else than a mapping at the top.
    """
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: not YAML in UTF-8 ({error})") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: a {type(value).__name__} where keys with values are expected")
    return cast(dict[str, Any], value)


def texts_in(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """The list of texts under ``key``; raises DataError that says what else was found.

    YAML reads ``no`` as a truth value and ``1998`` as a number: such entries need quotes.
    """
    value = row.get(key)
    if not isinstance(value, list):
        raise DataError(f"{where}: {key!r} should be a list of texts (keys: {', '.join(map(str, row))})")
    for entry in cast(list[object], value):
        if not isinstance(entry, str) or not entry.strip():
            raise DataError(f"{where}: {key!r} has {entry!r} where a text is expected", hint='put it in "quotes"')
    return tuple(cast(list[str], value))


def text_in(row: Mapping[str, Any], key: str, where: str) -> str:
    """The text under ``key``; raises DataError that says what else was found."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: {key!r} should be a text but is {value!r} (keys: {', '.join(map(str, row))})")
    return value
