"""Numbers → figures as SVG text, the same bytes every time. Knows nothing of studies; labels are text, never markup.

Each figure exists in a wide and a narrow form, so that a page shows letters at reading size on any screen.
"""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from midspec.report.svg import cleaned
from midspec.report.wording import label, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart with every common kind of colour blindness; yellow is too pale on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a")
# Stand-ins that a page replaces by its own colours (see svg.THEME).
INK, MUTED, LINE, PAPER = "#16191d", "#5b626c", "#dfe2e6", "#fefefe"
WIDE, NARROW = 10.4, 3.75  # inches at 72 px: 749 and 270 units, shown at about 1.4 times that


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
    """Bars that share a scale and start at ``start`` (the value that favours neither side). ``ends`` are its limits."""

    title: str
    axis: str
    bars: tuple[Bar, ...]
    start: float = 0.0
    ends: tuple[float, float] | None = None


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
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    return cleaned(out.getvalue(), words)


def _grid(panels: int, columns: int, width: float, heights: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure as New

    columns = min(columns, panels)
    rows = math.ceil(panels / columns)
    figure = New(figsize=(width, rows * heights + 0.1), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.1, hspace=0.06, wspace=0.05)  # pyright: ignore
    axes = figure.subplots(rows, columns, squeeze=False, **shared).flatten().tolist()
    for empty in axes[panels:]:
        empty.set_visible(False)
    return figure, axes[:panels]


def bars(panels: Sequence[Panel], words: str, *, narrow: bool = False, columns: int = 3) -> str:
    """Horizontal bars with 95 % intervals, one panel per measure, each arm's name above its bar."""
    most = max((len(p.bars) for p in panels), default=1)
    with _plain():
        figure, axes = _grid(len(panels), 1 if narrow else columns, NARROW if narrow else WIDE, 0.95 + 0.47 * most)
        for ax, panel in zip(axes, panels, strict=True):
            _bar_panel(ax, panel, most, 34 if narrow or columns > 2 else 60)
        return _drawn(figure, words)


def _bar_panel(ax: Axes, panel: Panel, most: int, letters: int) -> None:
    ax.set_title(textwrap.fill(label(panel.title, 80), letters), pad=8)
    ax.set_xlabel(textwrap.fill(label(panel.axis, 120), letters + 8))
    for place, bar in enumerate(panel.bars):
        colour = COLOURS[bar.colour % len(COLOURS)]
        ax.annotate(label(bar.name, letters), (0, place), xycoords=("axes fraction", "data"), xytext=(0, 8.5),
                    textcoords="offset points", va="bottom", ha="left", fontsize=9)
        if bar.value is None:
            ax.annotate("nothing readable", (0, place), xycoords=("axes fraction", "data"), color=MUTED, va="center")
            continue
        ax.barh(place, bar.value - panel.start, left=panel.start, height=0.34, color=colour, alpha=0.85, linewidth=0)
        ax.plot(bar.points, [place] * len(bar.points), "o", ms=3.2, mfc=PAPER, mec=colour, mew=0.9, clip_on=False)
        if bar.low is not None and bar.high is not None:
            ax.plot([bar.low, bar.high], [place] * 2, color=INK, lw=1.3, solid_capstyle="butt", clip_on=False)
        ax.annotate(number(bar.value), (1, place), xycoords=("axes fraction", "data"), xytext=(0, 8.5),
                    textcoords="offset points", va="bottom", ha="right", fontsize=9, color=MUTED)
    ax.set_ylim(most - 0.5, -0.75)
    ax.set_yticks([])
    ax.axvline(panel.start, color=MUTED, lw=0.9, zorder=0.9)
    ax.set_xlim(*_range(panel))
    ax.grid(True, axis="x")
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(length=0)


def _range(panel: Panel) -> tuple[float, float]:
    seen = [v for b in panel.bars for v in (b.value, b.low, b.high, *b.points) if v is not None and math.isfinite(v)]
    low, high = min([panel.start, *seen]), max([panel.start, *seen])
    room = 0.06 * (high - low) or 0.5
    low, high = low - (room if low < panel.start else 0), high + (room if high > panel.start else 0)
    if panel.ends is not None:
        return panel.ends if high - low > 0.6 * (panel.ends[1] - panel.ends[0]) else (
            max(low, panel.ends[0]), min(high, panel.ends[1]))
    return low, high


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
    """Contrasts on one scale."""

    title: str
    axis: str
    rows: tuple[Row, ...]


def forest(panels: Sequence[Forest], words: str, *, narrow: bool = False) -> str:
    """Contrasts with 95 % intervals around the line of no difference, one panel per scale."""
    most = max((len(p.rows) for p in panels), default=1)
    with _plain():
        columns = 1 if narrow else min(2, len(panels))
        figure, axes = _grid(len(panels), columns, NARROW if narrow else WIDE, 0.95 + 0.44 * most)
        for ax, panel in zip(axes, panels, strict=True):
            _forest_panel(ax, panel, most, 40 if narrow else 52 if columns == 2 else 110)
        return _drawn(figure, words)


def _forest_panel(ax: Axes, panel: Forest, most: int, letters: int) -> None:
    ax.set_title(textwrap.fill(label(panel.title, 100), letters), pad=8)
    ax.set_xlabel(textwrap.fill(label(panel.axis, 120), letters + 8))
    reach = max([abs(v) for r in panel.rows for v in (r.value, r.low, r.high) if v is not None], default=1.0) or 1.0
    for place, row in enumerate(panel.rows):
        ax.annotate(label(row.name, letters), (0, place), xycoords=("axes fraction", "data"), xytext=(0, 6),
                    textcoords="offset points", va="bottom", ha="left", fontsize=9)
        if row.value is None:
            continue
        clear = row.low is not None and row.high is not None and (row.low > 0 or row.high < 0)
        colour = COLOURS[0] if clear else MUTED
        if row.low is not None and row.high is not None:
            ax.plot([row.low, row.high], [place] * 2, color=colour, lw=1.8, solid_capstyle="butt")
        ax.plot([row.value], [place], "D" if row.primary else "o", ms=6 if row.primary else 5.5, color=colour,
                mfc=colour if row.primary else PAPER, mew=1.4)
        ax.annotate(number(row.value, sign=True), (1, place), xycoords=("axes fraction", "data"), xytext=(0, 6),
                    textcoords="offset points", va="bottom", ha="right", fontsize=9, color=MUTED)
    ax.set_ylim(most - 0.5, -0.8)
    ax.set_yticks([])
    ax.set_xlim(-1.12 * reach, 1.12 * reach)
    ax.axvline(0, color=INK, lw=0.9, zorder=0.9)
    ax.grid(True, axis="x")
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(length=0)


def losses(panels: Sequence[tuple[str, Sequence[Curve]]], words: str, *, narrow: bool = False) -> str:
    """Loss by update, one panel per training stage, one line per run; seeds of an arm share its colour."""
    with _plain():
        figure, axes = _grid(len(panels), 1 if narrow else 2, NARROW if narrow else WIDE, 2.5)
        for ax, (title, curves) in zip(axes, panels, strict=True):
            ax.set_title(textwrap.fill(label(title, 80), 36), pad=8)
            for curve in curves:
                points = thinned(curve.points)
                ax.plot([u for u, _ in points], [v for _, v in points], lw=1.2, alpha=0.85,
                        color=COLOURS[curve.colour % len(COLOURS)])
            ax.set_xlabel("update")
            ax.set_ylabel("loss (nats per token)")
            ax.grid(True, axis="y")
            ax.tick_params(length=0)
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
