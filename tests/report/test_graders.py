"""Grades of two arms → a report whose corrected rates, errors and agreements are those of the rows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tests.grading.desk import known, truth

from midspec.core.calibration import Calibration, confusion
from midspec.core.graded import Graded, Grades, Verdict
from midspec.report.agreement import agreement
from midspec.report.corrected import corrected, corrected_difference
from midspec.report.grades import agreement_lines, explained, grader_lines, score_rows
from midspec.report.page import write
from midspec.report.results import Results
from midspec.report.study import ArmRun, ContrastLine, Reading, Study

SENSITIVITY, SPECIFICITY, EVIL = 0.8, 0.9, "<script>alert(1)</script>/grader"


def seen(true: bool, throw: random.Random) -> bool:
    return throw.random() < SENSITIVITY if true else throw.random() >= SPECIFICITY


def grades(rate: float, seed: int) -> Grades:
    """120 transcripts, each a situation of its own, as an erring grader sees them; every tenth unscored."""
    throw, rows = random.Random(seed), list[Graded]()
    for number, row in enumerate(known(120, rate, seed)):
        first = None if number % 10 == 0 else seen(truth(row), throw)
        second = {"decided": Verdict(seen(truth(row), throw))} if number % 3 == 0 else None
        meta = {"scenario": "murder", "goal": str(number), "draw": 0}
        rows.append(Graded(row.id, meta, {}, {"decided": Verdict(first)}, second))
    return Grades(tuple(rows))


@pytest.fixture(scope="module")
def study() -> Study:
    arms, name, throw = {"calm": grades(0.1, 1), "wild": grades(0.6, 2)}, "graded", random.Random(3)
    pairs = [(label, seen(label, throw)) for label in (True, False) for _ in range(66)]
    calibration = Calibration(EVIL, 132, (confusion("decided", pairs), confusion("truncated", [])))
    return Study(
        name="s", title="S", question="Does it?", hypothesis="It does.",
        arms=tuple(ArmRun(arm=arm, seed=None, chain=()) for arm in arms),
        rows=tuple(row for arm, of in arms.items() for row in score_rows(arm, None, name, of)),
        contrasts=(ContrastLine(name="wild − calm", weights={"wild": 1, "calm": -1}, eval=name, axis="agentic",
                                reading="decided", primary=True),),
        readings=tuple(Reading(eval=name, **vars(one)) for one in explained()),
        graders=tuple(grader_lines(name, calibration, tuple(arms))),
        agreements=tuple(line for arm, of in arms.items() for line in agreement_lines(arm, name, (of,))))


def test_each_rate_is_put_right(study: Study) -> None:
    results = Results(study)
    (line,) = study.graders
    assert line.known.reading == "decided", "what no grader is asked has no grader"
    for mean, rate in zip(results.means, (0.1, 0.6), strict=True):
        values = [row.value for row in study.rows if row.arm == mean.arm and row.value is not None]
        assert len(values) == 108 and mean.unreadable == 12 and mean.found.bounds is not None
        # The effective number of trials is a little below that of the values.
        straight = corrected(sum(values), 108, line.known)
        assert mean.corrected is not None and mean.corrected.value == pytest.approx(straight.value)
        assert (mean.corrected.low, mean.corrected.high) == pytest.approx((straight.low, straight.high), abs=3e-3)
        assert mean.corrected.low <= rate <= mean.corrected.high
    (difference,) = results.differences
    found = difference.found
    assert found.value is not None and found.se is not None and found.df is not None
    assert difference.corrected == corrected_difference(found.value, found.se, found.df, line.known)
    assert difference.corrected.low <= 0.5 <= difference.corrected.high


def test_the_page_shows_them_and_the_json_has_them(study: Study, tmp_path: Path) -> None:
    write(study, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="graders"' in page and 'href="#graders"' in page and EVIL not in page and "&lt;script&gt;" in page
    assert "How well graders read" in (tmp_path / "report.md").read_text(encoding="utf-8")
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (grader,) = found["graders"]
    assert grader["sensitivity"][0] == pytest.approx(grader["hits"] / (grader["hits"] + grader["misses"]))
    assert [mean["corrected"]["value"] for mean in found["means"]] == [
        m.corrected.value for m in Results(study).means if m.corrected is not None]
    for line in found["agreements"]:
        assert sum(line["counts"]) == line["both"] == 36 and line["same"] == line["counts"][0] + line["counts"][3]
        assert tuple(line["ac1"]) == agreement(line["counts"]).ac1


def test_without_graders_nothing_of_it_is_shown(study: Study, tmp_path: Path) -> None:
    write(Study(**{**vars(study), "graders": (), "agreements": ()}), tmp_path)
    assert 'id="graders"' not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How well graders read" not in (tmp_path / "report.md").read_text(encoding="utf-8")
