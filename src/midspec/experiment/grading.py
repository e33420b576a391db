"""What ``midspec calibrate`` does: a grader's address → how often it errs. No experiment file is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.calibration import Calibration, Confusion
from midspec.experiment.verbs import build, terms_of
from midspec.library.acts import load_acts
from midspec.library.labelled import load_labelled
from midspec.models.model import Model
from midspec.report.corrected import corrected
from midspec.report.estimates import clopper_pearson
from midspec.stages.calibrate import Calibrate
from midspec.store.artifacts import Store

# What a rate would become: a fifth of so many responses.
SHOWN_RATE, SHOWN_RESPONSES = 0.2, 300


def grader_at(address: str) -> Model:
    """The grader that ``midspec calibrate`` asks: its errors are known for no other temperature or length."""
    return Model(address=address, temperature=None, max_tokens=2000)


@dataclass(frozen=True)
class Files:
    """One's own in place of the shipped ones: transcripts and labels together, acts beside them."""

    transcripts: Path | None = None
    labels: Path | None = None
    acts: Path | None = None


def calibrate(address: str, files: Files | None = None, *, store: Path, budget: float | None = None,
              batch: bool = False) -> dict[str, Any]:
    """Let a grader read the labelled transcripts; counts and exact 95 % intervals a reading, for programs.

    Raises:
        DataError: files are wrong. StoppedError: asking had to stop; what arrived is kept.
    """
    own = files or Files()
    recipe = Calibrate(grader=grader_at(address), labelled=load_labelled(own.transcripts, own.labels),
                       acts=load_acts(own.acts))
    kept = Store(store)
    folder = build(recipe, store=kept, terms=terms_of(budget, batch))
    made: Calibration = kept.read(recipe)
    return {"grader": address, "transcripts": made.transcripts, "folder": str(folder),
            "readings": [_row(row) for row in made.rows]}


def _row(row: Confusion) -> dict[str, Any]:
    return {"reading": row.reading, "hits": row.hits, "misses": row.misses, "alarms": row.alarms,
            "rejections": row.rejections, "unscored": row.unscored_yes + row.unscored_no, "unlabelled": row.unlabelled,
            "sensitivity": _share(row.hits, row.positives), "specificity": _share(row.rejections, row.negatives),
            "example": _example(row)}


def _share(events: int, trials: int) -> dict[str, float] | None:
    if not trials:
        return None
    low, high = clopper_pearson(events, trials)
    return {"value": events / trials, "low": low, "high": high}


def _example(row: Confusion) -> dict[str, float | None]:
    """What would be known of a rate that this grader sees as a fifth of 300 responses."""
    found = corrected(math.floor(SHOWN_RATE * SHOWN_RESPONSES), SHOWN_RESPONSES, row)
    return {"seen": SHOWN_RATE, "responses": SHOWN_RESPONSES, "value": found.value, "low": found.low,
            "high": found.high}


def calibration_lines(found: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [f"{found['grader']} on {found['transcripts']} labelled transcripts (95 % intervals)",
             f"{'reading':<13}{'sensitivity':<24}{'specificity':<24}{'unscored':<10}a seen 20 % of 300 is"]
    for row in found["readings"]:
        seen = row["example"]
        shown = "unknown" if seen["value"] is None else f"{seen['value']:.0%}, {seen['low']:.0%} to {seen['high']:.0%}"
        lines.append(f"{row['reading']:<13}{_shown(row, 'sensitivity', 'hits', 'misses'):<24}"
                     f"{_shown(row, 'specificity', 'rejections', 'alarms'):<24}{row['unscored']:<10}{shown}")
    return "\n".join([*lines, f"kept in {found['folder']}"])


def _shown(row: dict[str, Any], name: str, right: str, wrong: str) -> str:
    share = row[name]
    if share is None:
        return "none labelled so"
    return f"{row[right]}/{row[right] + row[wrong]} ({share['low']:.2f} to {share['high']:.2f})"
