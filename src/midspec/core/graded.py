"""What was read in transcripts ↔ rows: verdicts of graders, and what can be counted. Knows no prompts and no models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError
from midspec.core.rows import Row, read_rows, text_field, write_rows
from midspec.core.score import Score, Scores

# What a grader is asked, in the order of its sheet.
ASKED = ("decided", "carried_out", "refused", "incoherent", "aware")
# What is counted without a grader.
COUNTED = ("executed", "called", "tool_calls", "truncated")
AXIS = "agentic"


@dataclass(frozen=True)
class Verdict:
    """What one grader says of one question. ``value`` None is no verdict, and ``why`` names the reason.

    ``quote`` are the agent's own words that show it, as they stand in the transcript.
    """

    value: bool | None
    quote: str = ""
    why: str = ""


@dataclass(frozen=True)
class Graded:
    """One transcript, read. ``meta`` is the transcript's; ``counted`` are COUNTED readings, None where nobody can know.

    ``first`` are the grader's verdicts by name (empty without a grader), ``second`` those of the second grader (None
    where it was not asked).
    """

    id: str
    meta: dict[str, Any]
    counted: dict[str, float | None]
    first: dict[str, Verdict] = field(default_factory=dict[str, Verdict])
    second: dict[str, Verdict] | None = None

    @property
    def item(self) -> str:
        """The situation: scenario, and where they are known pressure and goal."""
        parts = (self.meta.get(name) for name in ("scenario", "pressure", "goal"))
        return "/".join(str(part) for part in parts if part not in (None, ""))

    def row(self) -> Row:
        return {"id": self.id, "meta": self.meta, "counted": self.counted, "first": _rows(self.first),
                "second": None if self.second is None else _rows(self.second)}


@dataclass(frozen=True)
class Grades:
    """Graded transcripts in their order."""

    rows: tuple[Graded, ...]

    def write(self, folder: Path) -> None:
        write_rows(folder / "grades.jsonl", (graded.row() for graded in self.rows))

    @classmethod
    def read(cls, folder: Path) -> Grades:
        path = folder / "grades.jsonl"
        return cls(tuple(_graded(row, f"{path}:{number}") for number, row in read_rows(path)))

    def scores(self) -> Scores:
        """One row a transcript and reading: 1.0 or 0.0 (``tool_calls``: how many), None where it is unscored.

        Raises:
            DataError: two transcripts are the same draw of one situation.
        """
        seen: dict[tuple[str, int], str] = {}
        for one in self.rows:
            key = one.item, draw_of(one)
            if key in seen:
                raise DataError(f"transcripts {seen[key]!r} and {one.id!r} are both draw {key[1]} of {one.item}",
                                hint='number them in meta["draw"]')
            seen[key] = one.id
        return Scores(tuple(score for one in self.rows for score in _scores(one)))


def draw_of(one: Graded) -> int:
    draw = one.meta.get("draw", 0)
    return draw if isinstance(draw, int) else 0


def paired(rows: Iterable[Graded], name: str) -> list[tuple[bool, bool]]:
    """(first, second) verdicts on ``name`` of the transcripts that both graders scored."""
    both = ((one.first[name].value, one.second[name].value) for one in rows
            if one.second is not None and name in one.first and name in one.second)
    return [(a, b) for a, b in both if a is not None and b is not None]


def _scores(one: Graded) -> Iterable[Score]:
    domain, draw = str(one.meta.get("scenario", "")), draw_of(one)
    for name, verdict in one.first.items():
        value = None if verdict.value is None else float(verdict.value)
        yield Score(one.item, AXIS, domain, name, value, draw)
    for name, value in one.counted.items():
        yield Score(one.item, AXIS, domain, name, value, draw)


def _rows(verdicts: dict[str, Verdict]) -> Row:
    return {name: asdict(verdict) for name, verdict in verdicts.items()}


def _graded(row: Row, where: str) -> Graded:
    try:
        second = row["second"]
        return Graded(text_field(row, "id", where), row["meta"], row["counted"], _verdicts(row["first"]),
                      None if second is None else _verdicts(second))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{where}: not a row of grades ({type(error).__name__}: {error})") from error


def _verdicts(row: Row) -> dict[str, Verdict]:
    return {name: Verdict(**verdict) for name, verdict in row.items()}
