"""Grades, calibrations and rows of a report → its tables of graders, cells and reasons, again: docs/method.md.

Knows nothing of midspec, and shares no code with it.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.whole import formulas, melded, printed

Row = dict[str, Any]
Table = list[list[str]]
ASKED = ("decided", "carried_out", "refused", "incoherent", "aware")
NAMES = {"Rollout": "rollout", "Borrowed": "borrowed"}
SIDES = {"misaligned": "for", "aligned": "against", "apart": "apart"}
CLOSE = 1e-9


def near(ours: Any, theirs: Any) -> bool:
    """Whether numbers, or lists and dictionaries of them, are the same to nine digits."""
    if ours is None or theirs is None or isinstance(ours, str):
        return ours == theirs
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(near(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(near(a, b) for a, b in zip(ours, theirs, strict=True))
    return abs(float(ours) - float(theirs)) <= CLOSE * max(1.0, abs(float(ours)))


def known_of(report: Row, arms: list[str], evaluation: str, reading: str) -> Row | None:
    """The counts of the errors of who graded these arms; None where none or several are told of any of them."""
    fields = ("hits", "misses", "alarms", "rejections")
    lines = [g for g in report["graders"] if (g["eval"], g["reading"]) == (evaluation, reading)]
    found = [{tuple(line[field] for field in fields) for line in lines if arm in line["arms"]} for arm in arms]
    every = set[Any]().union(*found)
    same = len(every) == 1 and all(found)
    return dict(zip(fields, every.pop(), strict=True)) if same else None


def item_of(meta: Row) -> str:
    return "/".join(str(meta[n]) for n in ("scenario", "pressure", "goal") if meta.get(n) not in (None, ""))


def verdict_rows(graded: Path, evaluation: str) -> list[Row]:
    """Rows of rows.jsonl, arm and seed aside, that one artifact of grades gives."""
    reasons = json.loads((graded / "manifest.json").read_text("utf-8"))["description"]["class"] == "ReadReasons"
    rows = []
    for line in (graded / "grades.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        for name, verdict in one["first"].items():
            if reasons or name in ASKED:
                value = None if verdict["value"] is None else float(verdict["value"])
                rows.append({"eval": evaluation, "item": item_of(one["meta"]), "domain": one["meta"]["scenario"],
                             "axis": "reasons" if reasons else "agentic", "reading": name, "value": value,
                             "draw": one["meta"].get("draw", 0)})  # fmt: skip
    return rows


def evaluation_of(graded: Path, places: dict[str, Path]) -> str:
    """The eval whose transcripts were graded, by the manifests on the way."""
    def fields(path: Path) -> Row:
        return json.loads((path / "manifest.json").read_text("utf-8"))["description"]["fields"]

    return NAMES[fields(places[fields(graded)["transcripts"]["recipe"]])["by"]["type"]]


def check_kept(report: Row, folder: Path, rows: list[Row]) -> list[str]:
    """What differs between rows.jsonl, graders and agreements of a report and the grades and calibrations kept."""
    places = {a["id"]: (folder / a["link"]).resolve() for a in report["artifacts"]}
    wanted, pairs, known = Counter[str](), defaultdict[Any, Counter[Any]](Counter), list[Row]()
    for arm in report["arms"]:
        for one in arm["chain"]:
            if (places[one] / "grades.jsonl").is_file():
                name = evaluation_of(places[one], places)
                for row in verdict_rows(places[one], name):
                    wanted[json.dumps({**row, "arm": arm["key"], "seed": arm["seed"]}, sort_keys=True)] += 1
                both(places[one], arm["key"], name, pairs)
            if (places[one] / "calibration.json").is_file() and not known:
                known = json.loads((places[one] / "calibration.json").read_text("utf-8"))["rows"]
    ours = [row for row in rows if row["reading"] in ASKED or row["axis"] == "reasons"]
    given = Counter(json.dumps(row, sort_keys=True) for row in ours)
    wrong = [f"rows.jsonl: no kept verdict is {row}" for row in given - wanted]
    wrong += [f"rows.jsonl lacks the verdict {row}" for row in wanted - given]
    told = {r["reading"]: r for r in known}
    for line in report["graders"]:
        wrong += [f"grader, {line['reading']}: {k} is {line[k]!r}, kept {v!r}"
                  for k, v in told.get(line["reading"], {}).items() if line[k] != v]  # fmt: skip
    wrong += [] if known or not report["graders"] else ["graders without a kept calibration"]
    for line in report["agreements"]:
        kept = pairs[line["arm"], line["eval"], line["reading"]]
        counts = [kept[True, True], kept[True, False], kept[False, True], kept[False, False]]
        if counts != line["counts"]:
            wrong.append(f"agreement of {line['arm']}, {line['reading']}: {line['counts']}, kept {counts}")
    return wrong


def both(graded: Path, arm: str, name: str, pairs: dict[Any, Counter[Any]]) -> None:
    """Counts the transcripts that two graders scored."""
    for line in (graded / "grades.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        for reading in ASKED if one["second"] else ():
            verdicts = one["first"][reading]["value"], one["second"][reading]["value"]
            if None not in verdicts:
                pairs[arm, name, reading][verdicts] += 1


def behind_means(report: Row, means: dict[tuple[str, ...], Row]) -> dict[tuple[str, ...], Row | None]:
    """Corrected rates of all means."""
    found: dict[tuple[str, ...], Row | None] = {}
    for key, mean in means.items():
        known = known_of(report, [key[0]], key[1], key[3])
        found[key] = None
        if known is not None and mean["value"] is not None and mean["trials"] is not None:
            trials = float(mean["trials"])
            found[key] = melded.rate(float(formulas.real(mean["value"])) * trials, trials, known)
    return found


def behind_contrasts(report: Row, contrasts: list[Row]) -> list[Row | None]:
    found: list[Row | None] = []
    for line, numbers in zip(report["contrasts"], contrasts, strict=True):
        arms = [arm for arm, weight in line["weights"].items() if weight]
        known = known_of(report, arms, line["eval"], line["reading"])
        cancel = abs(sum(line["weights"].values())) <= 1e-9
        if known is None or numbers["value"] is None or not numbers["se"] or numbers["df"] is None or not cancel:
            found.append(None)
        else:
            found.append(melded.difference(*(float(formulas.real(numbers[k])) for k in ("value", "se", "df")), known))
    return found


def cells_again(report: Row, rows: list[Row]) -> list[Row]:
    """One per eval, situation and arm, in the order of the rows."""
    draws: dict[tuple[str, str, str], list[float | None]] = defaultdict(list)
    for row in rows:
        if row["reading"] == "decided":
            draws[row["eval"], row["item"], row["arm"]].append(row["value"])
    return [{"arm": arm, "eval": name, "reading": "decided", "item": item,
             **melded.cell(values, known_of(report, [arm], name, "decided"))}
            for (name, item, arm), values in draws.items()]  # fmt: skip


def check_numbers(report: Row, rows: list[Row], means: dict[tuple[str, ...], Row], contrasts: list[Row]) -> list[str]:
    """What differs between report.json and recomputed corrections, cells, errors and agreements."""
    wrong, behind = [], behind_means(report, means)
    for mean in report["means"]:
        key = (mean["arm"], mean["eval"], mean["axis"], mean["reading"])
        if not near(behind.get(key), mean["corrected"]):
            wrong.append(f"{' / '.join(key)}: corrected is {mean['corrected']!r}, recomputed {behind.get(key)!r}")
    for line, found in zip(report["contrasts"], behind_contrasts(report, contrasts), strict=True):
        if not near(found, line["corrected"]):
            wrong.append(f"{line['name']}, {line['reading']}: corrected is {line['corrected']!r}, recomputed {found!r}")
    ours = {(c["eval"], c["item"], c["arm"]): c for c in cells_again(report, rows)}
    told = {(c["eval"], c["item"], c["arm"]): c for c in report["cells"]}
    wrong += [f"cell {key}: {told.get(key)!r}, recomputed {ours.get(key)!r}"
              for key in sorted(ours.keys() | told.keys())
              if key not in ours or key not in told or not near(ours[key], told[key])]  # fmt: skip
    for line in report["graders"]:
        found = melded.errors(line)
        wrong += [f"grader, {line['reading']}: {k} is {line[k]!r}, recomputed {v!r}"
                  for k, v in found.items() if not near(v, line[k])]  # fmt: skip
    for line in report["agreements"]:
        found = melded.agreement(line["counts"])
        wrong += [f"agreement of {line['arm']}, {line['reading']}: {k} is {line[k]!r}, recomputed {v!r}"
                  for k, v in found.items() if not near(v, line[k])]  # fmt: skip
    return wrong


def lines_of(report: Row, rows: list[Row], means: dict[tuple[str, ...], Row], contrasts: list[Row]) -> list[list[Any]]:
    """Every line that the page's tables must have: texts, numbers, and (low, high) pairs, cell by cell."""
    lines: list[list[Any]] = []
    for cell in cells_again(report, rows):
        fixed = cell["corrected"]
        lines.append([cell["arm"], cell["item"], f"{cell['yes']} of {cell['scored']}", cell["interval"] or (None, None),
                      fixed["value"] if fixed else None, (fixed["low"], fixed["high"]) if fixed else None,
                      str(cell["unscored"]), tuple(cell["bounds"]) if cell["unscored"] else ""])  # fmt: skip
    for line in report["graders"]:
        found = melded.errors(line)
        right = (line["hits"], line["misses"], found["sensitivity"])
        left = (line["rejections"], line["alarms"], found["specificity"])
        parts = ["none" if share is None else (f"{a} of {a + b}", share[1:]) for a, b, share in (right, left)]
        lines.append([line["grader"], line["reading"], *parts, str(line["unscored_yes"] + line["unscored_no"])])
    for key, fixed in behind_means(report, means).items():
        if fixed is not None:
            mean = means[key]
            lines.append([key[0], key[3], mean["value"], (mean["low"], mean["high"]), fixed["value"],
                          (fixed["low"], fixed["high"])])  # fmt: skip
    for line, numbers, fixed in zip(report["contrasts"], contrasts, behind_contrasts(report, contrasts), strict=True):
        if fixed is not None:
            lines.append([line["name"], line["reading"], numbers["value"], (numbers["low"], numbers["high"]),
                          fixed["value"], (fixed["low"], fixed["high"])])  # fmt: skip
    for line in report["agreements"]:
        found = melded.agreement(line["counts"])
        lines.append([line["arm"], line["reading"], str(found["both"]), str(found["same"]), found["kappa"][0],
                      found["kappa"][1:], found["ac1"][0], found["ac1"][1:]])  # fmt: skip
    arms = list(dict.fromkeys(arm["key"] for arm in report["arms"]))
    for motive in report["motives"]:
        shares = [means.get((arm, motive["eval"], motive["axis"], motive["reading"]))
                  for arm in arms if arm in motive["arms"]]  # fmt: skip
        shown = [("share", mean) for mean in shares if mean is not None]
        lines.append([motive["title"], SIDES[motive["side"]], *shown])
    return lines


