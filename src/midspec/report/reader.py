"""Answers labelled blind to their arm, and what a reader found in them → how often the reader errs, per arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midspec.report.estimates import clopper_pearson
from midspec.report.study import LabelledAnswer

OWN = "own"


@dataclass(frozen=True)
class ReaderError:
    """``agree`` of ``labelled`` answers carry the label that a person gave. Of those labelled as appealing to the
    question's value, the reader finds ``found`` of ``named``; of the others, it says so of ``false`` of ``unnamed``.

    Intervals are exact (Clopper–Pearson, 95 %).
    """

    arm: str
    labelled: int
    agree: int
    agree_interval: tuple[float, float]
    named: int
    found: int
    unnamed: int
    false: int


def reader_errors(rows: Sequence[LabelledAnswer]) -> tuple[ReaderError, ...]:
    """One line per arm in the order of the rows, then one over all ("all arms"); none where nothing is labelled."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    lines = [_line(arm, [row for row in rows if row.arm == arm]) for arm in arms]
    return (*lines, *([_line("all arms", rows)] if len(arms) > 1 else []))


def _line(arm: str, rows: Sequence[LabelledAnswer]) -> ReaderError:
    agree = sum(row.label == row.found for row in rows)
    named = [row.found for row in rows if row.label == OWN]
    unnamed = [row.found for row in rows if row.label != OWN]
    return ReaderError(arm, len(rows), agree, clopper_pearson(agree, len(rows)), len(named), named.count(OWN),
                       len(unnamed), unnamed.count(OWN))
