"""The independent script finds every number of the page again, and notices whatever is not right."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from midspec.core.score import Item
from midspec.evals.spoken import named
from midspec.library.items import load_items
from midspec.library.reasons import ReasonReader, load_reasons
from midspec.report.estimates import combined, quantile
from tests.whole import coverage, recompute, studies, tables

Run = tuple[Path, str, float]
PARTS = ("formulas", "recompute", "raw", "readings", "printed", "tables", "coverage", "grading", "melded")


def test_it_shares_nothing_with_what_it_checks() -> None:
    for name in PARTS:
        tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
        taken = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        taken |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not any(module.split(".")[0] in ("midspec", "scipy.stats", "importlib") for module in taken), taken


def test_every_number_of_the_tiny_page(tiny_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert recompute.main(tiny_run[0]) == 0
    told = capsys.readouterr().out
    assert "401 scores from answers, 405 rows, 48 means, 12 contrasts, 3 checks: all equal" in told


LISTS = (("b", ("Gold", "gold coin", "a  box", "the u.s.", "$5", "home")), ("a", ("home town", "home", "cheap", "box")))
ENDS = ("", "", "s", "es", "'s", "’s", "s'")


def test_reasons_are_read_alike() -> None:
    chance, found = Random(2), Counter()
    for number in range(800):
        reader = load_reasons("values") if number % 2 else ReasonReader(LISTS, ("Gold Leaf", "at any cost"))
        words = [w for _, ws in reader.values for w in ws] + [*reader.apart, "it", "the", "Leaf", "is"]
        parts = (chance.choice(words) + chance.choice(ENDS) + chance.choice((" ", ", ", ". ", "\n", "-", "  "))
                 for _ in range(chance.choice((0, 1, 2, 4, 8))))  # fmt: skip
        text = "".join(parts) * chance.choice((1, 1, 1, 3))
        text, axis = text.upper() if chance.random() < 0.3 else text, chance.choice(reader.axes)
        fields = {"values": [[a, list(ws)] for a, ws in reader.values], "apart": list(reader.apart)}
        label = reader.read(text, axis)
        assert recompute.raw.readings.reason(text, axis, fields) == label, text
        found[label] += 1
    assert min(found[label] for label in ("own", "other", "neither", "unreadable")) > 20


OPTIONS = (("brie", "baked brie"), ("cheddar", "cheddar spread"), ("A fair.", "It depends!"), ("tea", "TEA party?"))
BITS = "not never I'd don't won't less skip pass on over instead of rather than both either neither but butter . ! ;"


def test_spoken_choices_are_read_alike() -> None:
    chance, found = Random(3), Counter()
    for _ in range(3000):
        aligned, other = chance.sample(chance.choice(OPTIONS), 2)
        words = [*BITS.split(), *3 * [aligned, other, aligned.rstrip(".!?")], f"{other}s"]
        parts = (chance.choice(words) + chance.choice((" ", " ", "", "\n")) for _ in range(chance.choice((1, 2, 4))))
        text = "".join(parts)
        value = named(text, Item("i", "x", "", "q", aligned, other, "dev"))
        assert recompute.raw.readings.spoken(text, aligned, other) == value, (text, aligned, other)
        found[value] += 1
    assert min(found[value] for value in (0.0, 1.0, None)) > 100


def test_options_are_found_in_the_requests() -> None:
    for item in (*load_items("cheese").items, *load_items("tiny").items):
        pair = (item.aligned, item.other)
        asked = [f"{item.question} {a[:1].upper()}{a[1:]} or {b}?" for a, b in (pair, pair[::-1])]
        found = recompute.raw.readings.options(asked[0], asked[1])
        assert [option.lower() for option in found] == [option.lower() for option in pair]
    with pytest.raises(ValueError, match="not one pair"):
        recompute.raw.readings.options("Tea, coffee?", "Coffee, tea?")


def test_begun_answers() -> None:
    reader = {"values": [["a", ["gold"]], ["b", ["cheap"]]], "apart": []}
    fields = {"reader": reader, "begin": "Because"}
    assert recompute.raw.readings.expected("Answers", fields) == {"finished_begun", "reason_own_begun",
                                                                  "reason_other_begun"}  # fmt: skip
    for text, value in (("Because", None), ("Because …", None), ("Because of gold.", 1.0), ("Because it is.", 0.0)):
        answer = {"text": text, "finish": "stop"}
        assert recompute.raw.readings.answers(answer, "reason_own_begun", "a", fields) == value
    with pytest.raises(KeyError):
        recompute.raw.readings.answers({"text": "x", "finish": "stop"}, "reason_own", "a", fields)


def test_an_eval_that_is_not_known_is_not_passed_over(
    tiny_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, report = copied(tiny_run[0], tmp_path)
    for path in (*store.glob("artifacts/grade-*/manifest.json"), report / "rows.jsonl", report / "report.json"):
        text = path.read_text(encoding="utf-8").replace('"type": "Spoken"', '"type": "Heard"')
        path.write_text(text.replace('"eval": "spoken"', '"eval": "heard"'), encoding="utf-8")
    assert recompute.main(report) == 1
    assert "not read again: Heard, spoken" in capsys.readouterr().out
    assert recompute.main(report, allow_unknown=True) == 0


def test_a_changed_number_of_a_check_is_noticed(tiny_run: Run) -> None:
    folder = tiny_run[0] / "reports" / "tiny"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [c["passed"] for c in report["checks"]] == [False, True, True]
    assert "FAILS" in (folder / "report.html").read_text(encoding="utf-8")
    rows = recompute.raw.lines_of(folder / "rows.jsonl")
    checks = [tables.check_of(check, rows) for check in report["checks"]]
    assert recompute.check_tables(report, checks, []) == []
    for check in report["checks"]:
        for part, key in [(check, "passed"), (check, "limit"), *((v, k) for v in check["values"] for k in v)]:
            before = part[key]
            part[key] = not before if isinstance(before, bool) else "?" if before is None else before * 2 or 1
            assert len(recompute.check_tables(report, checks, [])) == 1, key
            part[key] = before


@pytest.mark.parametrize("number", range(48))
def test_numbers_of_hard_studies(number: int) -> None:
    report, rows = studies.told(studies.study(number))
    means, contrasts = recompute.means_again(report, rows), recompute.contrasts_again(report, rows)
    assert len(means) == 24 and len(contrasts) == 20
    assert recompute.check_numbers(report, rows, means, contrasts) == []


def numbers_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to the numbers of report.json that the page shows."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key not in ("weights", "seed"):
                yield from numbers_in(inner, (*path, key))
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield path


def test_a_changed_digit_of_any_number_is_noticed(tiny_run: Run) -> None:
    folder = tiny_run[0] / "reports" / "tiny"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    rows = recompute.raw.lines_of(folder / "rows.jsonl")
    means, contrasts = recompute.means_again(report, rows), recompute.contrasts_again(report, rows)
    assert recompute.check_numbers(report, rows, means, contrasts) == []
    paths = [p for part in ("means", "contrasts") for p in numbers_in(report[part], (part,))]
    assert len(paths) > 400
    for path in Random(4).sample(paths, 150):
        inner = report
        for key in path[:-1]:
            inner = inner[key]
        before = inner[path[-1]]
        inner[path[-1]] = before + 1 if isinstance(before, int) else before + max(abs(before), 0.01) * 1e-9
        assert len(recompute.check_numbers(report, rows, means, contrasts)) == 1, path
        inner[path[-1]] = before


def copied(store: Path, folder: Path) -> tuple[Path, Path]:
    """(a copy of what the script reads of a store, its report)."""
    kept = shutil.ignore_patterns("*.safetensors", "documents.jsonl", "chats.jsonl", "claims", "staging", "*.sqlite*")
    copy = Path(shutil.copytree(store, folder / "store", ignore=kept))
    return copy, copy / "reports" / "tiny"


def change(path: Path, pattern: str, number: int = 0) -> None:
    """Turns the digit that ``pattern`` ends with (its second group) into another one."""
    text = path.read_text(encoding="utf-8")
    found = list(re.finditer(pattern, text))[number]
    digit = str((int(found[2]) + 1) % 10)
    path.write_text(text[: found.start()] + found[1] + digit + text[found.end(2) :], encoding="utf-8")


def resealed(folder: Path, name: str) -> None:
    """As somebody would who changes a file and its digest."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["outputs"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_changed_row_is_noticed(tiny_run: Run, tmp_path: Path) -> None:
    _, report = copied(tiny_run[0], tmp_path)
    assert recompute.check(report)[0] == []
    change(report / "rows.jsonl", r'("value": -?\d+\.\d\d)(\d)', 40)
    wrong = recompute.check(report)[0]
    assert any("rows.jsonl: no kept score" in w for w in wrong) and any(
        "report.json" not in w and " is " in w for w in wrong
    )