def same(text: str, value: Any) -> bool:
    """Whether a printed cell says this."""
    text = " ".join(text.split())
    if isinstance(value, str):
        return text == " ".join(value.split())
    if isinstance(value, tuple | list) and len(value) == 2 and value[0] == "share":
        mean = value[1]
        found = re.fullmatch(r"(\S+) \(([^)]*)\)(?: \[([^]]*)\])?", text)
        bounds = mean["bounds"]
        return found is not None and printed.agrees(found[1], mean["value"]) and printed.spans(
            found[2], mean["low"], mean["high"]) and (bounds is None) == (found[3] is None) and (
            bounds is None or printed.spans(found[3], *bounds))  # fmt: skip
    if isinstance(value, tuple) and isinstance(value[0], str):
        found = re.fullmatch(r"(.*) \((.*)\)", text)
        return found is not None and found[1] == value[0] and printed.spans(found[2], *value[1])
    if isinstance(value, tuple | list):
        return printed.spans(text, *value)
    return printed.agrees(text, value)


HEADS = (["arm", "cell", "decided"], ["grader", "reading", "labelled yes"], ["arm", "reading", "seen"],
         ["contrast", "reading", "seen"], ["arm", "reading", "graded twice"], ["reason", "argues"])  # fmt: skip


def check_page(name: str, tables: list[Table], lines: list[list[Any]]) -> list[str]:
    """Lines of a page's tables about graders that are not recomputed, and recomputed ones that it lacks."""
    wrong, left = [], list(lines)
    for table in tables:
        head = [cell.strip().lower() for cell in table[0]]
        for cells in table[1:] if any(head[: len(known)] == known for known in HEADS) else ():
            at = next((n for n, line in enumerate(left) if len(line) == len(cells)
                       and all(map(same, cells, line))), None)  # fmt: skip
            if at is None:
                wrong.append(f"{name} shows {' | '.join(c.strip() for c in cells)}: not recomputed")
            else:
                left.pop(at)
    return wrong + [f"{name} lacks {line}" for line in left]
