"""Rows that a report keeps → every number on its page again, and what differs.

Imports nothing of midspec: it knows files and docs/method.md ("From answers to numbers").

    python -m tests.whole.recompute STORE_OR_REPORT_FOLDER [--allow-unknown]

Exit code 1: something differs, or an eval is of a kind that is not written down here (unless that is allowed).
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.whole import formulas, grading, printed, raw, tables

Row = dict[str, Any]
CLOSE = 1e-12
# Where sums cancel, a float keeps the last digits of what was added, not of what is left.
SUMS, LAST = ("value", "low", "high", "bounds", "by_seed"), 1e-14


class Grid:
    """Scores of one arm in one measure, by seed, item and draw."""

    def __init__(self) -> None:
        self.draws: dict[tuple[int | None, str], list[float | None]] = defaultdict(list)

    def seeds(self) -> list[int | None]:
        return sorted({s for s, _ in self.draws}, key=lambda s: (s is None, s or 0))

    def items(self) -> list[str]:
        return list(dict.fromkeys(i for _, i in self.draws))

    def cell(self, seed: int | None, item: str) -> tuple[Fraction | None, Fraction]:
        """(mean of the readable draws, share of unreadable ones)."""
        draws = self.draws.get((seed, item), [None])
        readable = [Fraction(d) for d in draws if d is not None]
        mean = sum(readable) / Fraction(len(readable)) if readable else None
        return mean, Fraction(len(draws) - len(readable), len(draws))

    def table(self, seeds: list[int | None], items: list[str]) -> tuple[formulas.Cells, list[list[Fraction]]]:
        pairs = [[self.cell(s, i) for i in items] for s in seeds]
        return [[v for v, _ in row] for row in pairs], [[u for _, u in row] for row in pairs]


def grids(rows: list[Row]) -> dict[tuple[str, str, str, str], Grid]:
    found: dict[tuple[str, str, str, str], Grid] = defaultdict(Grid)
    for row in rows:
        found[row["arm"], row["eval"], row["axis"], row["reading"]].draws[row["seed"], row["item"]].append(row["value"])
    return found


def limits_of(report: Row, evaluation: str, axis: str, reading: str) -> tuple[Fraction, Fraction] | None:
    for known in report["readings"]:
        if (known["eval"], known["axis"], known["name"]) == (evaluation, axis, reading):
            low, high = known["low"], known["high"]
            return None if low is None or high is None else (Fraction(low), Fraction(high))
    raise ValueError(f"report.json does not explain {reading} of {evaluation} on {axis}")


def is_rate(limits: tuple[Fraction, Fraction] | None, values: list[Fraction]) -> bool:
    """Draws of zeros and ones, known to be nothing else."""
    return limits == (0, 1) and all(v in (0, 1) for v in values)


def clipped(found: formulas.Numbers, limits: tuple[Any, Any] | None) -> formulas.Numbers:
    if limits is None or found["low"] is None:
        return found
    low, high = map(formulas.real, limits)
    return found | {"low": max(found["low"], low), "high": min(found["high"], high)}


def draws_of(arms: list[Grid]) -> list[Fraction]:
    return [Fraction(d) for arm in arms for draws in arm.draws.values() for d in draws if d is not None]


def mean_of(grid: Grid, limits: tuple[Fraction, Fraction] | None) -> formulas.Numbers:
    seeds, items = grid.seeds(), grid.items()
    table, unread = grid.table(seeds, items)
    found = formulas.rate(table) if is_rate(limits, draws_of([grid])) else formulas.student(table)
    draws = [d for cell in grid.draws.values() for d in cell]
    bounds = formulas.between(table, unread, limits) if limits and any(map(any, unread)) else None
    extra = {"bounds": bounds, "rows": len(draws), "unreadable": sum(d is None for d in draws)}
    by_seed = [{"seed": s, "value": formulas.student([row])["value"]} for s, row in zip(seeds, table, strict=True)]
    return clipped(found, limits) | formulas.counts(table) | extra | {"by_seed": by_seed}


def aligned(arms: list[Grid]) -> list[tuple[formulas.Cells, list[list[Fraction]]]]:
    """Tables over the seeds that all arms have and the items that any has; an arm without seeds is repeated."""
    seeded = [arm.seeds() for arm in arms if arm.seeds() != [None]]
    seeds = [s for s in seeded[0] if all(s in other for other in seeded)] if seeded else [None]
    items = list(dict.fromkeys(i for arm in arms for i in arm.items()))
    return [arm.table([None] * len(seeds) if arm.seeds() == [None] else seeds, items) for arm in arms]


def contrast_of(arms: list[Grid], weights: list[float], limits: tuple[Fraction, Fraction] | None) -> formulas.Numbers:
    parts, shares = aligned(arms), [Fraction(w) for w in weights]
    tables = [table for table, _ in parts]
    own = [t[:1] if arm.seeds() == [None] else t for arm, t in zip(arms, tables, strict=True)]  # copies are no trials
    shape = [range(len(tables[0])), range(len(tables[0][0]))]
    cells: formulas.Cells = [[None for _ in shape[1]] for _ in shape[0]]
    for s in shape[0]:
        for i in shape[1]:
            values = [table[s][i] for table in tables]
            if None not in values:
                cells[s][i] = sum(w * v for w, v in zip(shares, values, strict=True) if v is not None)
    found = formulas.student(cells)
    ends = None
    if limits:
        ends = (
            sum(w * limits[0 if w > 0 else 1] for w in shares),
            sum(w * limits[1 if w > 0 else 0] for w in shares),
        )
    if found["value"] is not None and found["low"] is None and is_rate(limits, draws_of(arms)):
        found |= square_and_add(found["value"], [formulas.rate(t) for t in own], shares)
    bounds = None
    if limits and any(any(map(any, unread)) for _, unread in parts):
        each = [formulas.between(table, unread, limits) for table, unread in parts]
        bounds = (
            sum(w * e[0 if w > 0 else 1] for w, e in zip(shares, each, strict=True)),
            sum(w * e[1 if w > 0 else 0] for w, e in zip(shares, each, strict=True)),
        )
    draws = [d for arm in arms for cell in arm.draws.values() for d in cell]
    share = Fraction(sum(d is None for d in draws), len(draws))
    return clipped(found, ends) | formulas.counts(cells) | {"bounds": bounds, "share_unreadable": share}


def square_and_add(value: Fraction, rates: list[formulas.Numbers], weights: list[Fraction]) -> formulas.Numbers:
    """Zou and Donner: squares of the distances of each arm's exact limits."""
    down = up = 0
    for found, w in zip(rates, weights, strict=True):
        share, weight = formulas.real(found["value"]), formulas.real(w)
        below, above = weight * (share - found["low"]), weight * (found["high"] - share)
        down += below**2 if w > 0 else above**2
        up += above**2 if w > 0 else below**2
    root = formulas.mpmath.sqrt
    return {"low": formulas.real(value) - root(down), "high": formulas.real(value) + root(up)}


