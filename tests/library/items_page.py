"""Item sets → the tables of docs/items.md. Run this file to write them anew; a test fails when they are stale."""

from __future__ import annotations

import re
from pathlib import Path

from midspec.library.bias import table
from midspec.library.items import load_items, names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "items.md"
PLACE = re.compile(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with each table between its marks written anew."""
    return PLACE.sub(lambda match: f"{match[1]}{table(load_items(match[2]))}\n{match[3]}", text)


def measured(text: str) -> list[str]:
    """Names of the sets that have a table on the page."""
    return [match[2] for match in PLACE.finditer(text)]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("tables:", *measured(PAGE.read_text(encoding="utf-8")), "| sets:", *names())
