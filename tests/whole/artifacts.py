"""Folders of artifacts → what must be equal between two runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

RECORD = "run.json"


def contents(store: Path) -> dict[str, str]:
    """Path → sha256 of every file of every artifact and report, the marked run records aside."""
    found: dict[str, str] = {}
    for place in ("artifacts", "reports"):
        for path in sorted((store / place).rglob("*")):
            if path.is_file() and path.name != RECORD:
                found[str(path.relative_to(store))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