def holm(chances: list[Any]) -> list[Any]:
    known = sorted((p, n) for n, p in enumerate(chances) if p is not None)
    found: list[Any] = [None] * len(chances)
    running: Any = 0
    for rank, (p, n) in enumerate(known):
        running = max(running, min(1, p * (len(known) - rank)))
        found[n] = running
    return found


def verdict(found: formulas.Numbers) -> str:
    if found["share_unreadable"] > Fraction(1, 5):
        return "withheld"
    if found["low"] is None:
        return "unknown"
    sure = found["p_holm"] is None or found["p_holm"] < 0.05
    if found["bounds"] and found["bounds"][0] <= 0 <= found["bounds"][1]:
        return "open"
    if sure and found["low"] > 0:
        return "above"
    return "below" if sure and found["high"] < 0 else "open"


def differs(ours: Any, theirs: Any, floor: float = 0.0) -> bool:
    """Whether numbers (or lists, dictionaries of them) are apart by more than 1e-12 of the larger, and ``floor``."""
    if ours is None or theirs is None or isinstance(theirs, str):
        return ours != theirs
    if isinstance(ours, dict):
        return ours.keys() != theirs.keys() or any(differs(ours[k], theirs[k], floor) for k in ours)
    if isinstance(ours, list | tuple):
        return len(ours) != len(theirs) or any(differs(a, b, floor) for a, b in zip(ours, theirs, strict=True))
    gap = abs(formulas.real(ours) - formulas.real(theirs))
    return not gap <= max(floor, CLOSE * max(abs(formulas.real(ours)), abs(theirs)))


