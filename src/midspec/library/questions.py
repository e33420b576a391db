"""Name or path of a set of open questions ("…, and why?") → QuestionSet. Knows nothing of how answers are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from midspec.core.errors import DataError
from midspec.core.rows import read_rows
from midspec.core.score import sampled
from midspec.library.items import check_fields, find, plain, split_in

FOLDER = Path(__file__).parent / "questions"
NEEDED = ("id", "axis", "text")


@dataclass(frozen=True)
class Question:
    """One open question; ``axis`` is the value whose appearance in the reasons it was written to show."""

    id: str
    axis: str
    text: str
    split: str


@dataclass(frozen=True)
class QuestionSet:
    """Questions in their order; identity is their content."""

    name: str
    questions: tuple[Question, ...]

    def identity(self) -> str:
        text = "\x1e".join("\x1f".join((q.id, q.axis, q.text, q.split)) for q in self.questions)
        return hashlib.sha256(text.encode()).hexdigest()

    def sample(self, count: int, *, split: str = "dev") -> QuestionSet:
        """``count`` questions of one split, or of each for "all", the same ones for everybody, in the set's order."""
        return replace(self, questions=sampled(self.questions, count, split))


def names() -> tuple[str, ...]:
    """Names of the shipped sets, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))


def load_questions(name_or_path: str) -> QuestionSet:
    """A shipped set by name, or a JSONL file of ``{"id", "axis", "text"}`` (and ``"split"``, checked) by path.

    Raises:
        DataError: no such set or file, an empty set, or a wrong row (file and line are named).
    """
    path = find(name_or_path, FOLDER, "question set")
    found: dict[str, Question] = {}
    texts: dict[str, str] = {}
    for number, row in read_rows(path):
        where = f"{path}:{number}"
        check_fields(row, NEEDED, (*NEEDED, "split"), where)
        question = Question(row["id"], row["axis"], row["text"], split_in(row, row["id"], where))
        if question.id in found:
            raise DataError(f"{where}: id {question.id!r} is already taken", hint="give each row its own id")
        if plain(question.text) in texts:
            raise DataError(f"{where}: {question.id!r} asks the same as {texts[plain(question.text)]!r}",
                            hint="remove one of the two rows")
        found[question.id], texts[plain(question.text)] = question, question.id
    if not found:
        raise DataError(f"{path}: no rows, so there is nothing to ask")
    return QuestionSet(path.stem, tuple(found.values()))
