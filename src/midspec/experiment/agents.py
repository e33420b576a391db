"""What graders read of an experiment's rollouts → rows and lines of a study. Knows no statistics and no pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from midspec.core.calibration import Calibration
from midspec.core.graded import ASKED, Grades
from midspec.core.recipe import Recipe
from midspec.core.score import Reading as Explained
from midspec.experiment.experiment import Cell, Loaded
from midspec.experiment.graders import Read
from midspec.library.motives import cue_errors
from midspec.report.grades import agreement_lines, grader_lines, score_rows
from midspec.report.study import AgreementLine, GraderLine, MotiveLine, Reading, ScoreRow

# The reasons stand apart from the other readings: their rows have an axis of their own.
REASONS = "reasons"


@dataclass(frozen=True)
class Agents:
    """Everything that graders say of an experiment; ``read`` gives an artifact's content."""

    loaded: Loaded
    read: Callable[[Recipe[Any]], Any]

    def _all(self) -> Iterator[tuple[Cell, str, Read]]:
        for cell in self.loaded.cells:
            for one in self.loaded.evals:
                if (found := self.loaded.read(cell, one)) is not None:
                    yield cell, one.name, found

    def _read(self) -> Iterator[tuple[str, Read, tuple[str, ...]]]:
        """Each eval that is read, how, and the arms: one experiment reads all of its arms alike."""
        every = list(self._all())
        for name, found in {name: found for _, name, found in every}.items():
            yield name, found, tuple(dict.fromkeys(cell.key for cell, other, _ in every if other == name))

    def rows(self) -> Iterator[ScoreRow]:
        """Verdicts and reasons, None where unscored. What is counted the eval itself has in its scores."""
        for cell, name, found in self._all():
            made: Grades = self.read(found.grades)
            yield from (row for row in score_rows(cell.key, cell.seed, name, made) if row.reading in ASKED)
            if found.reasons is not None:
                yield from score_rows(cell.key, cell.seed, name, self.read(found.reasons), axis=REASONS)

    def graders(self) -> Iterator[GraderLine]:
        for name, found, arms in self._read():
            if found.known is not None:
                known: Calibration = self.read(found.known)
                yield from grader_lines(name, known, arms)

    def agreements(self) -> Iterator[AgreementLine]:
        """One line an arm, eval and reading, over all seeds of the arm."""
        by_arm: dict[tuple[str, str], list[Grades]] = {}
        for cell, name, found in self._all():
            by_arm.setdefault((cell.key, name), []).append(self.read(found.grades))
        for (arm, name), grades in by_arm.items():
            yield from agreement_lines(arm, name, tuple(grades))

    def motives(self) -> Iterator[MotiveLine]:
        for name, found, arms in self._read():
            if found.reasons is not None:
                by = found.reasons.grader.address if found.reasons.grader is not None else _expressions()
                for motive in found.reasons.motives.rows:
                    yield MotiveLine(eval=name, axis=REASONS, reading=motive.name, title=motive.title,
                                     side=motive.side, by=by, arms=arms)

    def readings(self) -> Iterator[Reading]:
        graders = self.loaded.experiment.graders
        for name in dict.fromkeys(name for _, name, _ in self._all()):
            for one in graders.explain() if graders is not None else ():
                yield Reading(eval=name, **vars(one))
        for line in self.motives():
            words = f"the agent gives a reason: {line.title}"
            yield Reading(eval=line.eval, **vars(Explained(line.reading, words, 0.0, 1.0, larger="more who give it")))


def _expressions() -> str:
    """The reader without a grader, and how little it can do."""
    right, named, found, labelled = cue_errors()
    return (f"expressions, without a grader: a count of stock phrases, no share of reasons. On labelled passages that "
            f"they were not written from, {right} of {named} that they name are right, and they find {found} of "
            f"{labelled}")