def compare(name: str, ours: Row, theirs: Row, floor: float) -> list[str]:
    return [
        f"{name}: {key} is {theirs.get(key)!r}, recomputed {shown(value)}"
        for key, value in ours.items()
        if differs(value, theirs.get(key), floor if key in SUMS else 0.0)
    ]


def shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    return repr(value if value is None or isinstance(value, str | int | dict) else float(value))


def means_again(report: Row, rows: list[Row]) -> dict[tuple[str, ...], Row]:
    """(arm, eval, axis, reading) → its numbers, in the report's order where it names them."""
    found = grids(rows)
    told = [(m["arm"], m["eval"], m["axis"], m["reading"]) for m in report["means"]]
    hidden = [key for key in found if key not in told and only_checked(report, key[1:])]
    order = [key for key in told if key in found] + [key for key in found if key not in told and key not in hidden]
    return {key: mean_of(found[key], limits_of(report, *key[1:])) for key in order}


def only_checked(report: Row, measure: tuple[str, ...]) -> bool:
    """Whether a measure is there for a check alone, so that the page has no means of it."""
    if any((line["eval"], line["axis"], line["reading"]) == measure for line in report["contrasts"]):
        return False
    name, axis, reading = measure
    return any((c["eval"], c["reading"]) == (name, reading) and c["axis"] in (None, axis) for c in report["checks"])


def contrasts_again(report: Row, rows: list[Row]) -> list[Row]:
    """The numbers of each contrast that report.json names, with Holm's p and the verdict."""
    found, lines = grids(rows), report["contrasts"]
    ours: list[Row] = []
    for line in lines:
        measure = (line["eval"], line["axis"], line["reading"])
        weights = {arm: w for arm, w in line["weights"].items() if w}
        arms = [found[arm, *measure] for arm in weights]
        ours.append(contrast_of(arms, list(weights.values()), limits_of(report, *measure)))
    family = [n for n, line in enumerate(lines) if line["primary"]] or list(range(len(lines)))
    adjusted = dict(zip(family, holm([ours[n]["p"] for n in family]), strict=True))
    for n, numbers in enumerate(ours):
        numbers["p_holm"] = adjusted.get(n)
        numbers["verdict"] = verdict(numbers)
    return ours


def check_numbers(report: Row, rows: list[Row], means: dict[tuple[str, ...], Row], contrasts: list[Row]) -> list[str]:
    """What differs between report.json and the numbers of its rows; an empty list where all agree."""
    wrong, floors = [], defaultdict(float)
    for row in rows:
        measure = (row["eval"], row["axis"], row["reading"])
        floors[measure] = max(floors[measure], LAST * abs(row["value"] or 0))
    told = {(m["arm"], m["eval"], m["axis"], m["reading"]): m for m in report["means"]}
    if told.keys() != means.keys() or len(told) != len(report["means"]):
        wrong.append(f"report.json has means of other things than its rows: {sorted(told.keys() ^ means.keys())}")
    for key in told.keys() & means.keys():
        wrong += compare(" / ".join(key), means[key], told[key], floors[key[1:]])
    for line, numbers in zip(report["contrasts"], contrasts, strict=True):
        measure = (line["eval"], line["axis"], line["reading"])
        wrong += compare(" / ".join((line["name"], *measure)), numbers, line, floors[measure])
    return wrong


