"""Plans, outcomes and findings → text for a terminal. Knows nothing of how they came about."""

from __future__ import annotations

import calendar
import io
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from midspec.core.checkpoint import Dose
from midspec.experiment.doctor import Finding
from midspec.experiment.plan import ArmDose, Plan, PlanRow, StageEstimate
from midspec.experiment.verbs import Collected, Outcome, Verified, account_lines
from midspec.report.ways import Asked

WIDTH = 118
NAMES_WIDTH = 60
# Of sampled answers: this many questions, and no more arms beside each other than can be read.
ASKED, BESIDE = 10, 4


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under headings (numbers, right-aligned, under "# …"); texts are shown as they are, never as markup."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    lines = [[str(cell) for cell in row] for row in rows]
    # Names in the first column are to be copied, so other columns give way.
    first = min(NAMES_WIDTH, max((len(line[0]) for line in lines), default=1))
    for number, heading in enumerate(headings):
        side = "right" if heading.startswith("#") else "left"
        made.add_column(heading.removeprefix("# "), overflow="fold", justify=side, min_width=None if number else first)
    for line in lines:
        made.add_row(*map(Text, line))
    out = io.StringIO()
    Console(file=out, width=WIDTH, highlight=False).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def plan(made: Plan) -> str:
    """What is there and what would be built, the dose of each arm, then one line with the sum."""
    build = made.to_build()
    there = f"holds {made.held} artifacts" if made.held else "is new or empty: everything is to be built"
    parts = [
        f"store {made.store} {there}",
        "",
        table(("artifact", "arms", "state", "# time", "why"), _groups(made)),
        "",
        table(
            ("arm", "seeds", "stage", "# tokens", "# with loss", "# updates", "# rows × length", "# passes", "# rate"),
            (line for arm in made.arms for line in _doses(arm)),
        ),
        "",
    ]
    if made.asked:
        parts += [table(("stage", "model", "# calls", "# tokens in", "# cached", "# tokens out", "# $", "# hours"),
                        map(_asked, made.asked)), *_sources(made), ""]
    minutes = (
        "time unknown: `midspec doctor` says what is missing to measure it"
        if made.minutes is None
        else f"about {made.minutes:.1f} minutes here"
    )
    parts.append(
        f"{len(made.rows) - len(build)} artifacts there, {len(build)} to build: {made.calls:,} calls to models"
        f"{_money(made)}, {minutes}."
    )
    return "\n".join(parts)


def _asked(row: StageEstimate) -> tuple[str, ...]:
    e = row.estimate
    return (row.stage, e.asking.address, f"{e.asking.calls:,}", f"{e.usage.input:,}", f"{e.usage.cached:,}",
            f"{e.usage.output:,}", "unknown" if e.cost is None else f"{e.cost:,.2f}",
            "" if e.hours is None else f"{e.hours:,.1f}")


def _sources(made: Plan) -> Iterable[str]:
    """What the prices rest on, each once."""
    return dict.fromkeys(f"{row.estimate.asking.address}: {row.estimate.source}" for row in made.asked)


def _money(made: Plan) -> str:
    if not made.asked:
        return ""
    return " at an unknown price" if made.cost is None else f" for about ${made.cost:,.2f}"


def _groups(made: Plan) -> Iterable[tuple[str, ...]]:
    """Artifacts of one stage and the same arms share a line, whatever their seed; answers and scores come last."""
    groups: dict[tuple[object, ...], list[PlanRow]] = {}
    for row in made.rows:
        asked = row.makes in ("Responses", "Scores")
        groups.setdefault((asked, row.label, row.state, () if asked else row.arms), []).append(row)
    every = list(dict.fromkeys(arm for row in made.rows for arm in row.arms))
    for rows in sorted(groups.values(), key=lambda rows: rows[0].makes in ("Responses", "Scores")):
        named = {arm for row in rows for arm in row.arms}
        arms = [arm for arm in every if arm in named]
        yield (
            rows[0].folder if len(rows) == 1 else f"{rows[0].label} ×{len(rows)}",
            "all" if len(arms) == len(every) and len(every) > 1 else ", ".join(arms),
            rows[0].state,
            _time([row.seconds for row in rows if row.seconds is not None]),
            _why(list(dict.fromkeys(row.why for row in rows))),
        )


def _why(reasons: list[str]) -> str:
    return reasons[0] if len(reasons) == 1 else f"{reasons[0]} (and {len(reasons) - 1} other reasons: --json)"


def _time(seconds: list[float]) -> str:
    """Nothing where it is next to nothing."""
    total = sum(seconds)
    return "" if total < 5 else f"≈ {total:.0f} s" if total < 90 else f"≈ {total / 60:.1f} min"


def _doses(arm: ArmDose) -> Iterable[tuple[object, ...]]:
    seeds = ", ".join(map(str, arm.seeds)) or "–"
    if not arm.doses:
        yield arm.arm, seeds, "nothing: as it came", "", "", "", "", "", ""
    for number, dose in enumerate(arm.doses):
        yield arm.arm if number == 0 else "", seeds if number == 0 else "", *_dose(dose, "" if arm.exact else "≈ ")


