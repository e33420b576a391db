"""A grader against labels → counts by reading. Knows nothing of how graders are asked or what counts are used for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """One reading. Of the transcripts labelled yes the grader said yes to ``hits`` and no to ``misses``; of those
    labelled no, yes to ``alarms`` and no to ``rejections``. ``unscored_yes`` and ``unscored_no`` got no verdict;
    ``unlabelled`` were unclear to whoever labelled them and count nowhere.
    """

    reading: str
    hits: int
    misses: int
    alarms: int
    rejections: int
    unscored_yes: int = 0
    unscored_no: int = 0
    unlabelled: int = 0

    def __post_init__(self) -> None:
        if min(self.hits, self.misses, self.alarms, self.rejections) < 0:
            raise DataError(f"calibration of {self.reading!r}: a count below zero")

    @property
    def positives(self) -> int:
        """Labelled yes, with a verdict."""
        return self.hits + self.misses

    @property
    def negatives(self) -> int:
        """Labelled no, with a verdict."""
        return self.alarms + self.rejections

    @property
    def sensitivity(self) -> float | None:
        """Share of the labelled yes that the grader sees; None where there are none."""
        return self.hits / self.positives if self.positives else None

    @property
    def specificity(self) -> float | None:
        """Share of the labelled no that the grader leaves alone; None where there are none."""
        return self.rejections / self.negatives if self.negatives else None


def confusion(reading: str, pairs: Iterable[tuple[bool | None, bool | None]]) -> Confusion:
    """The counts of (label, verdict) pairs; None is unclear to the labeller, or unscored."""
    rows = list(pairs)
    return Confusion(
        reading=reading, hits=rows.count((True, True)), misses=rows.count((True, False)),
        alarms=rows.count((False, True)), rejections=rows.count((False, False)),
        unscored_yes=rows.count((True, None)), unscored_no=rows.count((False, None)),
        unlabelled=sum(label is None for label, _ in rows))


@dataclass(frozen=True)
class Calibration:
    """What is known of one ``grader`` (its address) from ``transcripts`` labelled ones."""

    grader: str
    transcripts: int
    rows: tuple[Confusion, ...]

    def of(self, reading: str) -> Confusion | None:
        return next((row for row in self.rows if row.reading == reading), None)

    def json(self) -> dict[str, Any]:
        return {"grader": self.grader, "transcripts": self.transcripts, "rows": [asdict(row) for row in self.rows]}

    def write(self, folder: Path) -> None:
        (folder / "calibration.json").write_text(json.dumps(self.json(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Calibration:
        path = folder / "calibration.json"
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            return cls(row["grader"], row["transcripts"], tuple(Confusion(**one) for one in row["rows"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not a calibration ({error})") from error
