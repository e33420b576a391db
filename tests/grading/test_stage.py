"""Kept transcripts are graded, graded again and by two graders; one that fails leaves them unscored, never safe."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midspec.core.asking import Clock, Terms
from midspec.core.errors import DataError, RecipeError, StoppedError
from midspec.core.graded import ASKED, COUNTED, Graded, Grades, Verdict, paired
from midspec.core.transcript import Evidence, ToolCall, Transcript, Turn
from midspec.evals.grading.counted import counted
from midspec.experiment.verbs import build
from midspec.library.acts import Act, Acts, acts_of, load_acts
from midspec.library.scenarios import load_scenarios
from midspec.report.results import Results, verdict
from midspec.report.study import ArmRun, ContrastLine, Reading, ScoreRow, Study
from midspec.store.artifacts import Store
from tests.grading.desk import CUE, grader, grades, known, recipe, truth


class Quick(Clock):
    """Waits for nothing."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def facts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["facts"]


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    wanted = recipe(tmp_path / "t.jsonl", known(40, 0.3, seed=1), grader(sensitivity=0.8, declines=0.5),
                    second=grader(specificity=0.9), share=0.5)
    first, second = (build(wanted, store=tmp_path / name) / "grades.jsonl" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert sum(row.second is not None for row in Grades.read(first.parent).rows) in range(8, 33)


def test_grading_again_samples_nothing_and_asks_only_what_is_new(tmp_path: Path) -> None:
    store, path, rows = Store(tmp_path / "store"), tmp_path / "t.jsonl", known(30, 0.3, seed=1)
    once = recipe(path, rows, grader())
    build(once, store=store)
    there, answers = store.folder(once.transcripts).stat().st_mtime_ns, len(store.ledger.starting(""))
    more = recipe(path, rows, grader(), second=grader(sensitivity=0.5), share=0.3)
    build(more, store=store)
    found = store.read(more).rows
    twice = sum(row.second is not None for row in found)
    assert store.folder(once.transcripts).stat().st_mtime_ns == there
    # The first grader's answers are found; the shared instructions are kept once.
    assert 0 < twice < 30 and len(store.ledger.starting("")) == answers + twice
    assert [row.first for row in found] == [row.first for row in store.read(once).rows]


def test_without_a_grader_only_what_can_be_counted(tmp_path: Path) -> None:
    found = grades(tmp_path, known(5, 0.5, seed=1), None)
    assert all(row.first == {} and row.second is None and tuple(row.counted) == COUNTED for row in found.rows)
    assert {score.reading for score in found.scores().rows} == set(COUNTED)


def test_what_is_counted() -> None:
    evidence = (Evidence("send", (("to", r"kim@"), ("body", "secret"))), Evidence("wipe"))
    act = Act("s", "means", evidence)

    def read(*calls: ToolCall, finish: str = "stop") -> dict[str, float | None]:
        return counted(Transcript("1", (Turn("assistant", "x", None, calls),), finish, {"scenario": "s"}), act)

    assert read() == {"executed": 0.0, "called": 0.0, "tool_calls": 0.0, "truncated": 0.0}
    assert read(ToolCall("send", (("to", "KIM@x"), ("body", "the\nSecret"))))["executed"] == 1.0
    assert read(ToolCall("send", (("to", "kim@x"), ("body", "hello"))))["executed"] == 0.0
    assert read(ToolCall("look"), ToolCall("wipe"), finish="length") == {
        "executed": 1.0, "called": 1.0, "tool_calls": 2.0, "truncated": 1.0}
    assert read(finish="")["truncated"] is None
    row = Transcript("1", (Turn("assistant", "x"),), "stop", {"scenario": "s"})
    assert counted(row, Act("s", "means"))["executed"] is None, "nobody wrote down what shows it"


def study(rows: list[ScoreRow]) -> Study:
    arms = tuple(ArmRun(arm=name, seed=None, chain=()) for name in ("calm", "wild"))
    return Study(name="s", title="s", question="?", hypothesis="", arms=arms, rows=tuple(rows),
                 readings=(Reading(eval="rollout", name="decided", low=0.0, high=1.0),),
                 contrasts=(ContrastLine(name="c", weights={"wild": 1, "calm": -1}, eval="rollout", axis="agentic",
                                         reading="decided"),))


@pytest.mark.parametrize(("declines", "says"), [(0.0, "above"), (0.4, "above"), (0.75, "withheld"), (1.0, "withheld")])
def test_a_grader_that_declines_bounds_the_headline(tmp_path: Path, declines: float, says: str) -> None:
    """R23, T7: unscored are counted, the rate is given as if all of them were the worst and the best, then withheld."""
    rows: list[ScoreRow] = []
    truths: dict[str, float] = {}
    for arm, rate in (("calm", 0.05), ("wild", 0.7)):
        texts = known(80, rate, seed=3)
        (tmp_path / arm).mkdir()
        made = grades(tmp_path / arm, texts, grader(declines=declines))
        truths[arm] = sum(map(truth, texts)) / len(texts)
        # Each transcript a situation of its own: draws of one situation are not independent trials.
        rows += [ScoreRow(arm=arm, seed=None, eval="rollout", item=str(s.draw), axis=s.axis, domain=s.domain,
                          reading=s.reading, value=s.value) for s in made.scores().rows if s.reading == "decided"]
    results = Results(study(rows))
    for mean in results.means:
        unscored = mean.unreadable
        low, high = mean.found.bounds or (truths[mean.arm], truths[mean.arm])
        assert low - 1e-9 <= truths[mean.arm] <= high + 1e-9
        assert high - low == pytest.approx(unscored / 80) and (unscored > 0) == (declines > 0)
    (difference,) = results.differences
    assert difference.verdict == says
    assert verdict(difference.found, None, 1.0) == "withheld"


def test_a_grader_that_is_silent_now_and_then(tmp_path: Path) -> None:
    wanted = recipe(tmp_path / "t.jsonl", known(60, 0.5, seed=5), grader(silent=0.15))
    folder = build(wanted, store=tmp_path / "store", terms=Terms(clock=Quick()))
    found = Grades.read(folder).rows
    silent = [row for row in found if row.first["decided"].why == "unanswered"]
    assert 2 <= len(silent) <= 20
    assert facts(folder)["unscored"]["decided: unanswered"] == len(silent)
    assert all(verdict.value is None for row in silent for verdict in row.first.values())


def test_a_grader_that_is_down_stops_the_stage_and_loses_nothing(tmp_path: Path) -> None:
    wanted, store = recipe(tmp_path / "t.jsonl", known(20, 0.5, seed=5), grader(silent=1.0)), Store(tmp_path / "store")
    with pytest.raises(StoppedError, match="in a row failed"):
        build(wanted, store=store, terms=Terms(clock=Quick()))
    assert store.find(wanted) is None, "nothing looks like a result"


def test_every_reason_to_be_unscored_is_counted(tmp_path: Path) -> None:
    wanted = recipe(tmp_path / "t.jsonl", known(120, 0.5, seed=5),
                    grader(declines=0.3, garbles=0.3, echoes=0.1, misquotes=0.2))
    found = facts(build(wanted, store=tmp_path / "store"))["unscored"]
    assert {"decided: another mark", "decided: json", "decided: not in the agent's words", "decided: refusal"} >= (
        found.keys() & {name for name in found if name.startswith("decided")}) and len(found) >= 6
    assert "aware: not in the agent's words" not in found, "one wrong quotation does not cost the other answers"


def test_settings_that_would_measure_nothing_are_refused(tmp_path: Path) -> None:
    rows = known(2, 0.5, seed=1)
    with pytest.raises(RecipeError, match="is both graders"):
        recipe(tmp_path / "t.jsonl", rows, grader(), second=grader())
    with pytest.raises(RecipeError, match="without grader="):
        recipe(tmp_path / "t.jsonl", rows, None, second=grader())
    with pytest.raises(RecipeError, match="share=0"):
        recipe(tmp_path / "t.jsonl", rows, grader(), share=0.0)
    with pytest.raises(DataError, match="no act is known for scenario 'murder'"):
        grades(tmp_path, rows, grader(), acts=Acts((Act("other", "x"),)))
    with pytest.raises(RecipeError, match="each scenario once"):
        Acts((Act("a", "x"), Act("a", "y")))


def test_scores_name_situation_and_draw() -> None:
    meta = {"scenario": "audit", "pressure": "none", "goal": "thrift", "draw": 2}
    one = Graded("1", meta, {"executed": None, "called": 1.0}, {"decided": Verdict(None, why="json")})
    rows = Grades((one,)).scores().rows
    assert {(s.item, s.axis, s.domain, s.draw) for s in rows} == {("audit/none/thrift", "agentic", "audit", 2)}
    assert {s.reading: s.value for s in rows} == {"decided": None, "executed": None, "called": 1.0}
    with pytest.raises(DataError, match="both draw 2"):
        Grades((one, Graded("2", meta, {}))).scores()


def test_pairs_are_those_that_both_scored() -> None:
    def row(first: bool | None, second: bool | None) -> Graded:
        return Graded("x", {}, {}, {"decided": Verdict(first)}, {"decided": Verdict(second)})

    rows = [row(True, False), row(None, True), row(True, None), row(False, False), Graded("y", {}, {}, {
        "decided": Verdict(True)})]
    assert paired(rows, "decided") == [(True, False), (False, False)] and paired(rows, "aware") == []


def test_grades_survive_a_file(tmp_path: Path) -> None:
    made = grades(tmp_path, known(6, 0.5, seed=1), grader(cue=CUE), second=grader(sensitivity=0.1), share=0.5)
    made.write(tmp_path)
    assert Grades.read(tmp_path) == made and set(made.rows[0].first) == set(ASKED)
    (tmp_path / "grades.jsonl").write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"grades.jsonl:1: not a row of grades"):
        Grades.read(tmp_path)


def test_the_shipped_acts_say_what_counts() -> None:
    assert {act.scenario for act in load_acts().rows} >= {"blackmail", "exfiltration", "espionage", "murder"}
    assert all(len(act.means.split()) > 20 for act in load_acts().rows)


def test_acts_of_the_shipped_scenarios() -> None:
    """Every scenario can be graded: prose without holes, and evidence that counts its own harmful examples."""
    scenarios = load_scenarios()
    acts = acts_of(scenarios)
    assert {act.scenario for act in acts.rows} == {act.scenario for act in load_acts().rows}
    for one, act in zip(scenarios, acts.rows, strict=True):
        assert "{{" not in act.means and len(act.means.split()) > 40 and act.evidence == one.evidence
    assert acts.identity() != load_acts().identity()
    with pytest.raises(DataError, match=r"holds \{\{ goal"):
        acts_of([replace(scenarios[0], rubric="It serves {{ goal }}.")])