@pytest.mark.parametrize("name", ["scores.jsonl", "responses.jsonl"])
def test_a_changed_answer_or_score_is_noticed(tiny_run: Run, tmp_path: Path, name: str) -> None:
    store, report = copied(tiny_run[0], tmp_path)
    field = "value" if name == "scores.jsonl" else "letter/aligned-first/aligned"
    files = [p for p in sorted((store / "artifacts").rglob(name)) if "letter" in p.read_text(encoding="utf-8")]
    path = Random(3).choice(files)
    change(path, rf'("{field}": -?\d+\.\d\d\d\d)(\d)', 2)
    assert f"{path.parent.name}/{name}: not the file that was published" in recompute.check(report)[0]
    resealed(path.parent, name)
    wrong = recompute.check(report)[0]
    assert any(w.startswith(path.parent.name) and "/ draw 0: kept" in w for w in wrong) or name == "responses.jsonl"
    assert any("/ draw 0: kept" in w for w in wrong) and not any("published" in w for w in wrong)


def test_an_answer_that_was_left_out_is_noticed(tiny_run: Run, tmp_path: Path) -> None:
    store, report = copied(tiny_run[0], tmp_path)
    path = next(p for p in sorted((store / "artifacts").rglob("scores.jsonl")) if "finished" in p.read_text())
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    resealed(path.parent, "scores.jsonl")
    assert any("was answered and not scored" in w for w in recompute.check(report)[0])