def _dose(dose: Dose, about: str) -> tuple[str, ...]:
    return (
        dose.stage,
        f"{about}{dose.tokens:,}",
        f"{about}{dose.supervised:,}",
        f"{dose.updates:,}",
        f"{dose.rows} × {dose.length}",
        f"{about}{dose.passes:.2f}",
        f"{dose.rate:g}",
    )


def outcome(done: Outcome) -> str:
    """Sampled answers where few arms gave them, the table of the report, its answer, and where the page is."""
    spent = ["", *account_lines(done.account)] if done.account else []
    return "\n".join((*_side_by_side(done.asked), _text_of(done.numbers), *spent, "", f"report: {done.page}"))


def _side_by_side(asked: tuple[Asked, ...]) -> list[str]:
    """Ten questions, the answers of each arm in a column; none where a terminal is too narrow for the arms."""
    arms = list(dict.fromkeys(arm for one in asked for arm, _, _ in one.answers))
    if not arms or len(arms) > BESIDE:
        return []
    rows = list[list[str]]()
    for number, one in enumerate(asked[:ASKED], 1):
        said = {arm: answer.text for arm, _, answer in one.answers}
        texts = (one.question, *(said.get(arm, "") for arm in arms))
        rows.append([f"{number}.", *(" ".join(text.split()) for text in texts)])
    return [table(("", "sampled answers to", *arms), rows), ""]


def _text_of(numbers: dict[str, Any]) -> str:
    rows = [
        (m["arm"], m["eval"], m["axis"], m["reading"], _span(m)) for m in numbers["means"] if m.get("headline", True)
    ]
    lines = [table(("arm", "eval", "axis", "reading", "mean (95 %)"), rows)]
    differences = [
        (c["name"], c["axis"], c["reading"], _span(c), "yes" if c["primary"] else "") for c in numbers["contrasts"]
    ]
    if differences:
        lines += ["", table(("contrast", "axis", "reading", "difference (95 %)", "named before"), differences)]
    return "\n".join([*lines, "", *numbers["notes"], str(numbers["answer"])])


def _span(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "nothing readable"
    if row["low"] is None:
        return f"{row['value']:+.3f} (no interval)"
    return f"{row['value']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def verified(found: Verified) -> str:
    lines = [str(problem) for problem in found.problems]
    return "\n".join([*lines, f"{found.checked} artifacts checked, {len(lines)} problems"])


def findings(found: list[Finding]) -> str:
    return table(("what", "state", "found", "what now"), ((f.what, f.state, f.found, f.now) for f in found))


def listing(rows: list[dict[str, Any]], store: Path) -> str:
    """What a store holds, oldest first, and the sum."""
    if not rows:
        return f"{store}: no artifact here{'' if store.is_dir() else ' (no such folder)'}; --store names another store"
    made = table(
        ("artifact", "kind", "# size", "# built in", "built", "needed by"),
        (
            (r["folder"], r["kind"], size(r["bytes"]), _took(r["seconds"]), _age(r["built"]), ", ".join(r["arms"]))
            for r in rows
        ),
    )
    return f"{made}\n\n{len(rows)} artifacts, {size(sum(r['bytes'] for r in rows))} in {store}"


def collected(found: Collected, store: Path) -> str:
    """Each folder with its size, the total in bytes, and what to do next."""
    verb = "removed" if found.removed else "would remove"
    lines = [f"{verb} {size(count):>9}  {folder}" for folder, count in found.folders]
    total = sum(count for _, count in found.folders)
    lines.append(f"{verb} {len(found.folders)} folders, {total:,} bytes ({size(total)})")
    if found.marked:
        lines.append(f"kept although no experiment names them: {', '.join(found.marked)}")
        lines.append(f"  to let one go, delete its mark in {store / 'kept'}")
    if found.folders and not found.removed:
        lines.append("nothing was removed yet: add --yes")
    return "\n".join(lines)


def size(count: float) -> str:
    """Bytes for reading: "1.2 GB", "34 kB"."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}" if count < 10 * limit else f"{count / limit:.0f} {unit}"
    return f"{count:.0f} B"


def _took(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _age(built: str | None) -> str:
    """How long ago, from a time as run records write it."""
    if built is None:
        return "?"
    passed = time.time() - calendar.timegm(time.strptime(built, "%Y-%m-%dT%H:%M:%SZ"))
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if passed >= 2 * length:
            return f"{passed / length:.0f} {unit} ago"
    return "just now"


def spec(found: dict[str, Any]) -> str:
    return "\n".join(found["lines"])


def evaluation(found: dict[str, Any]) -> str:
    """The table of means with intervals, then what must be known to read them."""
    rows = [(m["axis"], m["reading"], m["items"], _mean(m), f"{m['rate']:.3f}") for m in found["means"]]
    return "\n".join([table(("axis", "reading", "# items", "mean (95 %)", "# share > 0"), rows), "", *found["notes"]])


def _mean(row: dict[str, Any]) -> str:
    return _span({**row, "value": row["mean"]})


def doses(found: Sequence[Dose]) -> str:
    """What a model was given, one line a training stage."""
    return table(
        ("stage", "# tokens", "# with loss", "# updates", "# rows × length", "# passes", "# rate"),
        (_dose(dose, "") for dose in found),
    )
