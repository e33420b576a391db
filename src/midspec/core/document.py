"""Corpus: documents that discuss a spec, and those that were dropped with their reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midspec.core.rows import read_rows, text_field, to_line, write_rows


@dataclass(frozen=True)
class Document:
    """One training text. ``meta`` holds domain, type, writer and the like; it is never trained on."""

    id: str
    text: str
    meta: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True)
class Corpus:
    """Documents in their order; ``dropped`` pairs a document with the reason why it is not among them."""

    documents: tuple[Document, ...]
    dropped: tuple[tuple[Document, str], ...] = ()

    def write(self, folder: Path) -> None:
        write_rows(folder / "documents.jsonl", ({"id": d.id, "text": d.text, "meta": d.meta} for d in self.documents))
        if self.dropped:
            # Replies that could not be used at all stand in this file already, put there while a model was asked.
            with (folder / "dropped.jsonl").open("ab") as file:
                file.writelines(to_line({"id": d.id, "text": d.text, "meta": d.meta, "reason": why})
                                for d, why in self.dropped)

    @classmethod
    def read(cls, folder: Path) -> Corpus:
        """Raises DataError with file and line where a row is wrong."""
        return cls(
            tuple(
                _document(row, f"{folder / 'documents.jsonl'}:{n}") for n, row in read_rows(folder / "documents.jsonl")
            )
        )


def _document(row: dict[str, Any], where: str) -> Document:
    return Document(text_field(row, "id", where), text_field(row, "text", where), row.get("meta") or {})
