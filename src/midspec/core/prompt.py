"""Prompt file + values → text. Strict: slots and values must match; values are inserted, never interpreted."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from midspec.core.errors import PromptError

SLOT = re.compile(r"\{\{ ([a-z_]+) \}\}")


@dataclass(frozen=True)
class Prompt:
    """A Markdown file with ``{{ slots }}``. Its content, not its path, enters a recipe's id."""

    path: str
    text: str

    @classmethod
    def load(cls, path: Path) -> Prompt:
        """Read a prompt. Raises PromptError where the file is missing."""
        if not path.is_file():
            raise PromptError(
                f"{path}: no such prompt", hint=f"have: {', '.join(sorted(p.name for p in path.parent.glob('*.md')))}"
            )
        return cls(path.name, path.read_text(encoding="utf-8").strip())

    @cached_property
    def slots(self) -> frozenset[str]:
        return frozenset(SLOT.findall(self.text))

    def fill(self, **values: str) -> str:
        """The text with every slot replaced in one pass, so a value that looks like a slot stays text.

        Raises:
            PromptError: a slot without value, or a value without slot.
        """
        if self.slots != values.keys():
            raise PromptError(f"{self.path} wants {sorted(self.slots)}, was given {sorted(values)}")
        return SLOT.sub(lambda match: values[match[1]], self.text)

    def identity(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()
