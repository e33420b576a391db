"""Results → report.json for programs and report.md for people without a browser. Knows nothing of HTML or figures."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict
from typing import Any

from midspec.core.rows import Row
from midspec.report import summary
from midspec.report.agreement import agreement
from midspec.report.corrected import known_errors
from midspec.report.estimates import Estimate
from midspec.report.graders import Table, grader_tables
from midspec.report.reader import reader_errors
from midspec.report.results import Results
from midspec.report.rollouts import cell_rates, rollout_tables
from midspec.report.study import Study
from midspec.report.ways import Ways
from midspec.report.wording import chance, compact, count, label, number, paragraphs, shown, span, spread_of


def digest_of(study: Study) -> str:
    """sha256 over all that a report is made from."""
    return hashlib.sha256(repr(study).encode()).hexdigest()


def as_json(results: Results, ways: Ways) -> bytes:
    """Every number of the report, with full precision."""
    study = results.study
    content = {
        "study": digest_of(study), "name": study.name, "title": study.title, "question": study.question,
        "hypothesis": study.hypothesis,
        "answer": summary.answer(results),
        "sentences": [summary.sentence(results, d) for d in summary.primary(results)],
        "cautions": list(summary.cautions(results, ways)), "notes": list(study.notes), "made": dict(study.made),
        "checks": [{**asdict(c.line), "values": [asdict(one) for one in c.values], "limit": c.limit,
                    "spread": c.spread, "passed": c.passed} for c in results.checked],
        "reader": [asdict(row) for row in reader_errors(study.labelled)],
        "labelled": [asdict(row) for row in study.labelled],
        "graders": [{"eval": line.eval, "grader": line.grader, "arms": line.arms, **asdict(line.known),
                     **known_errors(line.known)} for line in study.graders],
        "agreements": [{**asdict(line), **asdict(agreement(line.counts))} for line in study.agreements],
        "motives": [asdict(line) for line in study.motives],
        "cells": [asdict(rate) for rate in cell_rates(results)],
        "readings": [{**asdict(results.reading(m)), "axis": m[1]} for m in results.measures],
        "means": [{"arm": m.arm, "eval": m.measure[0], "axis": m.measure[1], "reading": m.measure[2],
                   **_estimate(m.found), "rows": m.rows, "unreadable": m.unreadable,
                   "corrected": None if m.corrected is None else asdict(m.corrected),
                   "by_seed": [{"seed": seed, "value": value} for seed, value in m.by_seed]} for m in results.means],
        "orders": [asdict(order) for order in study.orders],
        "contrasts": [{**asdict(d.line), "weights": dict(d.line.weights), **_estimate(d.found), "p_holm": d.p_holm,
                       "verdict": d.verdict, "share_unreadable": d.share_unreadable,
                       "corrected": None if d.corrected is None else asdict(d.corrected)} for d in results.differences],
        "arms": [{"arm": run.arm, "key": run.key, "point": {k: _plain(v) for k, v in run.point.items()},
                  "seed": run.seed, "about": run.about, "chain": [s.id for s in run.chain]} for run in study.arms],
        "artifacts": [{"id": a.stage.id, "kind": a.stage.kind, "label": a.stage.label, "digest": a.stage.digest,
                       "link": a.stage.link, "settings": a.stage.settings, "arms": list(a.arms),
                       "seeds": list(a.seeds), "dose": None if a.stage.dose is None else asdict(a.stage.dose)}
                      for a in ways.artifacts.values()],
    }
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return (json.dumps(content, ensure_ascii=True, indent=1, allow_nan=False) + "\n").encode()


def _estimate(found: Estimate) -> Row:
    row = asdict(found)
    return {**row, "df": None if found.df is None or math.isinf(found.df) else found.df,
            "bounds": None if found.bounds is None else list(found.bounds)}


def _plain(value: object) -> Any:
    return value if isinstance(value, (str, int, bool)) or value is None else str(value)


def as_markdown(results: Results, ways: Ways, figures: tuple[str, ...]) -> str:
    """The report's numbers as Markdown tables; text is escaped so that it stays text in any viewer."""
    study = results.study
    parts = [f"# {safe(study.title)}", safe(study.question), "## What was expected, written before the run",
             "\n>\n".join(f"> {safe(words)}" for words in paragraphs(study.hypothesis)), *_checks(results), "## Answer",
             f"**{safe(summary.answer(results))}**",
             "\n".join(f"- {safe(summary.sentence(results, d))}" for d in summary.primary(results))]
    cautions = summary.cautions(results, ways)
    if cautions:
        parts += ["## Before you believe it", "\n".join(f"- {safe(words)}" for words in cautions)]
    parts += _scores(results, "bars" in figures)
    if results.differences:
        parts += ["## Contrasts", "![Contrasts with intervals](figures/forest.svg)", _contrasts(results)]
    parts += _reader(study) + _tables("What agents decided, and why", rollout_tables(results))
    parts += _tables("How well graders read", grader_tables(results))
    if ways.given:
        parts += ["## Dose", _doses(ways)]
    if study.notes:
        parts += ["## Notes", "\n".join(f"- {safe(words)}" for words in study.notes)]
    parts.append("Texts to read, artifacts and how it was computed: [report.html](report.html). "
                 "Numbers: [report.json](report.json). Rows: [rows.jsonl](rows.jsonl).")
    return "\n\n".join(part for part in parts if part) + "\n"


