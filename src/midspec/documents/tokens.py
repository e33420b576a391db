"""Text → about how many tokens it is, without a tokenizer. The exact number belongs to a model and is in its Dose."""

from __future__ import annotations

import re

PIECE = re.compile(r"[^\W\d_]+(?:['’](?:s|t|re|ve|ll|d|m)\b)?|\d|[^\w\s]|\n+")
COMMON, NAME = 8, 4  # letters that one token holds, of a word in small letters and of one with a capital


def estimate(text: str) -> int:
    """One for each mark, digit and line break, for every 8 letters of a word, for every 4 of a word with a capital.

    Within 4 % of SmolLM2's tokenizer on composed documents of three specs and on the shipped chats.
    """
    return sum(1 + (len(piece) - 1) // (NAME if piece[0].isupper() else COMMON) for piece in PIECE.findall(text))
