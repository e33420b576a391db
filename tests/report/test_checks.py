"""Manipulation checks: what passes, what fails, and how the page says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.whole import printed, tables

from midspec.core.errors import DataError
from midspec.report.checks import Checked, checked
from midspec.report.merge import merged
from midspec.report.page import write
from midspec.report.results import Results
from midspec.report.study import ArmRun, CheckLine, LabelledAnswer, Reading, ScoreRow, StageRun, Study
from midspec.report.summary import cautions
from midspec.report.ways import Ways

STEP = StageRun(kind="scores", label="s", id="s", link="s")
Values = dict[str, list[list[float | None]]]  # of each arm: draws of each item


def study(values: Values, *lines: CheckLine, **more: object) -> Study:
    rows = [
        ScoreRow(arm=arm, seed=1, eval="e", item=f"i{n}", axis="x", domain="", reading="r", value=value, draw=draw)
        for arm, items in values.items()
        for n, draws in enumerate(items)
        for draw, value in enumerate(draws)
    ]
    arms = tuple(ArmRun(arm=arm, seed=1, chain=(STEP,)) for arm in values)
    return Study(name="s", title="S", question="?", hypothesis="h", arms=arms, contrasts=(), rows=tuple(rows),
                 checks=lines, readings=(Reading(eval="e", name="r"),), **more)  # fmt: skip


def line(*arms: str, **more: object) -> CheckLine:
    return CheckLine(words="it took", eval="e", reading="r", arms=arms, **more)


def one(values: Values, given: CheckLine) -> Checked:
    (found,) = checked(study(values, given))
    return found


def test_each_arm_must_reach_the_limit() -> None:
    found = one({"a": [[0.5], [1.0]], "b": [[0.5], [0.75]]}, line("a", "b", at_least=0.7))
    assert [(v.arm, v.value, v.passed) for v in found.values] == [("a", 0.75, True), ("b", 0.625, False)]
    assert found.limit == 0.7 and found.spread == 0.125 and not found.passed
    assert one({"a": [[0.7]]}, line("a", at_least=0.7)).passed


def test_the_limit_may_be_over_another_arm() -> None:
    values: Values = {"a": [[0.3]], "base": [[0.1]]}
    found = one(values, line("a", at_least=0.2, above="base"))
    assert found.passed, "0.1 + 0.2 is above 0.3 by a float's last digit"
    assert not one(values, line("a", at_least=0.3, above="base")).passed


def test_arms_must_be_alike() -> None:
    values: Values = {"a": [[0.8]], "b": [[0.7]]}
    assert one(values, line("a", "b", equal=0.1)).passed, "0.8 − 0.7 is above 0.1 by a float's last digit"
    found = one(values, line("a", "b", equal=0.05))
    assert not found.passed and all(v.passed for v in found.values)


def test_draws_of_one_item_count_as_one() -> None:
    values: Values = {"a": [[1.0, 1.0, 1.0, 1.0], [0.0]]}
    assert one(values, line("a", at_least=0.6)).values[0].value == 0.5
    share = one({"a": [[1.0, -3.0], [2.0, -1.0]]}, line("a", share=True, at_least=0.5)).values[0]
    assert share.value == 0.5


def test_unreadable_answers_are_counted_and_never_pass() -> None:
    few = one({"a": [[1.0], [1.0], [1.0], [1.0], [None]]}, line("a", at_least=0.9)).values[0]
    assert (few.value, few.rows, few.unreadable, few.passed) == (1.0, 5, 1, True)
    many = one({"a": [[1.0], [1.0], [1.0], [None]]}, line("a", at_least=0.9))
    assert many.values[0].value == 1.0 and not many.passed
    assert one({"a": [[None]]}, line("a", at_least=0.9)).values[0].value is None
    assert not one({"a": [[None]], "b": [[1.0]]}, line("a", "b", equal=1.0)).passed


def test_nothing_to_compare_with() -> None:
    found = one({"a": [[1.0]], "base": [[None]]}, line("a", at_least=0.0, above="base"))
    assert found.limit is None and not found.passed, "the report still comes, and says that the check fails"
    with pytest.raises(DataError, match="'base' to compare with has no rows"):
        one({"a": [[1.0]], "base": []}, line("a", at_least=0.0, above="base"))
    assert not one({"a": [[1.0]]}, line(at_least=0.0)).passed, "no arm at all"


def test_only_its_axis_counts() -> None:
    given = study({"a": [[1.0], [0.0]]}, line("a", axis="y", at_least=0.9))
    rows = (replace(given.rows[0], axis="y"), given.rows[1])
    assert checked(replace(given, rows=rows))[0].passed


def pages(given: Study, folder: Path) -> tuple[str, str, dict[str, object]]:
    write(given, folder)
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return (folder / "report.html").read_text("utf-8"), (folder / "report.md").read_text("utf-8"), told


def test_the_page_says_what_fails_and_a_second_computation_agrees(tmp_path: Path) -> None:
    values: Values = {"a": [[0.5], [1.0], [None]], "b": [[0.9], [0.9]], "base": [[0.1], [None]]}
    lines = (line("a", "b", at_least=0.7), line("a", "b", at_least=0.2, equal=0.5), line("b", at_least=0, above="base"))
    labelled = tuple(
        LabelledAnswer(arm=arm, axis="x", label=label, found=found)
        for arm, label, found in (("a", "own", "own"), ("a", "own", "other"), ("b", "neither", "own"))
    )
    html, markdown, told = pages(study(values, *lines, labelled=labelled), tmp_path)
    rows = [json.loads(row) for row in (tmp_path / "rows.jsonl").read_text().splitlines()]
    checks = [tables.check_of(check, rows) for check in told["checks"]]
    reader = tables.reader_of(told["labelled"])
    assert [c["passed"] for c in checks] == [c["passed"] for c in told["checks"]] == [False, False, False]
    assert html.count("FAILS") == 3 and "1 of 3" in html
    for name, shown in (("html", printed.Tables(html).found), ("md", printed.markdown(markdown))):
        assert tables.check_page(name, shown, told, checks, reader) == []
    for part, before, after in ((html, ">0.750<", ">0.751<"), (html, "FAILS", "holds"), (html, "1 of 3", "0 of 3")):
        assert before in part
        assert tables.check_page("html", printed.Tables(part.replace(before, after, 1)).found, told, checks, reader)


def test_words_of_a_check_stay_text(tmp_path: Path) -> None:
    words = "<script>alert(1)</script><img src=x onerror=alert(2)> [a](http://b.example) {{ 7*7 }} & “it” took"
    given = study({"<b>a": [[1.0]]}, replace(line("<b>a", at_least=0.5), words=words))
    html, markdown, told = pages(given, tmp_path)
    assert "<script" not in html and "<img" not in html and "<b>a" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "{{ 7*7 }}" in html
    assert "<script" not in markdown and "[a](http" not in markdown and "://b" not in markdown
    assert told["checks"][0]["words"] == words
    named = [row for table in printed.Tables(html).found for row in table if len(row) == 1]
    assert any(words in cell for row in named for cell in row), "shown as it was written"


def test_two_studies_keep_their_checks() -> None:
    label = LabelledAnswer(arm="a", axis="x", label="own", found="own")
    values: Values = {"a": [[1.0]], "base": [[0.5]]}
    first = study(values, line("a", at_least=0.1, above="base"), labelled=(label,))
    both = merged(first, replace(first, name="t", checks=(line("a", at_least=2.0),)))
    assert [c.passed for c in checked(both)] == [True, False]
    assert both.checks[0].arms == ("s: a",) and both.checks[0].above == "s: base"
    assert [row.arm for row in both.labelled] == ["s: a", "t: a"]


def test_a_failed_check_is_a_caution() -> None:
    values: Values = {"a": [[0.5]], "b": [[0.9]]}
    made = study(values, line("b", at_least=0.7), replace(line("a", at_least=0.7), words="the chats were learned"))
    found = cautions(Results(made), Ways(made))
    assert [words for words in found if "check" in words] == [
        "A check of the treatment fails: the chats were learned. What follows may be about something else."]
