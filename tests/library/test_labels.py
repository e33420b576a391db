"""Labelled answers that are shipped: enough of them, over all arms of their experiment, read by the frozen reader."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from midspec.experiment.experiment import load_experiment
from midspec.library.labels import load_labels, names
from midspec.library.questions import load_questions
from midspec.library.reasons import LABELS, load_reasons


def test_every_arm_of_the_cheese_experiment_has_labelled_answers(repository: Path) -> None:
    loaded, rows = load_experiment(repository / "experiments" / "cheese.py"), load_labels("cheese").rows
    assert names() == ["cheese"] and len(rows) >= 150
    per_arm = Counter(row.arm for row in rows)
    assert set(per_arm) == {cell.arm for cell in loaded.cells} and min(per_arm.values()) >= 10
    assert {row.label for row in rows} <= set(LABELS) and {"own", "other", "neither"} <= {row.label for row in rows}


def test_labelled_answers_are_to_test_questions_which_no_choice_was_made_on() -> None:
    asked = {q.text: q for q in load_questions("reasons").questions}
    for row in load_labels("cheese").rows:
        assert asked[row.question].axis == row.axis and asked[row.question].split == "test"


def test_the_reader_is_far_from_chance_and_not_perfect() -> None:
    reader, rows = load_reasons("values"), load_labels("cheese").rows
    same = sum(reader.read(row.answer, row.axis) == row.label for row in rows)
    assert 0.8 * len(rows) < same < len(rows)
