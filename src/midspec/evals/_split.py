"""Rows of a set, a split → the rows that an eval asks, and their responses. Knows nothing of what is asked."""

from __future__ import annotations

from collections.abc import Iterator

from midspec.core.errors import DataError, RecipeError
from midspec.core.score import Item, ItemSet, Picked, Response, Responses

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


def answered(responses: Responses, items: ItemSet, split: str) -> Iterator[tuple[Item, Response]]:
    """The kept responses to items of the split, each with its item; raises DataError where the set lacks one's item."""
    known = {item.id: item for item in items.items}
    for response in responses.rows:
        item = known.get(response.item)
        if item is None:
            raise DataError(f"response {response.item!r} is not in item set {items.name!r}")
        if belongs(item.split, split):
            yield item, response
