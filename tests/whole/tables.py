"""Rows and labelled answers of a report → its tables of checks and of the reader's errors, again: docs/method.md.

Knows nothing of midspec, and shares no code with it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction
from typing import Any

from tests.whole import formulas, printed, readings

Row = dict[str, Any]
Table = list[list[str]]
FORGIVEN = Fraction(1, 10**9)


def value_of(check: Row, arm: str, rows: list[Row]) -> Row:
    here = [
        r
        for r in rows
        if (r["arm"], r["eval"], r["reading"]) == (arm, check["eval"], check["reading"])
        and (check["axis"] is None or r["axis"] == check["axis"])
    ]
    cells: dict[Any, list[Fraction]] = defaultdict(list)
    for row in here:
        if row["value"] is not None:
            cells[row["seed"], row["axis"], row["item"]].append(Fraction(row["value"]))
    means = [sum(draws) / Fraction(len(draws)) for draws in cells.values()]
    counted = [Fraction(mean > 0) for mean in means] if check["share"] else means
    value = sum(counted) / Fraction(len(counted)) if counted else None
    return {"arm": arm, "value": value, "rows": len(here), "unreadable": sum(r["value"] is None for r in here)}


def check_of(check: Row, rows: list[Row]) -> Row:
    """The numbers of one check of report.json, from rows."""
    least = None if check["at_least"] is None else Fraction(check["at_least"])
    limit, comparable = least, True
    if check["above"] is not None and least is not None:
        base = value_of(check, check["above"], rows)
        limit = None if base["value"] is None else least + base["value"]
        comparable = limit is not None and 5 * base["unreadable"] <= base["rows"]
    values = [value_of(check, arm, rows) for arm in check["arms"]]
    for one in values:
        readable = one["value"] is not None and 5 * one["unreadable"] <= one["rows"]
        one["passed"] = readable and comparable and (limit is None or one["value"] + FORGIVEN >= limit)
    known = [one["value"] for one in values if one["value"] is not None]
    spread = max(known) - min(known) if known else None
    even = check["equal"] is None or (spread is not None and spread <= Fraction(check["equal"]) + FORGIVEN)
    passed = even and bool(values) and all(one["passed"] for one in values)
    return {"values": values, "limit": limit, "spread": spread, "passed": passed}


def reader_of(labelled: list[Row]) -> list[Row]:
    """One line per arm in the order of the answers, then one over all where there are several arms."""
    by_arm: dict[str, list[Row]] = defaultdict(list)
    for row in labelled:
        by_arm[row["arm"]].append(row)
    if len(by_arm) > 1:
        by_arm["all arms"] = labelled
    return [reader_line(arm, rows) for arm, rows in by_arm.items()]


def reader_line(arm: str, rows: list[Row]) -> Row:
    def count(*pairs: tuple[bool, bool]) -> int:
        return sum((r["label"] == "own", r["found"] == "own") in pairs for r in rows)

    agree = sum(r["label"] == r["found"] for r in rows)
    named, false = count((True, True), (True, False)), count((False, True))
    return {
        "arm": arm, "labelled": len(rows), "agree": agree, "agree_interval": formulas.exact(agree, len(rows)),
        "named": named, "found": count((True, True)), "unnamed": len(rows) - named, "false": false,
    }  # fmt: skip


def labels_again(report: Row, readers: list[tuple[Row, str]]) -> list[str]:
    """Labelled answers in which no reader of the kept scores finds what the report says."""
    return [
        f"labelled answer {row['answer']!r}: the reader is said to find {row['found']!r}"
        for row in report["labelled"]
        if row["found"] not in {readings.reason(row["answer"], row["axis"], reader, begin) for reader, begin in readers}
    ]


def plain(text: str) -> str:
    return " ".join(text.split())


def check_cells(cells: Row, one: Row, found: Row) -> bool:
    return (
        plain(cells["arm"]) == plain(one["arm"])
        and printed.agrees(cells["value"], one["value"])
        and printed.agrees(cells["at least"], found["limit"])
        and cells["unreadable"].strip() == f"{one['unreadable']} of {one['rows']}"
        and cells["passes"].strip() == ("yes" if one["passed"] else "no")
    )


def flattened(table: Table) -> list[Row]:
    """Rows of a table of checks by head; the line that names a check (report.html) goes into each of its rows."""
    head, named, found = [cell.strip().lower() for cell in table[0]], "", []
    for cells in table[1:]:
        if len(cells) == 1:
            named = plain(cells[0])
        else:
            row = dict(zip(head, cells, strict=True))
            if named:
                within = re.search(r"they are within (\S+)", named)
                row |= {
                    "what must hold": named,
                    "check": named.rpartition(" ")[2],
                    "apart by": within[1] if within else "",
                }
            found.append(row)
    return found


def check_page(name: str, tables: list[Table], report: Row, checks: list[Row], reader: list[Row]) -> list[str]:
    """What a page shows of checks and readers that was not recomputed, and what it lacks."""
    shown: dict[str, list[Row]] = {"what must hold": [], "same label": []}
    for table in tables:
        head = [cell.strip().lower() for cell in table[0]]
        for word, rows in shown.items():
            if word in head:
                rows += flattened(table)
    wrong = []
    both = zip(report["checks"], checks, strict=True)
    lines = [(line, found, one) for line, found in both for one in found["values"]]
    checked, read = shown["what must hold"], shown["same label"]
    if len(lines) != len(checked) or len(reader) != len(read):
        wrong.append(f"{name} has {len(checked)} rows of checks and {len(read)} of readers")
    for (line, found, one), cells in zip(lines, checked, strict=False):
        apart = cells["apart by"].partition(" of ")[0]
        fine = printed.agrees(apart, found["spread"]) if line["equal"] is not None else not apart
        verdict = "holds" if found["passed"] else "FAILS"
        begins = plain(cells["what must hold"]).startswith(plain(line["words"])[:150])
        if not (fine and begins and cells["check"].strip() == verdict and check_cells(cells, one, found)):
            wrong.append(f"{name} shows {cells}: not recomputed")
    for one, cells in zip(reader, read, strict=False):
        counts = (cells["labelled"], cells["same label"], cells["found"], cells["false"])
        found, false = f"{one['found']} of {one['named']}", f"{one['false']} of {one['unnamed']}"
        ours = (one["labelled"], one["agree"], found, false)
        same = [plain(c) for c in counts] == list(map(str, ours)) and plain(cells["arm"]) == plain(one["arm"])
        if not (same and printed.spans(cells["95 % interval"], *one["agree_interval"])):
            wrong.append(f"{name} shows {cells}: not recomputed")
    return wrong
