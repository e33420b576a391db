"""A file of transcripts → Transcripts: rollouts that were kept, or another program's."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.core.errors import DataError
from midspec.core.file import File
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.core.transcript import Transcripts, read_transcripts


@dataclass(frozen=True, kw_only=True)
class TranscriptsFromFile(Recipe[Transcripts]):
    """One transcript a line, as docs/grading.md shows. Identity is the file's content."""

    file: File

    def build(self, job: Job) -> Transcripts:
        path = self.file.read_path()
        rows = tuple(read_transcripts(path))
        if not rows:
            raise DataError(f"{path}: no rows, so there is nothing to grade")
        job.note(transcripts=len(rows), scenarios=sorted({row.scenario for row in rows}))
        return Transcripts(rows)
