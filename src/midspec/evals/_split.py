"""Rows of a set, a split → the rows that an eval asks. Knows nothing of what is asked."""

from __future__ import annotations

from midspec.core.errors import DataError, RecipeError
from midspec.core.score import Picked

SPLITS = ("dev", "test", "all")


def check_split(owner: str, split: str) -> None:
    """Raises RecipeError, in the name of ``owner``, where there is no such split."""
    if split not in SPLITS:
        raise RecipeError(f"{owner}: split {split!r} is not dev, test or all")


def belongs(row_split: str, split: str) -> bool:
    """Whether a row of ``row_split`` is asked where ``split`` is."""
    return split in ("all", row_split)


def in_split(rows: tuple[Picked, ...], split: str, kind: str, name: str) -> tuple[Picked, ...]:
    """The rows of the split, in their order; ``kind`` ("item") and ``name`` of the set are for messages.

    Raises:
        DataError: there are none, or an id comes twice among them.
    """
    found = tuple(row for row in rows if belongs(row.split, split))
    if not found:
        raise DataError(f"{kind} set {name!r} has no {kind}s in split {split!r}")
    if len({row.id for row in found}) < len(found):
        raise DataError(f"{kind} set {name!r} has an id twice, so rows would not say whose they are")
    return found
