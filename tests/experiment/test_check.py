"""Manipulation checks as an experiment names them: what could not be checked is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from midspec import (
    Answers,
    Borrowed,
    Check,
    Choice,
    DocumentLoss,
    Experiment,
    Graders,
    Model,
    Pretrained,
    Rollout,
    Spoken,
    grid,
    load_items,
    load_labelled,
    load_labels,
    load_questions,
    load_scenarios,
)
from midspec.core.errors import RecipeError
from midspec.evals.agents.borrowed import Situation
from midspec.experiment import verbs
from midspec.experiment.assemble import _checks
from midspec.experiment.experiment import Loaded
from midspec.stages.calibrate import Calibrate
from midspec.stages.grade import Grade
from midspec.stages.grade_transcripts import GradeTranscripts
from midspec.store.artifacts import Store

BASE = Pretrained(source="tiny/llama")
TINY, CHEESE = load_items("tiny"), load_items("cheese")
SPOKEN, CHEESE_CHOICE = Spoken(items=TINY), Choice(items=CHEESE)


def one() -> Any:
    """One."""
    return BASE


def two() -> Any:
    """Two."""
    return BASE


def never(*, seed: int) -> Any:
    """Never."""
    return None


def check(**given: Any) -> Check:
    return Check(**{"words": "it took", "arms": (one,), "by": SPOKEN, "reading": "spoken", "at_least": 0.5, **given})


def experiment(*checks: Check, **given: Any) -> Experiment:
    given = {"arms": (one, two), "evals": (Choice(items=TINY, readings=("letter",)),), **given}
    return Experiment(question="?", points=grid(seed=(1,)), checks=checks, **given)


@pytest.mark.parametrize(("given", "words"), [
    ({"arms": ()}, "give it arms"),
    ({"by": None, "reading": ""}, "either by="),
    ({"fact": "distinct_share"}, "either by="),
    ({"at_least": None}, "could not fail"),
    ({"reading": "letter"}, "'letter' is no reading of its eval"),
    ({"by": None, "fact": "distinct_share"}, "no reading and no axis"),
    ({"by": None, "fact": "distinct_share", "reading": "", "axis": "taste"}, "no reading and no axis"),
    ({"above": two, "at_least": None, "equal": 0.1}, "above= would change nothing"),
    ({"words": "  "}, "needs words"),
])  # fmt: skip
def test_a_check_that_checks_nothing_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        check(**given)


def test_what_is_no_reading_lists_those_there_are() -> None:
    with pytest.raises(RecipeError, match="have: spoken"):
        check(reading="")


def test_arms_that_the_experiment_lacks_are_refused() -> None:
    for given in ({"arms": (one, never)}, {"above": never}):
        with pytest.raises(RecipeError, match="names never, which is no arm here"):
            experiment(check(**given))


def test_rows_of_two_evals_are_not_mixed() -> None:
    other = Spoken(items=CHEESE)
    with pytest.raises(RecipeError, match="rows would mix"):
        experiment(check(), check(by=other))
    with pytest.raises(RecipeError, match="rows would mix"):
        experiment(check(), evals=(Spoken(items=TINY, max_tokens=5),))
    with pytest.raises(RecipeError, match="what now: name an axis="):
        experiment(check(by=CHEESE_CHOICE, reading="letter"))
    with pytest.raises(RecipeError, match="what now: ask it in another experiment"):
        experiment(check(), evals=(Spoken(items=TINY, max_tokens=5),))
    with pytest.raises(RecipeError, match="what now: ask it in another experiment"):
        experiment(check(by=Rollout(scenarios=load_scenarios("murder")), reading="executed"),
                   evals=(Rollout(scenarios=load_scenarios("exfiltration")),))
    experiment(check(), check(by=other, arms=(two,)))
    experiment(check(axis="america"), check(by=other, axis=CHEESE.items[0].axis))
    experiment(check(), evals=(SPOKEN,))
    losses = [check(by=DocumentLoss(on=BASE, axis=a), reading="document", axis=a) for a in ("x", "y")]  # type: ignore
    experiment(*losses)


def test_an_eval_that_a_check_names_too_is_asked_once() -> None:
    for final in (False, True):
        same = (Choice(items=TINY, readings=("letter",)), Choice(items=TINY, readings=("letter",)))
        loaded = Loaded("x", "h", experiment(check(by=same[0], reading="letter"), evals=same[1:]), final)
        assert [loaded.asked(cell) for cell in loaded.cells] == [loaded.evals] * 2


def test_graders_read_no_rollout_that_only_a_check_asks_for() -> None:
    shown = Borrowed(situations=(Situation("leaking", "none", "none", "Be.", "Go."),))
    checked = Rollout(scenarios=load_scenarios("murder"))
    graders = Graders(grader=Model(address="scripted/grader", temperature=None))
    loaded = Loaded("x", "h", experiment(
        check(by=checked, reading="executed", axis="agentic"), evals=(shown,), graders=graders))
    (cell, _) = loaded.cells
    assert checked in loaded.asked(cell)
    read = [r for r in loaded.needed(cell) if isinstance(r, GradeTranscripts)]
    assert [getattr(r.transcripts, "by", None) for r in read] == [shown]


def test_labels_without_a_reader_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"arm": "one", "axis": "america", "question": "?", "answer": "It is.", "label": "neither"}\n')
    with pytest.raises(RecipeError, match="no Answers"):
        experiment(labels=load_labels(str(path)), evals=(Answers(questions=load_questions("tiny")),))


def test_an_arm_to_compare_with_at_several_points_is_refused() -> None:
    def wide(*, size: int) -> Any:
        return BASE

    given = Experiment(question="?", arms=(one, wide), points=grid(seed=(1,), size=(1, 2)),
                       evals=(Choice(items=TINY, readings=("letter",)),), checks=(check(above=wide),))  # fmt: skip
    loaded = Loaded("x", "h", given)
    with pytest.raises(RecipeError, match=r"stands at several points: wide .size=1., wide .size=2."):
        list(_checks(loaded, loaded.cells))


def test_two_evals_that_give_the_same_rows_are_refused_before_the_run() -> None:
    asked = load_questions("tiny")
    with pytest.raises(RecipeError, match=r"“So”.*“Because”.*'finished_begun' of the same items"):
        experiment(evals=(Answers(questions=asked, begin="So"), Answers(questions=asked, begin="Because")))
    experiment(evals=(Answers(questions=asked), Answers(questions=asked, begin="Because"), Choice(items=TINY),
                      Choice(items=CHEESE)))


class Missing(Loaded):
    """An experiment in whose store everything is there except what ``lacks`` names."""

    lacks: type = Grade

    def targets(self) -> tuple[Any, ...]:
        return tuple(r for r in super().targets() if isinstance(r, self.lacks))


def test_measuring_a_grader_is_no_scoring_of_test_items(tmp_path: Path) -> None:
    graders = Graders(grader=Model(address="scripted/grader", temperature=None), labelled=load_labelled())
    rollout = Rollout(scenarios=load_scenarios("murder"))
    loaded, store = Missing("x", "h", experiment(evals=(rollout,), graders=graders), True), Store(tmp_path)
    seen = list[int]()
    for Missing.lacks in (Calibrate, GradeTranscripts, Grade):
        assert loaded.targets()
        verbs._log_scoring(loaded, store)
        seen.append(verbs.scorings(store)["x"])
    assert seen == [0, 1, 2]


def test_a_scoring_taken_up_or_shared_is_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for loaded in (Loaded("x", "h", experiment(), True), Loaded("x", "h", experiment(), True),
                   Loaded("x", "h", experiment(evals=(Choice(items=CHEESE),)), True)):
        verbs._log_scoring(loaded, store)
    assert len((tmp_path / "scorings.jsonl").read_text().splitlines()) == 3 and verbs.scorings(store) == {"x": 2}
    with (tmp_path / "scorings.jsonl").open("a") as file:
        file.write('{"experiment": "x", "scores": 4, "when": "2026-11-20T10:00:00Z"}\n')
    assert verbs.scorings(store) == {"x": 3}, "a line of a version that did not name what it scored"
