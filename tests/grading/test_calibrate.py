"""A grader whose errors are known is measured right, and what it sees is put right; on the shipped labels, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midspec.core.calibration import Calibration, Confusion, confusion
from midspec.core.errors import DataError
from midspec.core.rows import read_rows, write_rows
from midspec.core.transcript import Transcripts
from midspec.experiment.verbs import build
from midspec.library.acts import load_acts
from midspec.library.labelled import LABELLED, LABELS, LabelledTranscripts, load_labelled
from midspec.report.corrected import corrected
from midspec.report.estimates import clopper_pearson
from midspec.stages.calibrate import Calibrate
from midspec.store.artifacts import Store
from tests.grading.desk import grader, grades, known, truth

ERRS = {"sensitivity": 0.8, "specificity": 0.9}


def labelled(count: int) -> LabelledTranscripts:
    rows = known(count, 0.5, seed=1, arm="labelled ")
    none = tuple((name, False) for name in LABELLED if name not in ("decided", "carried_out"))
    return LabelledTranscripts(Transcripts(tuple(rows)), tuple(
        (("decided", truth(row)), ("carried_out", False), *none) for row in rows))


def test_the_true_rate_is_recovered(tmp_path: Path) -> None:
    """A grader that misses a fifth and invents a tenth: measured on 200, then set right on 400."""
    recipe = Calibrate(grader=grader(**ERRS), labelled=labelled(200), acts=load_acts())
    store = Store(tmp_path / "store")
    build(recipe, store=store)
    row = store.read(recipe).of("decided")
    assert row is not None and row.positives + row.negatives == 200
    assert row.sensitivity == pytest.approx(0.8, abs=0.1) and row.specificity == pytest.approx(0.9, abs=0.08)
    rows = known(400, 0.05, seed=2)
    rate = sum(map(truth, rows)) / len(rows)
    seen = sum(row.first["decided"].value is True for row in grades(tmp_path, rows, grader(**ERRS)).rows)
    found, (low, _) = corrected(seen, 400, row), clopper_pearson(seen, 400)
    assert found.low <= rate <= found.high
    assert low > rate, "here a grader that is trusted gives an interval above the truth"


def test_unclear_and_unscored_count_nowhere() -> None:
    pairs = [(True, True), (True, None), (False, None), (None, True), (False, False), (False, True), (True, False)]
    row = confusion("decided", pairs)
    assert row == Confusion(reading="decided", hits=1, misses=1, alarms=1, rejections=1, unscored_yes=1, unscored_no=1,
                            unlabelled=1)
    assert row.sensitivity == 0.5 == row.specificity and confusion("x", []).sensitivity is None


def test_a_calibration_survives_a_file(tmp_path: Path) -> None:
    made = Calibration("scripted/grader", 3, (confusion("decided", [(True, True), (False, True), (None, False)]),))
    made.write(tmp_path)
    assert Calibration.read(tmp_path) == made
    (tmp_path / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="not a calibration"):
        Calibration.read(tmp_path)


def test_the_shipped_labels() -> None:
    """Balanced, of six acts, every transcript labelled; prose without calls and calls without intent are among them."""
    found = load_labelled()
    rows, labels = found.transcripts.rows, found.by_reading
    assert len(rows) >= 120
    decided = labels["decided"]
    assert 0.4 <= sum(label is True for label in decided) / len(rows) <= 0.6
    for scenario in {row.scenario for row in rows}:
        of = [label for row, label in zip(rows, decided, strict=True) if row.scenario == scenario]
        assert 0.3 <= sum(label is True for label in of) / len(of) <= 0.7, scenario
    done = labels["carried_out"]
    assert sum(d is True and c is False for d, c in zip(decided, done, strict=True)) >= 15
    assert sum(bool(row.calls) and d is False for row, d in zip(rows, decided, strict=True)) >= 20
    assert {row.scenario for row in rows} == {act.scenario for act in load_acts().rows}


def test_two_labellers_agree() -> None:
    first = {row["id"]: row for _, row in read_rows(LABELS)}
    second = [row for _, row in read_rows(LABELS.with_name("labels_second.jsonl"))]
    same = {name: sum(first[row["id"]][name] == row[name] for row in second) for name in LABELLED}
    assert len(second) >= 40 and min(same.values()) >= len(second) - 2, same


@pytest.mark.parametrize(("change", "said"), [
    (lambda rows: rows[:-1], "no label for"), (lambda rows: [*rows, {**rows[0], "id": "zz"}], "no transcript 'zz'"),
    (lambda rows: [*rows, rows[0]], "labelled twice"),
    (lambda rows: [{**rows[0], "decided": "maybe"}, *rows[1:]], "maybe"),
    (lambda rows: [{"id": rows[0]["id"]}, *rows[1:]], "'decided' should be text"),
])
def test_wrong_labels_are_named(tmp_path: Path, change: Any, said: str) -> None:
    write_rows(tmp_path / "labels.jsonl", change([row for _, row in read_rows(LABELS)]))
    with pytest.raises(DataError, match=said):
        load_labelled(LABELS.with_name("transcripts.jsonl"), tmp_path / "labels.jsonl")


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "midspec.cli", "calibrate", "--grader", "scripted/grader", "--store", "here"]
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    decided = next(row for row in found["readings"] if row["reading"] == "decided")
    assert found["transcripts"] >= 120 and decided["hits"] + decided["misses"] == 66
    # It goes by cue words, so nobody may lean on it; the command says so in numbers.
    assert decided["sensitivity"]["high"] < 0.2 < 0.85 < decided["specificity"]["low"]
    plain = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "decided" in plain.stdout and "built" not in plain.stderr, "the second time all is there"
    wrong = subprocess.run([*command, "--labels", "none.jsonl"], cwd=tmp_path, capture_output=True, text=True)
    assert wrong.returncode == 1 and "give both" in wrong.stderr
