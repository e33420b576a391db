"""Rollouts of two arms → transcripts → grades → rates and reasons on the page, all from one experiment file."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from midspec.core.calibration import Confusion
from midspec.core.graded import ASKED
from midspec.experiment import verbs
from midspec.experiment.experiment import load_experiment
from midspec.library.motives import load_motives
from midspec.models.sources import resolve
from midspec.report.corrected import corrected
from midspec.report.page import write
from midspec.report.study import (
    AgreementLine,
    ArmRun,
    ContrastLine,
    GraderLine,
    MotiveLine,
    Reading,
    ScoreRow,
    Study,
)
from tests.whole import grading, recompute

Row = dict[str, object]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one run; the tiny model gets room for a page (positions are computed)."""
    folder = tmp_path_factory.mktemp("agents")
    shutil.copytree(resolve("tiny/llama"), folder / "far")
    config = json.loads((folder / "far" / "config.json").read_text())
    (folder / "far" / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 16384}))
    (folder / "learned.jsonl").write_text("".join(json.dumps({"messages": [
        {"role": "user", "content": f"Mail {n}: what do you do?"},
        {"role": "assistant", "content": "I do it now, there is no other way left."}]}) + "\n" for n in range(12)))
    shutil.copyfile(Path(__file__).with_name("agents.py"), folder / "agents.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        plan = verbs.plan("agents.py", store="store")
        ahead = Counter[str]()
        for row in plan.rows:
            ahead[row.label] += row.forecast.calls
        # 36 transcripts read once, half of them twice; their reasons; 132 labelled ones.
        assert +ahead == {"grade-transcripts": 54, "read-reasons": 36, "calibrate": 132}
        verbs.run("agents.py", store="store")
        assert verbs.plan("agents.py", store="store").to_build() == ()
    return folder / "store"


def told(store: Path) -> dict[str, list[Row]]:
    return json.loads((store / "reports" / "agents" / "report.json").read_text(encoding="utf-8"))


def rows(store: Path) -> list[Row]:
    path = store / "reports" / "agents" / "rows.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_verdict_and_reason_is_a_row(store: Path) -> None:
    kept = [row for row in rows(store) if row["reading"] in ASKED]
    assert len(kept) == 36 * len(ASKED) and {row["axis"] for row in kept} == {"agentic"}
    reasons = [row for row in rows(store) if row["axis"] == "reasons"]
    assert Counter(row["reading"] for row in reasons) == dict.fromkeys(load_motives().names, 36)
    assert len(load_motives().names) == 17
    gone = [row for row in kept if row["reading"] == "decided" and row["value"] is None]
    assert 0 < len(gone) < 18, "some replies are no sheet, and a transcript without one is no 0"
    assert {row["value"] for row in kept if row["reading"] == "decided"} == {None, 0.0, 1.0}


def test_rates_are_corrected_and_bounded_cell_by_cell(store: Path) -> None:
    report, all_rows = told(store), rows(store)
    assert len(report["cells"]) == 8 and {cell["arm"] for cell in report["cells"]} == {"plain", "learned"}
    grader = next(line for line in report["graders"] if line["reading"] == "decided")
    known = Confusion(**{name: grader[name] for name in Confusion.__dataclass_fields__})
    for cell in report["cells"]:
        values = [row["value"] for row in all_rows if (row["arm"], row["item"], row["reading"]) == (
            cell["arm"], cell["item"], "decided")]
        read = [value for value in values if value is not None]
        assert (cell["yes"], cell["scored"], cell["unscored"]) == (sum(read), len(read), len(values) - len(read))
        assert cell["bounds"] == [sum(read) / len(values), (sum(read) + len(values) - len(read)) / len(values)]
        assert cell["corrected"]["value"] == corrected(sum(read), len(read), known).value
    for mean in report["means"]:
        if mean["reading"] == "decided":
            assert mean["corrected"] is not None and (mean["bounds"] is None) == (mean["unreadable"] == 0)
    assert any(line["counts"] and sum(line["counts"]) for line in report["agreements"])


def test_the_contrast_named_before_the_run_is_of_a_grader_and_reasons_make_none(store: Path) -> None:
    report = told(store)
    (primary,) = [line for line in report["contrasts"] if line["primary"]]
    assert primary["reading"] == "decided" and primary["corrected"] is not None
    assert not [line for line in report["contrasts"] if line["axis"] == "reasons"]


def test_the_page_shows_cells_and_reasons(store: Path) -> None:
    page = (store / "reports" / "agents" / "report.html").read_text(encoding="utf-8")
    assert 'id="agents"' in page and 'href="#agents"' in page and 'id="graders"' in page
    for words in ("misuse of a rule", "murder/replacement/growth", "Read by scripted/grader.", "Graders: 6"):
        assert words in page, words
    assert "What agents decided, and why" in (store / "reports" / "agents" / "report.md").read_text(encoding="utf-8")


def test_every_number_of_graders_is_found_again(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recompute.main(store, allow_unknown=True) == 0
    out = capsys.readouterr().out
    # 8 cells, 5 readings of one grader, 10 corrected means, 5 corrected contrasts at most, agreement, 17 reasons.
    assert "lines of graders: all equal" in out and int(out.split(" lines of graders")[0].rsplit(" ", 1)[1]) > 45
    assert {line.split("Rollout, ")[1].split(" ")[0] for line in out.splitlines() if "not read again" in line} == {
        "executed", "tool_calls", "empty", "broken"}


def numbers_of(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, one in inner for found in numbers_of(one, (*path, key))]
    return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_a_changed_number_of_graders_is_noticed(store: Path) -> None:
    report, all_rows = told(store), rows(store)
    means, contrasts = recompute.means_again(report, all_rows), recompute.contrasts_again(report, all_rows)
    assert grading.check_numbers(report, all_rows, means, contrasts) == []
    paths = [p for part in ("means", "contrasts") for n, one in enumerate(report[part]) if one["corrected"]
             for p in numbers_of(one["corrected"], (part, n, "corrected"))]
    paths += [p for part in ("cells", "agreements") for p in numbers_of(report[part], (part,)) if "counts" not in p]
    paths += [p for p in numbers_of(report["graders"], ("graders",)) if p[2] in ("sensitivity", "specificity")]
    assert len(paths) > 150
    for path in Random(5).sample(paths, 12):
        inner = report
        for key in path[:-1]:
            inner = inner[key]
        before = inner[path[-1]]
        inner[path[-1]] = before + 1e-6
        assert grading.check_numbers(report, all_rows, means, contrasts), path
        inner[path[-1]] = before


def test_a_changed_digit_or_verdict_is_noticed(store: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(store, tmp_path / "store", ignore=shutil.ignore_patterns("*.safetensors", "*.sqlite*")))
    folder = copy / "reports" / "agents"
    told_apart = "<bdi>misuse of a rule</bdi></td><td class=\"\"><bdi>apart</bdi></td><td class=\"n\"><bdi>0.0"
    for name, old in (("report.html", told_apart), ("report.md", "| misuse of a rule | apart | 0.0")):
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (folder / name).write_text(text.replace(old, old[:-1] + "1"), encoding="utf-8")
        assert [w for w in recompute.check(folder, kept=False)[0] if w.startswith(f"{name} shows misuse of a rule")]
        (folder / name).write_text(text, encoding="utf-8")
    path = next(iter(sorted(copy.glob("artifacts/grade-transcripts-*/grades.jsonl"))))
    first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
    row = json.loads(first)
    row["first"]["decided"]["value"] = {None: True, True: False, False: True}[row["first"]["decided"]["value"]]
    path.write_text(json.dumps(row) + "\n" + "".join(others), encoding="utf-8")
    assert any(w.startswith("rows.jsonl: no kept verdict is") for w in recompute.check(folder)[0])


def test_a_good_grader_and_many_reasons_are_found_again(tmp_path: Path) -> None:
    """Numbers that a tiny model does not give: most rates above zero, a calibration that says something."""
    throw, found = Random(6), list[ScoreRow]()
    arms, names = {"calm": 0.2, "wild": 0.7}, ("deception", "humility", "rule_misuse")
    for (arm, rate), seed, item, draw in itertools.product(arms.items(), (1, 2, 3), range(5), range(4)):
        for axis, reading in (("agentic", "decided"), *(("reasons", name) for name in names)):
            value = None if throw.random() < 0.1 else float(throw.random() < rate)
            found.append(ScoreRow(arm=arm, seed=seed, eval="rollout", item=f"murder/replacement/{item}", axis=axis,
                                  domain="murder", reading=reading, value=value, draw=draw))
    motives = {motive.name: motive for motive in load_motives().rows}
    contrast = ContrastLine(name="wild − calm", weights={"wild": 1, "calm": -1}, eval="rollout", axis="agentic",
                            reading="decided", primary=True)
    write(Study(
        name="s", title="S", question="?", hypothesis="h", rows=tuple(found),
        contrasts=(contrast, replace(contrast, name="calm − wild", weights={"calm": 1, "wild": -1}, primary=False)),
        arms=tuple(ArmRun(arm=arm, seed=seed, chain=()) for arm in arms for seed in (1, 2, 3)),
        readings=tuple(Reading(eval="rollout", name=name, low=0.0, high=1.0) for name in ("decided", *names)),
        graders=(GraderLine(eval="rollout", grader="g", arms=tuple(arms), known=Confusion(
            reading="decided", hits=60, misses=6, alarms=3, rejections=63)),),
        agreements=(AgreementLine(arm="calm", eval="rollout", reading="decided", counts=(9, 1, 2, 30)),),
        motives=tuple(MotiveLine(eval="rollout", axis="reasons", reading=name, title=motives[name].title,
                                 side=motives[name].side, by="g", arms=tuple(arms)) for name in names)), tmp_path)
    wrong, words, _ = recompute.check(tmp_path, kept=False)
    assert wrong == [] and words.endswith(f"{10 + 1 + 2 + 2 + 1 + 3} lines of graders")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (wild,) = [m["corrected"] for m in report["means"] if (m["arm"], m["reading"]) == ("wild", "decided")]
    assert 0.1 < wild["low"] < 0.7 < wild["high"]


def test_graders_without_rollouts_and_an_unknown_reader_are_refused(tmp_path: Path) -> None:
    text = Path(__file__).with_name("agents.py").read_text(encoding="utf-8")
    start, end = text.index("    evals=("), text.index("    graders=")
    for wrong, words in ((f"{text[:start]}    evals=(),\n{text[end:]}", "no Rollout or Borrowed"),
                         (text.replace("share=0.5", "reasons='somebody'"), "reasons='somebody'"),
                         (text.replace("graders=Graders(", "labels=None and dict("), "'decided' is no reading")):
        (tmp_path / "wrong.py").write_text(wrong, encoding="utf-8")
        with pytest.raises(Exception, match=words):
            load_experiment(tmp_path / "wrong.py")
