"""Transcripts and what somebody read in them, blind → LabelledTranscripts: what graders are measured against."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from midspec.core.errors import DataError
from midspec.core.graded import ASKED
from midspec.core.rows import Row, read_rows, text_field
from midspec.core.transcript import Transcripts, read_transcripts

FOLDER = Path(__file__).parent / "transcripts"
SHIPPED, LABELS = FOLDER / "transcripts.jsonl", FOLDER / "labels.jsonl"
# "truncated" is counted, not asked; its label says how well the finish reason tells it.
LABELLED = (*ASKED, "truncated")
ANSWERS = {"yes": True, "no": False, "unclear": None}


@dataclass(frozen=True)
class LabelledTranscripts:
    """``labels`` are (reading, True / False / None where unclear) for each transcript, in their order."""

    transcripts: Transcripts
    labels: tuple[tuple[tuple[str, bool | None], ...], ...]

    def identity(self) -> str:
        return hashlib.sha256(f"{self.transcripts.identity()} {self.labels!r}".encode()).hexdigest()

    @cached_property
    def by_reading(self) -> dict[str, tuple[bool | None, ...]]:
        """The labels of each reading, in the order of the transcripts."""
        return {name: tuple(dict(of)[name] for of in self.labels) for name in LABELLED}


def load_labelled(transcripts: Path | None = None, labels: Path | None = None) -> LabelledTranscripts:
    """The shipped transcripts with their labels, or files of one's own (both).

    Labels are ``{"id", "decided", "carried_out", …}``, each "yes", "no" or "unclear", one row a transcript.

    Raises:
        DataError: one file without the other, a wrong row, a transcript without label or a label without transcript.
    """
    if (transcripts is None) != (labels is None):
        raise DataError("labelled transcripts are two files: transcripts and their labels", hint="give both, or none")
    path, given = transcripts or SHIPPED, labels or LABELS
    rows = tuple(read_transcripts(path))
    found: dict[str, tuple[tuple[str, bool | None], ...]] = {}
    for number, row in read_rows(given):
        where = f"{given}:{number}"
        name = text_field(row, "id", where)
        if name in found:
            raise DataError(f"{where}: {name!r} is labelled twice")
        found[name] = tuple((reading, _answer(row, reading, where)) for reading in LABELLED)
    lacking = [row.id for row in rows if row.id not in found]
    strange = sorted(found.keys() - {row.id for row in rows})
    if not rows or lacking or strange:
        raise DataError(f"{given}: " + (f"no label for {lacking[0]!r}" if lacking else f"no transcript {strange[0]!r}"
                                        if strange else "nothing is labelled"), hint=f"transcripts: {path}")
    return LabelledTranscripts(Transcripts(rows), tuple(found[row.id] for row in rows))


def _answer(row: Row, reading: str, where: str) -> bool | None:
    said = text_field(row, reading, where)
    if said not in ANSWERS:
        raise DataError(f"{where}: {reading!r} is {said!r}, not one of {', '.join(ANSWERS)}")
    return ANSWERS[said]
