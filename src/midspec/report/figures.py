"""Numbers → figures as SVG text, the same bytes every time. Knows nothing of studies; labels are text, never markup.

Each figure exists in a wide and a narrow form, so that a page shows letters at reading size on any screen.
"""

from __future__ import annotations

import itertools
import math
import textwrap
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from midspec.report.svg import cleaned
from midspec.report.wording import label, number, places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart with every common kind of colour blindness; yellow is too pale on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a")
# Stand-ins that a page replaces by its own colours (see svg.THEME).
INK, MUTED, LINE, PAPER = "#16191d", "#5b626c", "#dfe2e6", "#fefefe"
WIDE, NARROW = 10.4, 4.1  # inches of 72 units; a page shows them at about 1.3 times that


@dataclass(frozen=True)
class Bar:
    """One arm in a panel: ``points`` are the means of its seeds; ``low``, ``high`` None without an interval."""

    name: str
    colour: int
    value: float | None
    low: float | None
    high: float | None
    points: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """Bars that start at ``start`` (the value that favours neither side). ``ends`` are the limits of a value.

    Panels of the same ``scale`` cover the same range, so that their bars can be compared.
    """

    title: str
    axis: str
    bars: tuple[Bar, ...]
    start: float = 0.0
    ends: tuple[float, float] | None = None
    scale: str = ""


@dataclass(frozen=True)
class Curve:
    """Loss by update of one training run."""

    name: str
    colour: int
    points: tuple[tuple[int, float], ...]


@contextmanager
def _plain() -> Generator[None]:
    """matplotlib as it comes, whatever the user's own settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({
            "svg.hashsalt": "midspec", "svg.fonttype": "none", "text.parse_math": False, "axes.unicode_minus": True,
            "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
            "axes.edgecolor": LINE, "axes.labelcolor": MUTED, "text.color": INK, "xtick.color": MUTED,
            "ytick.color": INK, "axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
            "axes.labelsize": 9, "xtick.labelsize": 9, "ytick.labelsize": 10, "axes.grid.axis": "x",
            "grid.color": LINE, "axes.axisbelow": True, "figure.facecolor": "none", "axes.facecolor": "none"})
        yield


def _drawn(figure: Figure, words: str) -> str:
    """The figure as SVG text without dates; ``words`` say what it shows to those who cannot see it."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = StringIO()
    with warnings.catch_warnings():
        # Letters are drawn by whoever shows the figure, so it does not matter which ones matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    return cleaned(out.getvalue(), words)