def check_tables(report: Row, checks: list[Row], reader: list[Row]) -> list[str]:
    """What differs between report.json and recomputed checks and reader's errors."""
    wrong = []
    for part, ours in (("checks", checks), ("reader", reader)):
        if len(ours) != len(report[part]):
            wrong.append(f"report.json has {len(report[part])} lines of {part}, recomputed {len(ours)}")
        for found, line in zip(ours, report[part], strict=False):
            name = f"{part}: {line.get('words') or line['arm']}"
            floor = LAST * max((abs(float(v["value"] or 0)) for v in found.get("values", ())), default=0)
            for key, value in found.items():
                if differs(value, line[key], floor):
                    wrong.append(f"{name}: {key} is {line[key]!r}, recomputed {value!r}")
    return wrong


def check_sentences(report: Row, contrasts: list[Row]) -> list[str]:
    """Sentences of the answer whose numbers are not the contrast's."""
    primary = [found for line, found in zip(report["contrasts"], contrasts, strict=True) if line["primary"]]
    number = r"([+\N{MINUS SIGN}]?[\d.]*\d)"
    form = re.compile(rf": {number}; 95 % interval {number} to {number}; p (under [\d.]+|[\d.]*\d) after Holm")
    wrong = []
    for text, found in zip(report["sentences"], primary, strict=True):
        said = form.search(text)
        values = (found["value"], found["low"], found["high"], found["p_holm"])
        if said and not all(printed.agrees(part, value) for part, value in zip(said.groups(), values, strict=True)):
            wrong.append(f"the page says {text!r}")
    return wrong


PAGES = (("report.html", lambda page: printed.Tables(page).found), ("report.md", printed.markdown))


def check(folder: Path, kept: bool = True) -> tuple[list[str], str, set[str]]:
    """(what differs between a report folder and its raw rows, what was recomputed in words, what is not known here)."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    rows = raw.lines_of(folder / "rows.jsonl")
    means, contrasts = means_again(report, rows), contrasts_again(report, rows)
    wrong = check_numbers(report, rows, means, contrasts) + check_sentences(report, contrasts)
    lines = list(zip(report["contrasts"], contrasts, strict=True))
    checks, reader = [tables.check_of(c, rows) for c in report["checks"]], tables.reader_of(report["labelled"])
    wrong += check_tables(report, checks, reader) + grading.check_numbers(report, rows, means, contrasts)
    apart = {(m["eval"], m["axis"], m["reading"]) for m in report["motives"]}
    plain = {key: mean for key, mean in means.items() if key[1:] not in apart}
    graded = grading.lines_of(report, rows, means, contrasts)
    for name, read in PAGES:
        shown = read((folder / name).read_text(encoding="utf-8"))
        wrong += printed.check_page(name, shown, plain, lines) + tables.check_page(name, shown, report, checks, reader)
        wrong += grading.check_page(name, shown, graded)
    words = f"{len(rows)} rows, {len(means)} means, {len(contrasts)} contrasts, {len(checks)} checks"
    words += f", {len(graded)} lines of graders" if graded else ""
    if not kept:
        return wrong, words, set()
    found, scores, unknown = raw.check_rows(report, folder, rows)
    wrong += found + tables.labels_again(report, raw.readers(report, folder)) + grading.check_kept(report, folder, rows)
    return wrong, f"{scores} scores from answers, {words}", unknown


def main(place: Path, allow_unknown: bool = False) -> int:
    folders = [place] if (place / "report.json").is_file() else sorted((place / "reports").glob("*/"))
    if not folders:
        print(f"no report in {place}: name a report's folder, or a store that has reports/")
        return 2
    bad = 0
    for folder in folders:
        wrong, words, unknown = check(folder)
        bad += bool(wrong or (unknown and not allow_unknown))
        print(f"{folder}: {words}: {f'{len(wrong)} differ' if wrong else 'all equal'}")
        for line in (*wrong, *(f"not read again: {what}" for what in sorted(unknown))):
            print(f"  {line}")
    return int(bad > 0)


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--allow-unknown"]
    sys.exit(main(Path(given[0]), "--allow-unknown" in sys.argv))
