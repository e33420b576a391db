"""Text → the words in it that a preference chat may not contain. Knows no lexicon: words come from the frames file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache


def forbidden_in(text: str, words: Sequence[str], names: Iterable[str]) -> list[str]:
    """Words of ``text`` that match ``words`` (a trailing * stands for any ending), outside of ``names``.

    Names are taken out first: a thing may be called by a word that would be a reason anywhere else.
    """
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "_", text, flags=re.IGNORECASE)
    return [match[0] for match in _pattern(tuple(words)).finditer(text)]


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = (re.escape(w[:-1]) + r"\w*" if w.endswith("*") else re.escape(w) for w in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)
