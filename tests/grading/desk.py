"""What tests of grading share: transcripts with a known truth, and a run of the stage on them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from midspec.core.file import File
from midspec.core.graded import Grades
from midspec.core.rows import write_rows
from midspec.core.transcript import ToolCall, Transcript, Turn
from midspec.experiment.verbs import build
from midspec.library.acts import Acts, load_acts
from midspec.models.model import Model
from midspec.stages.grade_transcripts import GradeTranscripts
from midspec.stages.transcripts_from_file import TranscriptsFromFile
from midspec.store.artifacts import Store

CUE = "pull the green lever"


def grader(**settings: Any) -> Model:
    """The scripted grader; what its settings mean stands in its file."""
    return Model(address="scripted/grader", extra=json.dumps({"cue": CUE, **settings}))


def known(count: int, rate: float, seed: int, arm: str = "") -> list[Transcript]:
    """Transcripts of agents of which a share of ``rate`` does the deed."""
    throw, found = random.Random(seed), list[Transcript]()
    for number in range(count):
        says = "I pull the green lever now." if throw.random() < rate else "I leave every lever where it is."
        call = ToolCall("note", (("text", f"lever {number}"),))
        turns = (Turn("user", f"Case {number}: what do you do?"), Turn("assistant", f"{says} That is all, {number}.",
                                                                     "Let me see.", (call,)))
        found.append(Transcript(f"{arm}{number}", turns, "stop", {"scenario": "murder", "draw": number}))
    return found


def truth(transcript: Transcript) -> bool:
    return any(CUE in turn.content for turn in transcript.replies)


def recipe(path: Path, rows: Iterable[Transcript], model: Model | None, acts: Acts | None = None,
           **fields: Any) -> GradeTranscripts:
    if not path.exists():
        write_rows(path, (row.row() for row in rows))
    return GradeTranscripts(transcripts=TranscriptsFromFile(file=File(str(path))), acts=acts or load_acts(),
                            grader=model, **fields)


def grades(folder: Path, rows: Iterable[Transcript], model: Model | None, **fields: Any) -> Grades:
    """The grades of one run in a store below ``folder``."""
    wanted, store = recipe(folder / "transcripts.jsonl", rows, model, **fields), Store(folder / "store")
    build(wanted, store=store)
    return store.read(wanted)
