"""Name or path of an item set → ItemSet. Knows nothing of models or of how an item is read.

The folder ``items/`` is the registry: a new set is one more ``NAME.jsonl`` there, or any file of the user's.
"""

from __future__ import annotations

from pathlib import Path

from midspec.core.errors import DataError
from midspec.core.rows import Row, read_rows, text_field
from midspec.core.score import Item, ItemSet, split_of

FOLDER = Path(__file__).parent / "items"
NEEDED = ("id", "axis", "domain", "question", "aligned", "other")
SPLITS = ("dev", "test")


def names() -> tuple[str, ...]:
    """Names of the shipped sets, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))


def load_items(name_or_path: str) -> ItemSet:
    """A shipped set by name, or a JSONL file by path; its name is the file's without the ending.

    Rows are ``{"id", "axis", "domain", "question", "aligned", "other"}`` and, where wanted, ``"split"``, which must be
    what ``split_of(id)`` says.

    Raises:
        DataError: no such set or file, an empty set, or a wrong row (file and line are named).
    """
    path = find(name_or_path, FOLDER, "item set")
    items: dict[str, Item] = {}
    pairs: dict[tuple[str, ...], str] = {}
    for number, row in read_rows(path):
        where = f"{path}:{number}"
        item = item_of(row, where)
        if item.id in items:
            raise DataError(f"{where}: id {item.id!r} is already taken", hint="give each row its own id")
        pair = (plain(item.question), *sorted((plain(item.aligned), plain(item.other))))
        if pair in pairs:
            raise DataError(f"{where}: {item.id!r} asks the same as {pairs[pair]!r}", hint="remove one of the two rows")
        items[item.id], pairs[pair] = item, item.id
    if not items:
        raise DataError(f"{path}: no rows, so there is nothing to ask")
    return ItemSet(path.stem, tuple(items.values()))


def item_of(row: Row, where: str) -> Item:
    """An item from a row; raises DataError that names ``where``."""
    check_fields(row, NEEDED, (*NEEDED, "split"), where)
    item_id = text_field(row, "id", where)
    if plain(row["aligned"]) == plain(row["other"]):
        raise DataError(f"{where}: 'aligned' and 'other' are the same option ({row['aligned']!r})",
                        hint="a forced choice needs two different options")
    return Item(**{key: row[key] for key in NEEDED}, split=split_in(row, item_id, where))


def check_fields(row: Row, needed: tuple[str, ...], known: tuple[str, ...], where: str) -> None:
    """All needed fields are text without blanks at their ends, and none is unknown; else DataError."""
    unknown = [key for key in row if key not in known]
    if unknown:
        raise DataError(f"{where}: unknown field {unknown[0]!r} (a row has {', '.join(known)})",
                        hint="remove or rename the field: it would silently do nothing")
    for key in needed:
        value = text_field(row, key, where)
        if not value.strip():
            raise DataError(f"{where}: field {key!r} is empty")
        if value != value.strip():
            raise DataError(f"{where}: field {key!r} has blanks at its ends ({value!r})",
                            hint="remove them: they change the tokens that are scored")


def split_in(row: Row, row_id: str, where: str) -> str:
    """The split that the id's hash gives; a split written in the row must agree with it."""
    split = split_of(row_id)
    if row.get("split", split) != split:
        raise DataError(f"{where}: split is {row['split']!r} but the hash of id {row_id!r} gives {split!r}",
                        hint="leave 'split' out, or correct it; a split is never chosen by hand")
    return split


def plain(text: str) -> str:
    """Text as compared for sameness: no case, spacing or closing punctuation."""
    return " ".join(text.casefold().split()).rstrip(" .!?;,")


def find(name_or_path: str, folder: Path, what: str) -> Path:
    """A shipped file by name, else a file by path.

    Raises:
        DataError: neither; the message lists what is shipped.
    """
    shipped = {path.stem: path for path in folder.glob("*.jsonl")}
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    have = ", ".join(sorted(shipped)) or "none"
    raise DataError(f"{name_or_path}: no such {what} and no such file (shipped: {have})",
                    hint="give one of these names, or the path of a .jsonl file")
