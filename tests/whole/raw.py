"""Kept responses → scores → rows of a report, again. Imports nothing of midspec, knows docs/method.md."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.whole import readings

Row = dict[str, Any]


def lines_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


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


def manifest_of(folder: Path) -> Row:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def check_scores(graded: Path, asked: Path) -> tuple[list[str], int, set[str]]:
    """(what differs between kept scores and their responses, scores that were recomputed, what is not known here)."""
    by = manifest_of(graded)["description"]["fields"]["by"]
    kind, fields, kept = by["type"], plain(by), lines_of(graded / "scores.jsonl")
    rows = lines_of(asked / "responses.jsonl")
    responses = {(r["item"], r["draw"]): r for r in rows}
    requests = {i: [r["meta"].get("question", "") for r in rows if r["item"] == i] for i in {r["item"] for r in rows}}
    wrong, done, unknown = sealed(graded) + sealed(asked), 0, set()
    for score in kept:
        name = f"{graded.name}: {score['item']} / {score['reading']} / draw {score['draw']}"
        answer = responses.get((score["item"], score["draw"]))
        if answer is None:
            wrong.append(f"{name}: nobody was asked this")
            continue
        try:
            value = readings.score(answer, kind, fields, score, requests[score["item"]])
        except (KeyError, ValueError) as error:
            unknown.add(f"{kind}, {score['reading']} ({error})")
            continue
        done += 1
        if (value is None) != (score["value"] is None) or (
            value is not None and abs(value - score["value"]) > 1e-12 * max(1, abs(value))
        ):
            wrong.append(f"{name}: kept {score['value']!r}, recomputed {value!r}")
    return wrong + uneven(graded.name, kind, fields, responses, kept), done, unknown


def uneven(name: str, kind: str, fields: Row, responses: dict[tuple[str, int], Row], kept: list[Row]) -> list[str]:
    """Responses without one score in each reading."""
    names = readings.expected(kind, fields) or {s["reading"] for s in kept}
    scored = Counter((s["item"], s["draw"], s["reading"]) for s in kept)
    wanted = Counter((*at, reading) for at in responses for reading in names)
    return [f"{name}: {at} was answered and not scored" for at in wanted - scored] + [
        f"{name}: {at} was scored and not asked for, or twice" for at in scored - wanted
    ]


def learned(model: str, places: dict[str, Path]) -> Row | None:
    """The manifest of the chats that a model learned last; None for a model that learned none."""
    while model in places:
        fields = manifest_of(places[model])["description"]["fields"]
        on = (fields.get("on") or {}).get("recipe")
        made = manifest_of(places[on]) if on in places else {"outputs": {}}
        if "chats.jsonl" in made["outputs"]:
            return made
        model = (fields.get("start") or {}).get("recipe", "")
    return None


def facts(report: Row, arm: Row, model: str, places: dict[str, Path]) -> list[Row]:
    """Rows that a check of the manifest's numbers needs of one arm."""
    asked = sorted(
        {c["reading"] for c in report["checks"] if c["eval"] == "manifest" and arm["key"] in (*c["arms"], c["above"])}
    )
    chats = learned(model, places) if asked else None
    if chats is None:
        return []
    same = {"item": chats["label"], "axis": "", "domain": "", "draw": 0}
    return [{**same, "reading": fact, "value": chats["facts"].get(fact)} for fact in asked]


NAMES = {"Choice": "choice", "Answers": "answers", "Spoken": "spoken", "Named": "named",
         "DocumentLoss": "document_loss", "Rollout": "rollout", "Borrowed": "borrowed"}  # fmt: skip
VERDICTS = ("decided", "carried_out", "refused", "incoherent", "aware")


def check_rows(report: Row, folder: Path, rows: list[Row]) -> tuple[list[str], int, set[str]]:
    """(what differs between rows.jsonl and the kept answers, scores recomputed, what is not known here)."""
    places = {a["id"]: (folder / a["link"]).resolve() for a in report["artifacts"]}
    wrong, done, unknown, seen, expected = [], 0, set(), set(), Counter()
    for arm in report["arms"]:
        models = set()
        for one in arm["chain"]:
            graded = places[one]
            manifest = manifest_of(graded)
            if "scores.jsonl" not in manifest["outputs"]:
                continue
            fields = manifest["description"]["fields"]
            asked = places[fields["responses"]["recipe"]]
            models.add(manifest_of(asked)["description"]["fields"]["model"]["recipe"])
            if one not in seen:
                seen.add(one)
                found, count, strange = check_scores(graded, asked)
                wrong, done, unknown = wrong + found, done + count, unknown | strange
            name = NAMES.get(fields["by"]["type"], "?")
            for score in lines_of(graded / "scores.jsonl"):
                expected[name, arm["key"], arm["seed"], *sorted(score.items())] += 1
        for model in models:
            for row in facts(report, arm, model, places):
                expected["manifest", arm["key"], arm["seed"], *sorted(row.items())] += 1
    given = Counter(
        (
            r["eval"] if r["eval"] in (*NAMES.values(), "manifest") else "?",
            *(r["arm"], r["seed"]),
            *sorted((k, v) for k, v in r.items() if k not in ("arm", "seed", "eval")),
        )
        for r in rows
        if r["reading"] not in VERDICTS and r["axis"] != "reasons"  # those are read in grading.py
    )
    wrong += [f"rows.jsonl: no kept score is {row}" for row in given - expected]
    return wrong + [f"rows.jsonl lacks {row}" for row in expected - given], done, unknown


def readers(report: Row, folder: Path) -> list[tuple[Row, str]]:
    """Each reader of reasons with what its answers began with, from the manifests of the scores."""
    found = []
    for artifact in report["artifacts"]:
        path = (folder / artifact["link"]).resolve() / "manifest.json"
        by = json.loads(path.read_text(encoding="utf-8"))["description"]["fields"].get("by") or {}
        if by.get("type") == "Answers" and by["fields"]["reader"]:
            fields = plain(by)
            if (fields["reader"], fields["begin"]) not in found:
                found.append((fields["reader"], fields["begin"]))
    return found
