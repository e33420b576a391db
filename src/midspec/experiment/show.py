"""Plans, outcomes and findings → text for a terminal. Knows nothing of how they came about."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from midspec.core.checkpoint import Dose
from midspec.experiment.doctor import Finding
from midspec.experiment.plan import ArmDose, Plan, PlanRow, StageEstimate
from midspec.experiment.verbs import Outcome, Verified, account_lines

WIDTH = 118


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under headings (numbers, right-aligned, under "# …"); texts are shown as they are, never as markup."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        side = "right" if heading.startswith("#") else "left"
        made.add_column(heading.removeprefix("# "), overflow="fold", justify=side)
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    out = io.StringIO()
    Console(file=out, width=WIDTH, highlight=False).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def plan(made: Plan) -> str:
    """What is there and what would be built, the dose of each arm, then one line with the sum."""
    build = made.to_build()
    parts = [
        table(("artifact", "state", "why"), ((row.folder, row.state, _why(row)) for row in made.rows)),
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


def _why(row: PlanRow) -> str:
    took = "" if row.seconds is None or row.seconds < 1 else f"  ≈ {row.seconds / 60:.1f} min"
    return row.why + took


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
    """The table of the report, its answer, and where the page is."""
    spent = ["", *account_lines(done.account)] if done.account else []
    return "\n".join((_text_of(done.numbers), *spent, "", f"report: {done.page}"))


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
    return "\n".join([*lines, "", str(numbers["answer"])])


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


def listing(rows: list[dict[str, Any]]) -> str:
    return table(
        ("artifact", "# MB", "# seconds"), ((r["folder"], f"{r['bytes'] / 1e6:.1f}", r["seconds"]) for r in rows)
    )


def spec(found: dict[str, Any]) -> str:
    return "\n".join(found["lines"])


def evaluation(found: dict[str, Any]) -> str:
    rows = [(m["axis"], m["reading"], m["items"], f"{m['mean']:+.3f}", f"{m['rate']:.3f}") for m in found["means"]]
    return table(("axis", "reading", "# items", "# mean", "# share > 0"), rows)
