"""Name of a prompt, values → its text. The prompts are the Markdown files in ``prompts/``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from midspec.core.prompt import Prompt

FOLDER = Path(__file__).parent / "prompts"


@cache
def prompts() -> dict[str, Prompt]:
    """All prompts by name."""
    return {path.stem: Prompt.load(path) for path in sorted(FOLDER.glob("*.md"))}


def filled(name: str, **values: str) -> str:
    """A prompt with its slots filled; raises PromptError where slots and values do not match."""
    return prompts()[name].fill(**values)


def numbered(lines: list[str]) -> str:
    """Lines with numbers from 1, as the prompts show lists."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def one_line(text: str) -> str:
    """Names and titles that a model gave stand on one line wherever they are shown."""
    return " ".join(text.split())
