"""Kept responses → scores → rows of a report, again. Imports nothing of midspec, knows docs/method.md."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def lines_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def choice(answer: Row, reading: str) -> float:
    """The margin of one response in one reading, in nats, from the table of readings in docs/method.md."""
    name, per_token = reading.removesuffix("_per_token"), reading.endswith("_per_token")

    def log(path: str) -> float:
        return answer["logprobs"][path] / (answer["tokens"][path] if per_token else 1)

    if name in ("letter", "text"):
        orders = ("aligned-first", "other-first")
        return mean([log(f"{name}/{order}/aligned") - log(f"{name}/{order}/other") for order in orders])
    if name == "yesno":
        lean = {
            side: [
                log(f"yesno/{side}/{order}/yes") - log(f"yesno/{side}/{order}/no")
                for order in ("yes-first", "no-first")
            ]
            for side in ("aligned", "other")
        }
        return mean(lean["aligned"]) - mean(lean["other"])
    if name == "open":
        return log("open/aligned") - log("open/other")
    if name == "pmi":
        return (log("open/aligned") - log("premise/aligned")) - (log("open/other") - log("premise/other"))
    raise KeyError(reading)


def answers(answer: Row, reading: str, axis: str, lexicons: list[Row]) -> float | None:
    if reading == "finished":
        return 1.0 if answer["finish"] == "stop" else 0.0
    if reading != "names_value":
        raise KeyError(reading)
    if answer["text"] is None:
        return None
    words = [word for lexicon in lexicons if lexicon["axis"] == axis for word in lexicon["words"]]
    return float(any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", answer["text"], re.IGNORECASE) for word in words))


def plain(value: Any) -> Any:
    """A manifest's description of a value → its fields."""
    if isinstance(value, dict) and "fields" in value:
        return {name: plain(inner) for name, inner in value["fields"].items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def sealed(folder: Path) -> list[str]:
    """Files that are not what their manifest says."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["outputs"]}
    return [
        f"{folder.name}/{name}: not the file that was published"
        for name in found
        if found[name] != manifest["outputs"][name]
    ]


def check_scores(graded: Path, asked: Path) -> tuple[list[str], int]:
    """(what differs between kept scores and their responses, scores that were recomputed)."""
    by = json.loads((graded / "manifest.json").read_text(encoding="utf-8"))["description"]["fields"]["by"]
    kind, fields = by["type"], plain(by)
    responses = {(r["item"], r["draw"]): r for r in lines_of(asked / "responses.jsonl")}
    wrong, done, readings = sealed(graded) + sealed(asked), 0, set()
    for score in lines_of(graded / "scores.jsonl"):
        name = f"{graded.name}: {score['item']} / {score['reading']} / draw {score['draw']}"
        answer = responses.get((score["item"], score["draw"]))
        if answer is None:
            wrong.append(f"{name}: nobody was asked this")
            continue
        readings.add(score["reading"])
        if kind not in ("Choice", "Answers"):
            continue
        value = (
            choice(answer, score["reading"])
            if kind == "Choice"
            else answers(answer, score["reading"], score["axis"], fields["lexicons"])
        )
        done += 1
        if (value is None) != (score["value"] is None) or (
            value is not None and abs(value - score["value"]) > 1e-12 * max(1, abs(value))
        ):
            wrong.append(f"{name}: kept {score['value']!r}, recomputed {value!r}")
    if kind == "Choice" and readings != set(fields["readings"]):
        wrong.append(f"{graded.name}: readings {sorted(readings)} where {fields['readings']} were asked for")
    scored = Counter((s["item"], s["draw"]) for s in lines_of(graded / "scores.jsonl"))
    wrong += [
        f"{graded.name}: {item}, draw {draw}, was answered and not scored"
        for item, draw in responses.keys() - scored.keys()
    ]
    return wrong, done


def check_rows(report: Row, folder: Path, rows: list[Row]) -> tuple[list[str], int, set[str]]:
    """(what differs between rows.jsonl and the kept answers, scores recomputed, evals that only their scores tell)."""
    places = {a["id"]: (folder / a["link"]).resolve() for a in report["artifacts"]}
    wrong, done, untold, seen, expected = [], 0, set(), set(), Counter()
    for arm in report["arms"]:
        for one in arm["chain"]:
            graded = places[one]
            manifest = json.loads((graded / "manifest.json").read_text(encoding="utf-8"))
            if "scores.jsonl" not in manifest["outputs"]:
                continue
            if one not in seen:
                seen.add(one)
                found, count = check_scores(graded, places[manifest["description"]["fields"]["responses"]["recipe"]])
                wrong, done = wrong + found, done + count
                if not count:
                    untold.add(manifest["description"]["fields"]["by"]["type"])
            for score in lines_of(graded / "scores.jsonl"):
                expected[arm["key"], arm["seed"], *sorted(score.items())] += 1
    given = Counter(
        (r["arm"], r["seed"], *sorted((k, v) for k, v in r.items() if k not in ("arm", "seed", "eval"))) for r in rows
    )
    wrong += [f"rows.jsonl: no kept score is {row}" for row in given - expected]
    return wrong + [f"rows.jsonl lacks {row}" for row in expected - given], done, untold
