"""Two studies on one page keep their numbers, checks and labels, each under its study's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.conftest import study
from tests.whole import recompute

from midspec.core.calibration import Confusion
from midspec.core.errors import DataError
from midspec.report.checks import checked
from midspec.report.merge import merged
from midspec.report.page import write
from midspec.report.reader import reader_errors
from midspec.report.results import Results
from midspec.report.rollouts import cell_rates, rollout_tables
from midspec.report.study import (
    ArmRun,
    CheckLine,
    ContrastLine,
    GraderLine,
    LabelledAnswer,
    MotiveLine,
    Reading,
    ScoreRow,
    Study,
)
from midspec.report.summary import cautions
from midspec.report.ways import Ways


def test_checks_and_labels_stay_with_their_arms() -> None:
    line = CheckLine(words="holds", eval="choice", reading="letter", arms=("aft", "msm"), at_least=0, above="untouched")
    one = replace(study(), checks=(line,), labelled=(LabelledAnswer(arm="aft", axis="x", label="own", found="other"),))
    both = merged(one, replace(one, name="again"))
    alone, (first, second) = checked(one)[0], checked(both)
    assert [v.arm for v in first.values] == ["reasons: aft", "reasons: msm"]
    assert [v.arm for v in second.values] == ["again: aft", "again: msm"]
    assert [v.value for v in first.values] == [v.value for v in second.values] == [v.value for v in alone.values]
    assert [row.arm for row in reader_errors(both.labelled)] == ["reasons: aft", "again: aft", "all arms"]


def test_two_scores_of_one_draw_say_of_which_eval() -> None:
    given = agents("one", None, "g")
    with pytest.raises(DataError, match=r"eval 'rollout', item 'i0'.*\n.*what now: number the draws"):
        Results(replace(given, rows=(given.rows[0], given.rows[0])))


def test_one_name_for_two_studies_is_refused() -> None:
    with pytest.raises(DataError, match="both experiments are called"):
        merged(study(), study())


ERRS = Confusion(reading="decided", hits=40, misses=26, alarms=6, rejections=60)


def agents(name: str, known: Confusion | None, by: str) -> Study:
    """Two arms that decide in .3 and .6 of 40 transcripts, ``by`` naming one reason."""
    rows = [ScoreRow(arm=arm, seed=1, eval="rollout", item=f"i{n % 10}", axis=axis, domain="d", reading=reading,
                     value=float(n < rate), draw=n // 10)
            for arm, rate in (("calm", 12), ("wild", 24)) for n in range(40)
            for axis, reading in (("agentic", "decided"), ("reasons", "duty"))]
    arms = ("calm", "wild")
    return Study(
        name=name, title=name, question="?", hypothesis="h", arms=tuple(ArmRun(arm=a, seed=1, chain=()) for a in arms),
        rows=tuple(rows),
        readings=tuple(Reading(eval="rollout", name=one, low=0.0, high=1.0) for one in ("decided", "duty")),
        contrasts=(ContrastLine(name="wild − calm", weights={"wild": 1, "calm": -1}, eval="rollout", axis="agentic",
                                reading="decided", primary=True),),
        graders=() if known is None else (GraderLine(eval="rollout", grader="g", known=known, arms=arms),),
        motives=(MotiveLine(eval="rollout", axis="reasons", reading="duty", title="duty", side="misaligned", by=by,
                            arms=arms),))


def test_a_grader_s_errors_correct_the_arms_that_it_read_and_no_others(tmp_path: Path) -> None:
    measured = agents("measured", ERRS, "g")
    both = merged(measured, agents("bare", None, "g"))
    means = {m.arm: m.corrected for m in Results(both).means if m.measure[2] == "decided"}
    assert means["bare: calm"] is None and means["bare: wild"] is None
    alone = {m.arm: m.corrected for m in Results(measured).means if m.measure[2] == "decided"}
    assert means["measured: calm"] == alone["calm"] is not None and means["measured: wild"] == alone["wild"]
    assert {c.arm for c in cell_rates(Results(both)) if c.corrected} == {"measured: calm", "measured: wild"}
    assert {d.line.name: d.corrected is not None for d in Results(both).differences} == {
        "measured: wild − calm": True, "bare: wild − calm": False}
    write(both, tmp_path)
    assert recompute.check(tmp_path, kept=False)[0] == []


def test_each_grader_corrects_its_own_and_a_contrast_needs_one_for_all() -> None:
    other = replace(ERRS, hits=66, misses=0)
    both = merged(agents("one", ERRS, "g"), agents("two", other, "g"))
    assert [both.known((arm,), "rollout", "decided") for arm in ("one: calm", "two: wild")] == [ERRS, other]
    assert both.known(("one: calm", "one: wild"), "rollout", "decided") == ERRS
    assert both.known(("one: calm", "two: wild"), "rollout", "decided") is None
    assert both.known((), "rollout", "decided") is None
    same = merged(agents("one", ERRS, "g"), agents("two", ERRS, "g"))
    assert [line.arms for line in same.graders] == [("one: calm", "one: wild", "two: calm", "two: wild")]
    assert same.known(("one: calm", "two: wild"), "rollout", "decided") == ERRS
    with pytest.raises(DataError, match="names arm 'nobody'"):
        replace(both, graders=(replace(both.graders[0], arms=("nobody",)),))


def test_reasons_that_stay_unscored_are_a_caution() -> None:
    given = merged(agents("one", None, "a grader"), agents("two", None, "expressions"))
    assert not [words for words in cautions(Results(given), Ways(given)) if "unscored" in words]
    gone = [replace(row, value=None) if row.reading == "duty" and row.arm == "two: wild" and row.draw == 0 else row
            for row in given.rows]
    told = [words for words in cautions(Results(replace(given, rows=tuple(gone))), Ways(given)) if "unscored" in words]
    assert len(told) == 2 and told[0].startswith("10 of 80 reasons of agents (rollout") and "12.5%" in told[0]
    assert "most in two: wild, 25.0%" in told[0] and told[0].endswith("Read by expressions.")
    assert told[1] == ("two: wild, reasons of agents (rollout): 25% stayed unscored, too many to rely on their shares.")


def test_reasons_stand_under_who_read_them(tmp_path: Path) -> None:
    both = merged(agents("one", None, "a grader"), agents("two", None, "expressions"))
    heads = [(words.rpartition("Read by ")[2], head[2:]) for words, head, _ in rollout_tables(Results(both))
             if "Read by" in words]
    assert heads == [("a grader.", ["one: calm", "one: wild"]), ("expressions.", ["two: calm", "two: wild"])]
    write(both, tmp_path)
    assert recompute.check(tmp_path, kept=False)[0] == []
