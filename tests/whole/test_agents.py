"""Rollouts of two arms → transcripts → grades → rates and reasons on the page, all from one experiment file."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from midspec.core.calibration import Confusion
from midspec.core.graded import ASKED
from midspec.experiment import verbs
from midspec.experiment.experiment import load_experiment
from midspec.library.motives import load_motives
from midspec.models.sources import resolve
from midspec.report.corrected import corrected

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


def test_graders_without_rollouts_and_an_unknown_reader_are_refused(tmp_path: Path) -> None:
    text = Path(__file__).with_name("agents.py").read_text(encoding="utf-8")
    start, end = text.index("    evals=("), text.index("    graders=")
    for wrong, words in ((f"{text[:start]}    evals=(),\n{text[end:]}", "no Rollout or Borrowed"),
                         (text.replace("share=0.5", "reasons='somebody'"), "reasons='somebody'"),
                         (text.replace("graders=Graders(", "labels=None and dict("), "'decided' is no reading")):
        (tmp_path / "wrong.py").write_text(wrong, encoding="utf-8")
        with pytest.raises(Exception, match=words):
            load_experiment(tmp_path / "wrong.py")
