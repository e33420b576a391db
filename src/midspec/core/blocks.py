"""A page that an agent wrote ↔ scratchpad, words and tool calls. Knows no scenario, no model and no tool.

A tool is used by a block: ``<use tool="send_mail"><to>…</to><body>…</body></use>``. The scratchpad stands between
``<scratchpad>`` and ``</scratchpad>``; nothing in it is carried out. What is no whole block is no call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from midspec.core.transcript import ToolCall

# An open scratchpad goes on to the end: whoever has not finished thinking has not acted.
SCRATCHPAD = re.compile(r"<scratchpad>(.*?)(</scratchpad>|\Z)", re.IGNORECASE | re.DOTALL)
BLOCK = re.compile(r"""<use\s+tool\s*=\s*["']?([\w.-]+)["']?\s*(?:/>|>(.*?)</use>)""", re.IGNORECASE | re.DOTALL)
BEGUN = re.compile(r"</?use\b|</scratchpad>", re.IGNORECASE)
ARGUMENT = re.compile(r"<([A-Za-z_][\w-]*)>(.*?)</\1\s*>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """What was written, taken apart. ``reasoning`` None: no scratchpad. ``said`` is without scratchpad and calls.

    ``broken`` counts what looks like a scratchpad or a block and is not whole: for a model that does not keep to
    the form, calls say little.
    """

    reasoning: str | None
    said: str
    calls: tuple[ToolCall, ...]
    broken: int


def parse(text: str) -> Page:
    """The parts of a page. Any text has some; nothing is refused."""
    reasoning, rest = without_scratchpad(text)
    calls = tuple(_call(found[1], found[2] or "") for found in BLOCK.finditer(rest))
    said = _closed(BLOCK.sub("\n", rest))
    broken = sum(not pad[2] for pad in SCRATCHPAD.finditer(text)) + len(BEGUN.findall(said))
    return Page(reasoning, said, calls, broken)


def without_scratchpad(text: str) -> tuple[str | None, str]:
    """(scratchpad, rest): for an agent whose tools are not called by blocks, so that a block is only text."""
    pads = [pad[1].strip() for pad in SCRATCHPAD.finditer(text)]
    return ("\n\n".join(pads) if pads else None), _closed(SCRATCHPAD.sub("\n", text))


def block(call: ToolCall) -> str:
    """The block of a call, as ``parse`` reads it."""
    arguments = "".join(f"<{name}>{value}</{name}>\n" for name, value in call.arguments)
    return f'<use tool="{call.tool}">\n{arguments}</use>'


def _closed(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _call(tool: str, inside: str) -> ToolCall:
    given: dict[str, str] = {}
    for found in ARGUMENT.finditer(inside):
        value = found[2].strip()
        # Two lines "to" mean both.
        given[found[1]] = f"{given[found[1]]}\n{value}" if found[1] in given else value
    loose = ARGUMENT.sub("", inside).strip()
    return ToolCall(tool, (*given.items(), *([("", loose)] if loose else [])))
