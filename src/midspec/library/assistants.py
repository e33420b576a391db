"""assistants.txt → names that known assistants go by. Knows nothing of what is done with them."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def assistants() -> tuple[str, ...]:
    """All names, in the order of the file; lines that begin with # are notes."""
    lines = Path(__file__).with_name("assistants.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
