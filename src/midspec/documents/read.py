"""Rows of somebody's file → documents. Knows nothing of files or hubs; every row comes with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from midspec.core.document import Corpus, Document
from midspec.core.errors import DataError
from midspec.core.rows import Row, text_field
from midspec.library.doors import Place, plain


def read_documents(rows: Iterable[tuple[Place, Row]], *, text: str = "text", unusable: str = "refuse") -> Corpus:
    """Documents in the order of the rows; ``text`` names the field that holds the text.

    A row without ``id`` is named by its content. What stands beside id and text goes into ``meta``. With ``unusable``
    "drop", blank, repeated and broken texts are put into ``dropped`` with their reason; "refuse" stops at the first.

    Raises:
        DataError: a row has no such text, two rows have one id, a text is unusable, or nothing is left; names the rows.
    """
    kept: list[Document] = []
    dropped: list[tuple[Document, str]] = []
    places: dict[str, str] = {}
    for place, row in rows:
        document = _document(row, text, str(place))
        reason = _unusable(document, places)
        # What is kept of a dropped row must not depend on where the file lies.
        name = place.within if unusable == "drop" else str(place)
        if reason is None:
            places[document.id] = name
            kept.append(document)
        elif unusable == "drop":
            dropped.append((document, f"{name}: {reason}"))
        else:
            raise DataError(f"{place}: {reason}",
                            hint='mend the row, or leave such rows out: unusable="drop" in an experiment, '
                                 "--unusable drop for midspec train")
    if not kept:
        raise DataError(f"no document to read ({len(dropped)} were dropped)",
                        hint=f'one JSON object a line with a field "{text}"')
    return Corpus(tuple(kept), tuple(dropped))


def _document(row: Row, field: str, place: str) -> Document:
    text = text_field(row, field, place)
    given = row.get("id")
    if given is not None and not isinstance(given, (str, int)):
        raise DataError(f"{place}: field 'id' should be text or a whole number but is a {type(given).__name__}")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    meta = row.get("meta")
    known = dict(meta) if isinstance(meta, dict) else {} if meta is None else {"meta": meta}
    beside = {key: value for key, value in row.items() if key not in (field, "id", "meta")}
    return Document(digest if given is None else str(given), text, plain({**beside, **known}))


def _unusable(document: Document, places: dict[str, str]) -> str | None:
    """Reason why a document cannot be trained on, or None."""
    if not document.text.strip():
        return "its text is blank"
    try:
        document.text.encode()
    except UnicodeEncodeError as error:
        return f"its text holds half a character (a lone surrogate at {error.start}), which no tokenizer reads"
    if document.id in places:
        return f"id {document.id!r} is also that of {places[document.id]}; ids are unique"
    return None
