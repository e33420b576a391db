"""Results and ways → the report's figures. Chooses what is drawn; knows nothing of how it is drawn or where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from midspec.report import figures as draw
from midspec.report import summary
from midspec.report.results import Measure, Results
from midspec.report.ways import Ways
from midspec.report.wording import label, number

NAMES = ("bars", "bars-others", "forest", "forest-others", "losses")


@dataclass(frozen=True)
class Drawn:
    """One figure as SVG text, for wide and for narrow screens."""

    wide: str
    narrow: str


def figures(results: Results, ways: Ways) -> dict[str, Drawn]:
    """The figures that this study has, by name (see NAMES)."""
    headline = summary.headline_measures(results)
    others = tuple(m for m in results.plain if m not in headline)
    found: dict[str, Drawn] = {}
    for name, measures in (("", headline), ("-others", others)):
        if measures:
            panels, words = _panels(results, ways, measures), _bar_words(results, measures)
            columns = 2 if len(measures) in (2, 4) else min(3, len(measures))
            wide, narrow = draw.bars(panels, words, columns=columns), draw.bars(panels, words, narrow=True)
            found[f"bars{name}"] = Drawn(wide, narrow)
        forests, words = _forests(results, measures), _forest_words(results, measures)
        if forests:
            found[f"forest{name}"] = Drawn(draw.forest(forests, words), draw.forest(forests, words, narrow=True))
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
        scale = f"{measure[0]} {measure[2]}"
        panels.append(draw.Panel(title, reading.words, bars, start, results.limits(measure), scale))
    return panels


def _bar_words(results: Results, measures: tuple[Measure, ...]) -> str:
    parts = [f"{m.arm}, {summary.axis_words(results.study, m.measure[1])}, {m.measure[2]}: {number(m.found.value)}"
             for m in results.means if m.measure in measures]
    return label("Bars with 95 % intervals. " + "; ".join(parts), 4000)


def _forests(results: Results, measures: tuple[Measure, ...]) -> list[draw.Forest]:
    """One panel per measure; the scale is the same for all axes of a reading."""
    here = [d for d in results.differences if (d.line.eval, d.line.axis, d.line.reading) in measures]
    reach: dict[tuple[str, str], float] = {}
    rows: dict[Measure, list[draw.Row]] = {}
    for d in here:
        found, scale = d.found, (d.line.eval, d.line.reading)
        hidden = d.verdict == "withheld"
        values = (None, None, None) if hidden else (found.value, found.low, found.high)
        reach[scale] = max([reach.get(scale, 0.0), *(abs(v) for v in values if v is not None)])
        rows.setdefault((d.line.eval, d.line.axis, d.line.reading), []).append(
            draw.Row(d.line.name, *values, d.line.primary))
    order = [m for m in measures if m in rows]
    return [draw.Forest(f"{summary.axis_words(results.study, m[1])} · {m[2]}",
                        "difference in " + (results.reading(m).words or m[2]), tuple(rows[m]),
                        reach[m[0], m[2]] or 1.0) for m in order]


def _forest_words(results: Results, measures: tuple[Measure, ...]) -> str:
    here = [d for d in results.differences if (d.line.eval, d.line.axis, d.line.reading) in measures]
    return label("Contrasts. " + " ".join(summary.sentence(results, d) for d in here), 4000)


def _curves(ways: Ways) -> list[tuple[str, list[draw.Curve]]]:
    """Loss curves by training step; each run once, in the colour of the first arm that uses it."""
    found: dict[str, list[draw.Curve]] = {}
    for given in ways.given:
        for artifact in given.artifacts:
            stage = artifact.stage
            if stage.losses and artifact.arms[0] == given.arm:
                found.setdefault(given.step, []).append(draw.Curve(given.arm, given.colour, stage.losses))
    return [(step, found[step]) for step in ways.steps if step in found]


def losing(ways: Ways) -> list[str]:
    """Arms that have a loss curve in their colour."""
    return list(dict.fromkeys(curve.name for _, curves in _curves(ways) for curve in curves))