@dataclass(frozen=True)
class Frame:
    """Where panels stand, in inches: constrained layouts depend on letter widths, and so on the fonts of a machine."""

    panels: int
    columns: int
    width: float
    body: float
    head: float
    foot: float
    left: float = 0.16

    def axes(self) -> tuple[Figure, list[Axes]]:
        from matplotlib.figure import Figure as New

        columns = max(1, min(self.columns, self.panels))
        rows, cell, gap = math.ceil(self.panels / columns), self.head + self.body + self.foot, 0.38
        height, wide = rows * cell, (self.width - gap * (columns - 1)) / columns
        figure = New(figsize=(self.width, height))
        places = [(n % columns * (wide + gap) + self.left, height - (n // columns) * cell - self.head - self.body)
                  for n in range(self.panels)]
        shape = ((wide - self.left - 0.15) / self.width, self.body / height)
        return figure, [figure.add_axes((x / self.width, y / height, *shape)) for x, y in places]


def _lines(texts: Sequence[str], letters: int) -> tuple[list[str], int]:
    """(texts broken after ``letters`` letters, the most lines of any)."""
    broken = [textwrap.fill(label(text, 160), letters) for text in texts]
    return broken, max((text.count("\n") + 1 for text in broken if text), default=0)


def _framed(titles: Sequence[str], below: Sequence[str], columns: int, narrow: bool, body: float,
            left: float = 0.16) -> tuple[Figure, list[Axes]]:
    """Empty panels with their titles and the words below their scales, with room for both."""
    columns = 1 if narrow else max(1, min(columns, len(titles)))
    letters = {1: 44 if narrow else 120, 2: 66}.get(columns, 38)
    (heads, most), (feet, under) = _lines(titles, letters - 4), _lines(below, letters)
    figure, axes = Frame(len(titles), columns, NARROW if narrow else WIDE, body, 0.16 + 0.18 * most,
                         0.42 + 0.16 * under, left).axes()
    for ax, head, foot in zip(axes, heads, feet, strict=True):
        ax.set_title(head, pad=6)
        ax.set_xlabel(foot, labelpad=5)
        ax.tick_params(length=0, labelsize=9)
    return figure, axes


def bars(panels: Sequence[Panel], words: str, *, narrow: bool = False, columns: int = 3) -> str:
    """Horizontal bars with 95 % intervals, one panel per measure, each arm's name above its bar."""
    most = max((len(p.bars) for p in panels), default=1)
    with _plain():
        figure, axes = _framed([p.title for p in panels], [p.axis for p in panels], columns, narrow, 0.44 * most + 0.1)
        for ax, panel in zip(axes, panels, strict=True):
            _bar_panel(ax, panel, most, 40 if narrow or columns > 2 else 60)
            ax.set_xlim(*_range([p for p in panels if p.scale == panel.scale]))
        return _drawn(figure, words)


def _bar_panel(ax: Axes, panel: Panel, most: int, letters: int) -> None:
    for place, bar in enumerate(panel.bars):
        colour = COLOURS[bar.colour % len(COLOURS)]
        _named(ax, place, label(bar.name, letters), "nothing readable" if bar.value is None else number(bar.value))
        if bar.value is None:
            continue
        ax.barh(place, bar.value - panel.start, left=panel.start, height=0.32, color=colour, alpha=0.85, linewidth=0)
        if bar.low is not None and bar.high is not None:
            ax.plot([bar.low, bar.high], [place] * 2, color=INK, lw=1.3, solid_capstyle="butt", clip_on=False)
        ax.plot(bar.points, [place] * len(bar.points), "o", ms=3.4, mfc=PAPER, mec=INK, mew=0.8, clip_on=False)
    ax.set_ylim(most - 0.6, -0.75)
    ax.set_yticks([])
    ax.axvline(panel.start, color=MUTED, lw=0.9, zorder=0.9)
    ax.grid(True, axis="x")
    ax.locator_params(axis="x", nbins=5)


def _named(ax: Axes, place: int, name: str, value: str) -> None:
    """A row's name at the left and its value at the right, above the row's own mark."""
    for text, at, side, colour in ((name, 0, "left", INK), (value, 1, "right", MUTED)):
        ax.annotate(text, (at, place), xycoords=("axes fraction", "data"), xytext=(0, 7), textcoords="offset points",
                    va="bottom", ha=side, fontsize=9, color=colour)


def _range(panels: Sequence[Panel]) -> tuple[float, float]:
    """From the least to the largest thing drawn on one scale, with some room, within its limits."""
    start, ends = panels[0].start, panels[0].ends
    seen = [v for panel in panels for b in panel.bars for v in (b.value, b.low, b.high, *b.points) if v is not None]
    low, high = min([start, *seen]), max([start, *seen])
    room = 0.06 * (high - low) or 0.5
    low, high = low - (room if low < start else 0), high + (room if high > start or high == low else 0)
    if ends is None:
        return low, high
    return ends if high - low > 0.6 * (ends[1] - ends[0]) else (max(low, ends[0]), min(high, ends[1]))


@dataclass(frozen=True)
class Row:
    """One contrast in a forest: filled where it was named before the run."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    primary: bool


@dataclass(frozen=True)
class Forest:
    """Contrasts on one scale; ``reach`` is how far the scale goes to both sides."""

    title: str
    axis: str
    rows: tuple[Row, ...]
    reach: float


def forest(panels: Sequence[Forest], words: str, *, narrow: bool = False) -> str:
    """Contrasts with 95 % intervals around the line of no difference."""
    most = max((len(p.rows) for p in panels), default=1)
    with _plain():
        figure, axes = _framed([p.title for p in panels], [p.axis for p in panels], 2, narrow, 0.44 * most + 0.1)
        for ax, panel in zip(axes, panels, strict=True):
            _forest_panel(ax, panel, most, 42 if narrow else 58 if len(panels) > 1 else 110)
        return _drawn(figure, words)


def _forest_panel(ax: Axes, panel: Forest, most: int, letters: int) -> None:
    for place, row in enumerate(panel.rows):
        _named(ax, place, label(row.name, letters), number(row.value, places(row.low, row.high), sign=True))
        if row.value is None:
            continue
        clear = row.low is not None and row.high is not None and (row.low > 0 or row.high < 0)
        colour = COLOURS[0] if clear else MUTED
        if row.low is not None and row.high is not None:
            ax.plot([row.low, row.high], [place] * 2, color=colour, lw=1.8, solid_capstyle="butt")
        ax.plot([row.value], [place], "D" if row.primary else "o", ms=6 if row.primary else 5.5, color=colour,
                mfc=colour if row.primary else PAPER, mew=1.4)
    ax.set_ylim(most - 0.6, -0.75)
    ax.set_yticks([])
    ax.set_xlim(-1.08 * panel.reach, 1.08 * panel.reach)
    ax.axvline(0, color=INK, lw=0.9, zorder=0.9)
    ax.grid(True, axis="x")
    ax.locator_params(axis="x", nbins=5)


def losses(panels: Sequence[tuple[str, Sequence[Curve]]], words: str, *, narrow: bool = False) -> str:
    """Loss by update, one panel per training stage, one line per run; seeds of an arm share its colour."""
    with _plain():
        titles = [f"{title}: loss in nats per token" for title, _ in panels]
        figure, axes = _framed(titles, ["update"] * len(panels), 2, narrow, 1.9, left=0.36)
        for ax, (_, curves) in zip(axes, panels, strict=True):
            for curve in curves:
                points = thinned(curve.points)
                ax.plot([u for u, _ in points], [v for _, v in points], lw=1.1, alpha=0.75,
                        color=COLOURS[curve.colour % len(COLOURS)])
            ax.grid(True, axis="y")
            ax.locator_params(axis="both", nbins=5)
        return _drawn(figure, words)


def thinned(points: Sequence[tuple[int, float]], most: int = 160) -> list[tuple[float, float]]:
    """At most ``most`` points: means of equal pieces, so that a long run does not make a heavy page."""
    known = [(u, v) for u, v in points if math.isfinite(v)]
    if len(known) <= most:
        return [(float(u), v) for u, v in known]
    edges = [round(n * len(known) / most) for n in range(most + 1)]
    pieces = [known[a:b] for a, b in itertools.pairwise(edges)]
    return [(sum(u for u, _ in p) / len(p), sum(v for _, v in p) / len(p)) for p in pieces]
