"""JSONL of labelled answers → LabelSet. Knows nothing of readers: it is what a reader is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from midspec.core.errors import DataError
from midspec.core.rows import read_rows
from midspec.library.items import check_fields, find
from midspec.library.reasons import LABELS

FOLDER = Path(__file__).parent / "labels"
FIELDS = ("arm", "axis", "question", "answer", "label")


@dataclass(frozen=True)
class Label:
    """What a person read in an answer without knowing its ``arm``; ``label`` is one of ``reasons.LABELS``."""

    arm: str
    axis: str
    question: str
    answer: str
    label: str


@dataclass(frozen=True)
class LabelSet:
    name: str
    rows: tuple[Label, ...]


def names() -> list[str]:
    """Label sets that midspec ships, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def load_labels(name_or_path: str) -> LabelSet:
    """A shipped set by name, or a JSONL file of ``{"arm", "axis", "question", "answer", "label"}`` by path.

    Raises:
        DataError: no such set or file, or a wrong row (file and line are named).
    """
    path = find(name_or_path, FOLDER, "label set")
    rows: list[Label] = []
    for number, row in read_rows(path):
        where = f"{path}:{number}"
        if row.get("answer") == "":  # a model may say nothing; the other fields must hold text
            row = {**row, "answer": " "}
        check_fields(row, FIELDS, FIELDS, where)
        if row["label"] not in LABELS:
            raise DataError(f"{where}: label {row['label']!r} is not one of {', '.join(LABELS)}")
        rows.append(Label(**{name: row[name] for name in FIELDS}))
    if not rows:
        raise DataError(f"{path}: no rows, so it says nothing about any reader")
    return LabelSet(path.stem, tuple(rows))
