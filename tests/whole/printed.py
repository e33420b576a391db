"""Tables of report.html and report.md → the numbers that a reader sees, against recomputed ones."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

Row = dict[str, Any]
Table = list[list[str]]


class Tables(HTMLParser):
    """Every table of a page as rows of cell texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Table] = []
        self.open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("td", "th"):
            self.found[-1][-1].append("")
            self.open = True

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.found[-1][-1][-1] += data


def markdown(page: str) -> list[Table]:
    blocks = [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)]
    clean = [
        [[re.sub(r"\\(.)", r"\1", c).strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in b] for b in blocks
    ]
    return [[table[0], *table[2:]] for table in clean]


def agrees(text: str, value: Any) -> bool:
    """Whether a printed number is this one, rounded to the digits that are shown."""
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if value is None or text in ("–", "no interval"):
        return value is None and text in ("–", "no interval")
    if text == "under 0.001":
        return value < 0.001
    digits = len(text.partition(".")[2])
    return digits >= 2 and abs(float(text) - float(value)) <= 0.5 * 10**-digits * (1 + 1e-9)


def spans(text: str, low: Any, high: Any) -> bool:
    if " to " not in text:
        return agrees(text, low)
    return all(agrees(part, end) for part, end in zip(text.split(" to "), (low, high), strict=True))


def is_mean(cells: list[str], head: list[str], key: tuple[str, ...], found: Row) -> bool:
    at = {name.lower(): text.strip() for name, text in zip(head, cells, strict=True)}
    seeds = re.findall(r"[\N{MINUS SIGN}]?\d+\.\d+|–", at.get("mean of each seed", ""))
    return (
        at["arm"] == key[0]
        and at.get("reading", key[3]) == key[3]
        and agrees(at["mean"], found["value"])
        and spans(at["95 % interval"], found["low"], found["high"])
        and at["items"] == str(found["items"])
        and at["unreadable"] == f"{found['unreadable']} of {found['rows']}"
        and (not seeds or len(seeds) == len(found["by_seed"]))
        and all(agrees(text, one["value"]) for text, one in zip(seeds, found["by_seed"], strict=False))
    )


def is_contrast(cells: list[str], head: list[str], line: Row, found: Row) -> bool:
    at = {name.lower(): text.strip() for name, text in zip(head, cells, strict=True)}
    return (
        at["reading"] == line["reading"]
        and agrees(at["difference"], found["value"])
        and spans(at["95 % interval"], found["low"], found["high"])
        and agrees(at["p"], found["p"])
        and agrees(at["p (holm)"], found["p_holm"])
        and at["seeds × items"].startswith(f"{found['seeds']} × {found['items']}")
    )


def check_page(
    name: str, tables: list[Table], means: dict[tuple[str, ...], Row], lines: list[tuple[Row, Row]]
) -> list[str]:
    """Printed rows that are no recomputed number, and numbers that are not printed."""
    wrong: list[str] = []
    means_left, lines_left = list(means.items()), list(lines)
    for table in tables:
        head = [cell.lower() for cell in table[0]]
        for cells in (row for row in table[1:] if len(row) == len(head)):
            if head[0] == "arm" and "mean" in head:
                at = next((n for n, (key, found) in enumerate(means_left) if is_mean(cells, head, key, found)), None)
                left: list[Any] = means_left
            elif "difference" in head:
                at = next(
                    (n for n, (line, found) in enumerate(lines_left) if is_contrast(cells, head, line, found)), None
                )
                left = lines_left
            else:
                continue
            if at is None:
                wrong.append(f"{name} shows {' | '.join(c.strip() for c in cells)}: not recomputed")
            else:
                left.pop(at)
    return wrong + [
        f"{name} lacks {key[0] if isinstance(key, tuple) else key['name']}" for key, _ in means_left + lines_left
    ]
