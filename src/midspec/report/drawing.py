"""Results and ways → the report's figures. Chooses what is drawn; knows nothing of how it is drawn or where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.report import figures as draw
from midspec.report import summary
from midspec.report.results import Measure, Results
from midspec.report.ways import Ways
from midspec.report.wording import label, number

NAMES = ("bars", "others", "forest", "losses")


@dataclass(frozen=True)
class Drawn:
    """One figure as SVG text, for wide and for narrow screens."""

    wide: str
    narrow: str


def figures(results: Results, ways: Ways) -> dict[str, Drawn]:
    """The figures that this study has, by name (see NAMES)."""
    headline = summary.headline_measures(results)
    others = tuple(m for m in results.measures if m not in headline)
    found: dict[str, Drawn] = {}
    for name, measures in (("bars", headline), ("others", others)):
        if measures:
            panels, words = _panels(results, ways, measures), _bar_words(results, measures)
            columns = min(3, max(1, len(measures)))
            found[name] = Drawn(draw.bars(panels, words, columns=columns), draw.bars(panels, words, narrow=True))
    if results.differences:
        forests, words = _forests(results), _forest_words(results)
        found["forest"] = Drawn(draw.forest(forests, words), draw.forest(forests, words, narrow=True))
    curves = _curves(ways)
    if curves:
        words = "Loss by update: " + ", ".join(f"{step}, {len(lines)} runs" for step, lines in curves)
        found["losses"] = Drawn(draw.losses(curves, words), draw.losses(curves, words, narrow=True))
    return found


def _panels(results: Results, ways: Ways, measures: tuple[Measure, ...]) -> list[draw.Panel]:
    panels: list[draw.Panel] = []
    for measure in measures:
        reading = results.reading(measure)
        bars = tuple(draw.Bar(m.arm, ways.colour(m.arm), m.found.value, m.found.low, m.found.high,
                              tuple(v for _, v in m.by_seed if v is not None and len(m.by_seed) > 1))
                     for m in results.means if m.measure == measure)
        start = reading.even if reading.even is not None else reading.low if reading.low is not None else 0.0
        title = f"{summary.axis_words(results.study, measure[1])} · {measure[2]}"
        panels.append(draw.Panel(title, reading.words, bars, start, results.limits(measure)))
    return panels


def _bar_words(results: Results, measures: tuple[Measure, ...]) -> str:
    parts = [f"{m.arm}, {summary.axis_words(results.study, m.measure[1])}, {m.measure[2]}: {number(m.found.value)}"
             for m in results.means if m.measure in measures]
    return label("Bars with 95 % intervals. " + "; ".join(parts), 4000)


def _forests(results: Results) -> list[draw.Forest]:
    """One panel per eval and reading, since readings have scales of their own; those with primary contrasts first."""
    rows: dict[tuple[str, str], list[draw.Row]] = {}
    first: set[tuple[str, str]] = set()
    for d in results.differences:
        place, found = (d.line.eval, d.line.reading), d.found
        value = None if d.verdict == "withheld" else found.value
        name = f"{d.line.name} · {summary.axis_words(results.study, d.line.axis)}"
        row = draw.Row(name, value, found.low, found.high, d.line.primary)
        rows.setdefault(place, []).append(row)
        if d.line.primary:
            first.add(place)
    order = sorted(rows, key=lambda place: place not in first)
    return [draw.Forest(f"read by {reading}" + (f" ({name})" if len({e for e, _ in rows}) > 1 else ""),
                        "difference in " + (results.study.reading(name, reading).words or reading),
                        tuple(rows[name, reading])) for name, reading in order]


def _forest_words(results: Results) -> str:
    return label("Contrasts. " + " ".join(summary.sentence(results, d) for d in results.differences), 4000)


def _curves(ways: Ways) -> list[tuple[str, list[draw.Curve]]]:
    """Loss curves by training step; each run once, in the colour of the first arm that uses it."""
    found: dict[str, list[draw.Curve]] = {}
    for given in ways.given:
        for artifact in given.artifacts:
            stage = artifact.stage
            if stage.losses and artifact.arms[0] == given.arm:
                found.setdefault(given.step, []).append(draw.Curve(given.arm, given.colour, stage.losses))
    return list(found.items())


def losing(ways: Ways) -> list[str]:
    """Arms that have a loss curve in their colour."""
    return list(dict.fromkeys(curve.name for _, curves in _curves(ways) for curve in curves))
