"""Values → words that are safe to show: numbers as people write them, texts without what a screen cannot show.

Knows nothing of HTML (the template escapes), nor of what a number means.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote

# Control characters, lone surrogates and non-characters: an XML or UTF-8 file cannot hold them.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Characters that reorder what follows them: a name could look like another one.
_REORDERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MINUS = "\N{MINUS SIGN}"


def shown(text: object) -> str:
    """The text with every character that cannot be shown replaced by U+FFFD; line breaks become \\n."""
    plain = str(text).replace("\r\n", "\n").replace("\r", "\n")
    return _REORDERING.sub("\N{REPLACEMENT CHARACTER}", _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", plain))


def label(text: object, length: int = 60) -> str:
    """One line of at most ``length`` characters."""
    line = " ".join(shown(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def paragraphs(text: str) -> list[str]:
    """Paragraphs of a docstring: its line ends are an editor's, unless a line begins a list or is indented."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", shown(text).strip()):
        found.append(re.sub(r"\n(?![ \t]|[-*•]|\d+[.)])", " ", block))
    return [block for block in found if block]


def number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """A number for reading: "0.48", "+0.08", "−1.20", "–" for None."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def places(low: float | None, high: float | None) -> int:
    """Digits to show of an interval and of the value inside it: two, three where it is narrower than a tenth."""
    return 3 if low is not None and high is not None and high - low < 0.1 else 2


def span(low: float | None, high: float | None, *, sign: bool = False) -> str:
    """"0.41 to 0.55", "−0.003 to 0.002" where two digits would hide it, or why there is none."""
    if low is None or high is None:
        return "no interval"
    digits = places(low, high)
    return f"{number(low, digits, sign=sign)} to {number(high, digits, sign=sign)}"


def chance(p: float | None) -> str:
    """A p-value: "0.03", "under 0.001", "–"."""
    if p is None:
        return "–"
    return "under 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.01 else f"{p:.2f}"


def count(value: float) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{round(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def plural(value: int, noun: str, many: str = "") -> str:
    """"1 seed", "3 seeds"."""
    return f"{count(value)} {noun if value == 1 else many or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """"a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def compact(value: float) -> str:
    """A number that is not a count: "0.0005", "1.25"."""
    return f"{value:.3g}"


def rounded(value: float) -> str:
    """A count in few letters: "840", "130k", "2.5M"."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}" if value / size < 999.5 else f"{value / size:.0f}{unit}"
    return f"{value:.0f}"


def spread_of(values: Sequence[float], say: Callable[[float], str] = count) -> str:
    """One value, or the least and the largest: "130 112" or "129 870–130 400"."""
    low, high = say(min(values)), say(max(values))
    return low if low == high else f"{low}–{high}"


def href(link: str) -> str:
    """A link that can only lead to a file beside or above the report: quoted, and never with a scheme or a host."""
    return "./" + quote(shown(link), safe="/") if link else ""
