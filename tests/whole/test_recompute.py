"""The independent script finds every number of the page again, and notices whatever is not right."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from midspec.report.estimates import combined, quantile
from tests.whole import coverage, recompute, studies

Run = tuple[Path, str, float]
PARTS = ("formulas", "recompute", "raw", "printed", "coverage")


def test_it_shares_nothing_with_what_it_checks() -> None:
    for name in PARTS:
        tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
        taken = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        taken |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not any(module.split(".")[0] in ("midspec", "scipy.stats", "importlib") for module in taken), taken


def test_every_number_of_the_tiny_page(tiny_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert recompute.main(tiny_run[0]) == 0
    assert "245 scores from answers, 245 rows, 32 means, 8 contrasts: all equal" in capsys.readouterr().out


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
