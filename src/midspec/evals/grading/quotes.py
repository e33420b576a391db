"""Does a quotation stand in a text? Blanks and the shapes of quotation marks and dashes do not count; words do."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Graders write straight quotes for curly ones, and the other way round.
SHAPES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "..."})
# Shorter ones stand in any text.
SHORTEST = 12


def flat(text: str) -> str:
    """The text as it is compared."""
    return " ".join(text.translate(SHAPES).split())


def stands(quote: str, texts: Iterable[str]) -> bool:
    """Whether ``quote`` is a verbatim piece of one of the texts: SHORTEST letters or more, or all of a shorter text."""
    wanted = re.sub(r'^(?:"|\.\.\.|\s)+|(?:"|\.\.\.|\s)+$', "", flat(quote))
    if not wanted:
        return False
    return any(wanted in one if len(wanted) >= SHORTEST else wanted == one.strip('" .') or wanted == one
               for one in map(flat, texts))