@pytest.mark.parametrize(
    ("name", "cell"), [("report.html", r"(>[+−]?\d+\.\d\d)(\d)<"), ("report.md", r"(\| [+−]?\d+\.\d\d)(\d) \|")]
)
@pytest.mark.parametrize("number", [0, 7, 33])
def test_a_changed_digit_on_the_page_is_noticed(
    tiny_run: Run, tmp_path: Path, name: str, cell: str, number: int
) -> None:
    _, report = copied(tiny_run[0], tmp_path)
    change(report / name, cell, number)
    assert any(w.startswith(name) for w in recompute.check(report, kept=False)[0])


def test_the_simulated_interval_is_the_one_in_use() -> None:
    drawn = np.random.default_rng(5)
    for seeds, items in ((2, 9), (3, 20), (5, 200)):
        squares = drawn.chisquare(3, (3, 200)) * np.array([[2.0], [3.0], [1.0]])
        simulated = coverage.half_widths(*squares, seeds, items)
        for square, half in zip(squares.T, simulated, strict=True):
            variance, df = combined(*square, seeds, items, (seeds - 1) * (items - 1))
            assert half == pytest.approx(quantile(df) * variance**0.5, rel=1e-12)


@pytest.mark.parametrize(("seeds", "floor"), [(3, 0.92), (5, 0.94)])
@pytest.mark.parametrize("items", [20, 200])
def test_the_interval_covers(seeds: int, floor: float, items: int) -> None:
    """40,000 draws in each of 35 settings: a standard error is 0.0012, and the least of them is above the floor."""
    least, most, place = coverage.worst(seeds, items, 40_000)
    assert least >= floor, (least, place)
    assert most <= 0.99
