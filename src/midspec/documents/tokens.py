"""Text → about how many tokens it is, without a tokenizer. The exact number belongs to a model and is in its Dose."""

from __future__ import annotations

import re

PIECE = re.compile(r"[^\W\d_]+(?:['’](?:s|t|re|ve|ll|d|m)\b)?|\d|[^\w\s]|\n+")
LONG = 11  # letters: vocabularies of 49k and more hold nearly all English words up to this length whole


def estimate(text: str) -> int:
    """Words, digits, marks and line breaks count one each, a word one more for every further 11 letters.

    Within a few per cent of the tokenizers of current models on the English of composed documents.
    """
    return sum(1 + (len(piece) - 1) // LONG for piece in PIECE.findall(text))