def _checks(results: Results) -> list[str]:
    if not results.checked:
        return []
    rows: list[list[str]] = []
    for c in results.checked:
        even = [] if c.line.equal is None else [number(c.spread, 3), number(c.line.equal, 3)]
        verdict = "holds" if c.passed else "FAILS"
        rows += [[c.line.words, one.arm, number(one.value, 3), number(c.limit, 3), f"{one.unreadable} of {one.rows}",
                  "yes" if one.passed else "no", " of at most ".join(even), verdict] for one in c.values]
    head = ["what must hold", "arm", "value", "at least", "unreadable", "passes", "apart by", "check"]
    return ["## Did the treatment take?", _table(head, rows)]


def _reader(study: Study) -> list[str]:
    rows = [[row.arm, str(row.labelled), str(row.agree), span(*row.agree_interval), f"{row.found} of {row.named}",
             f"{row.false} of {row.unnamed}"] for row in reader_errors(study.labelled)]
    head = ["arm", "labelled", "same label", "95 % interval", "found", "false"]
    return ["## How well reasons were read", _table(head, rows)] if rows else []


def _tables(title: str, tables: list[Table]) -> list[str]:
    parts = [part for words, head, rows in tables for part in (safe(words), _table(list(map(safe, head)), rows))]
    return [f"## {title}", *parts] if parts else []


def _scores(results: Results, drawn: bool) -> list[str]:
    if not results.means:
        return []
    rows = [[m.arm, summary.axis_words(results.study, m.measure[1]), m.measure[2], number(m.found.value, 3),
             span(m.found.low, m.found.high), str(m.found.seeds), str(m.found.items), f"{m.unreadable} of {m.rows}"]
            for m in results.means if m.measure in results.plain]
    table = _table(["arm", "axis", "reading", "mean", "95 % interval", "seeds", "items", "unreadable"], rows)
    picture = ["![Bars with intervals](figures/bars.svg)"] if drawn else []
    return ["## Scores", *picture, table, "\n".join(f"- {safe(words)}" for words in summary.directions(results))]


def _contrasts(results: Results) -> str:
    rows = [[d.line.name + (" (named before the run)" if d.line.primary else ""),
             summary.axis_words(results.study, d.line.axis), d.line.reading, number(d.found.value, 3, sign=True),
             span(d.found.low, d.found.high, sign=True), chance(d.found.p), chance(d.p_holm),
             f"{d.found.seeds} × {d.found.items}", summary.VERDICTS[d.verdict]] for d in results.differences]
    return _table(["contrast", "axis", "reading", "difference", "95 % interval", "p", "p (Holm)", "seeds × items",
                   "verdict"], rows)


def _doses(ways: Ways) -> str:
    rows = [[g.arm, g.step, spread_of([d.tokens for d in g.doses]), spread_of([d.supervised for d in g.doses]),
             spread_of([d.updates for d in g.doses]),
             f"{spread_of([d.rows for d in g.doses])} × {spread_of([d.length for d in g.doses])}",
             spread_of([d.passes for d in g.doses], compact), spread_of([d.rate for d in g.doses], compact),
             count(len({d.seed for d in g.doses}))] for g in ways.given]
    return _table(["arm", "stage", "tokens", "with loss", "updates", "rows × length", "passes", "rate", "seeds"], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([safe(label(cell, 200)) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def safe(text: str) -> str:
    """One line of Markdown that shows ``text`` and does nothing: no markup, no link, no HTML."""
    line = " ".join(shown(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A scheme before a colon would become a link by itself in some viewers.
    return re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", line).replace("://", "&#58;//")
