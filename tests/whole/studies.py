"""A number → a study with everything that makes estimates hard: gaps, draws, rates, arms without seeds."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from midspec.report.flat import as_json
from midspec.report.results import Results
from midspec.report.study import ArmRun, ContrastLine, Reading, ScoreRow, StageRun, Study
from midspec.report.ways import Ways

READINGS = {"margin": (None, None), "share": (0.0, 1.0), "grade": (1.0, 10.0), "never": (0.0, 1.0)}
WEIGHTS: tuple[dict[str, float], ...] = (
    {"both": 1, "msm": -1, "aft": -1, "plain": 1},
    {"both": 1, "aft": -1},
    {"both": 1, "untouched": -1},
    {"msm": 0.5, "both": 0.5, "plain": -1},
    {"untouched": 1, "half": -1},
)


def drawn(chance: Random, reading: str, lean: float) -> float:
    if reading == "margin":
        return chance.gauss(lean, 2)
    if reading == "grade":
        return float(min(10, max(1, round(chance.gauss(5 + lean, 2)))))
    return float(reading == "share" and chance.random() < min(0.95, max(0.05, 0.3 + 0.1 * lean)))


def study(number: int) -> Study:
    chance = Random(number)
    seeds = tuple(range(1, chance.choice([1, 2, 3, 5]) + 1))
    items, draws = chance.choice([1, 2, 7, 20]), chance.choice([1, 1, 3])
    gone = chance.choice([0, 0, 0.03, 0.15, 0.4])
    arms = {"both": seeds, "msm": seeds, "aft": seeds, "plain": seeds, "untouched": (None,), "half": seeds[:2]}
    hard = [chance.gauss(0, chance.choice([0, 1])) for _ in range(items)]
    rows: list[ScoreRow] = []
    for arm, own in arms.items():
        effect = chance.choice([0, 0, 1, 3])
        for seed in own:
            drift = chance.gauss(0, chance.choice([0, 0.5]))
            for reading in READINGS:
                for item in range(items if arm != "half" else max(1, items - 1)):
                    for draw in range(draws):
                        value = drawn(chance, reading, effect + drift + hard[item])
                        rows.append(ScoreRow(
                            arm=arm, seed=seed, eval="e", item=f"i{item}", axis="x", domain="d", reading=reading,
                            value=None if chance.random() < gone else value, draw=draw,
                        ))  # fmt: skip
    lines = [ContrastLine(name="+".join(w), weights=w, eval="e", axis="x", reading=r,
                          primary=number % 3 > 0 and r == "share")
             for w in WEIGHTS for r in READINGS]  # fmt: skip
    step = StageRun(kind="scores", label="s", id="s", link="s")
    return Study(
        name="s", title="S", question="?", hypothesis="h", contrasts=tuple(lines), rows=tuple(rows),
        arms=tuple(ArmRun(arm=a, seed=s, chain=(step,)) for a, own in arms.items() for s in own),
        readings=tuple(Reading(eval="e", name=n, low=a, high=b) for n, (a, b) in READINGS.items()),
    )  # fmt: skip


def told(given: Study) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(report.json, rows.jsonl) as midspec writes them."""
    return json.loads(as_json(Results(given), Ways(given))), [json.loads(json.dumps(vars(r))) for r in given.rows]
