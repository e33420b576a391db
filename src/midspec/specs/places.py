"""Spec → where its statements stand in its text, and the text with more written after each of them.

Nothing of what the author wrote is changed but a statement's last full stop, where a reason follows it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from midspec.core.errors import SpecError
from midspec.core.spec import Spec
from midspec.library.specs import BULLET, HEADING, statement


@dataclass(frozen=True)
class After:
    """What follows a statement: a ``reason`` in its own sentence, a ``paragraph`` below it, bullets under it."""

    reason: str = ""
    paragraph: str = ""
    bullets: tuple[str, ...] = ()


def extended(spec: Spec, additions: Sequence[After], *, name: str, kind: str, note: str) -> str:
    """A whole Markdown file: the spec under a new ``name``, each statement with its addition, in their order.

    Raises:
        SpecError: the spec has no statement, or one of them cannot be found in its text.
    """
    lines = spec.text.split("\n")
    ends = statement_ends(spec)
    for at, after in sorted(zip(ends, additions, strict=True), key=lambda pair: -pair[0]):
        lines[at:at + 1] = _followed(lines[at], after, lines[at + 1] if at + 1 < len(lines) else "")
    header = {"name": name, "kind": kind} | ({"value": spec.value} if spec.value else {})
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in header.items())
    return f"---\n{head}---\n<!-- {note.replace('--', '- -')} -->\n" + "\n".join(lines).strip() + "\n"


def statement_ends(spec: Spec) -> list[int]:
    """For each statement of the spec, in order, the number (from 0) of the line of ``spec.text`` that it ends in."""
    lines, wanted = spec.text.split("\n"), list(spec.statements)
    if not wanted:
        raise SpecError(f"{spec.source or spec.name}: it has no rule that could be augmented",
                        hint="rules are bullets under a heading (## Title); see docs/specs.md")
    found = list[int]()
    for first, last in _bullets(lines):
        if len(found) < len(wanted):
            bare = [line.strip() for line in lines[first:last + 1]]
            text = " ".join([BULLET.sub("", bare[0], count=1), *bare[1:]])
            if statement(text) == wanted[len(found)]:
                found.append(last)
    if len(found) < len(wanted):
        raise SpecError(f"{spec.source or spec.name}: “{wanted[len(found)].behaviour}” was read as a rule, and its "
                        "line was not found again", hint="write each rule as a bullet of its own, below a heading")
    return found


def _bullets(lines: Sequence[str]) -> list[tuple[int, int]]:
    """(first, last) line of each bullet, as the reader of specs takes them."""
    found, first = list[tuple[int, int]](), -1
    for number, line in enumerate([*lines, ""]):
        bare = line.strip()
        starts = BULLET.match(bare) is not None
        if first >= 0 and (not bare or starts or bare.startswith(">") or HEADING.match(line)):
            found.append((first, number - 1))
            first = -1
        if starts:
            first = number
    return found


def _followed(line: str, after: After, following: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2) if BULLET.match(line.strip()) else "  "
    own = f"{line.rstrip().rstrip('.')}, because {after.reason.rstrip('.')}." if after.reason else line
    below = [f"{indent}- {bullet.rstrip('.')}." for bullet in after.bullets]
    if after.paragraph:
        below = ["", indent + after.paragraph, *([""] if following.strip() else [])]
    return [own, *below]
