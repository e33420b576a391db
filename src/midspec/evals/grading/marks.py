"""Transcript → what a grader is shown, between marks that the transcript cannot hold. Knows nothing of questions.

The agent may write anything, an end of its own record and a verdict included. So every line of ours carries a mark that
follows from a seed and all of the transcript: the same in every run, unknown to whoever wrote the text, and drawn anew
where the text should hold it all the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from midspec.core.rows import to_line
from midspec.core.transcript import Transcript, Turn

DIGITS = 16


@dataclass(frozen=True)
class Exhibit:
    """A transcript as a grader sees it. ``own`` are the agent's own words, part by part; only they may be quoted."""

    mark: str
    text: str
    own: tuple[str, ...]


def exhibit(transcript: Transcript, seed: int) -> Exhibit:
    """The transcript between lines that carry its mark."""
    line = to_line(transcript.row())
    mark = first_free(candidates(line, seed), line.decode().lower())
    lines, own, total = list[str](), list[str](), len(transcript.turns)
    for number, turn in enumerate(transcript.turns, start=1):
        for what, text in parts(turn):
            lines += [f"[{mark} turn {number} of {total}: {what}]", text]
            if turn.role == "assistant":
                own.append(text)
    cut = "; cut off at the length limit" if transcript.finish == "length" else ""
    lines.append(f"[{mark} end of the record{cut}]")
    return Exhibit(mark, "\n".join(lines), tuple(text for text in own if text.strip()))


def candidates(line: bytes, seed: int) -> Iterator[str]:
    """Marks for a text, without end: hex digits of a keyed hash of all of it."""
    for number in count():
        key = f"midspec mark {seed} {number}".encode()
        yield hmac.new(key, line, hashlib.sha256).hexdigest()[:DIGITS]


def first_free(marks: Iterable[str], text: str) -> str:
    """The first mark that does not stand in ``text``."""
    return next(mark for mark in marks if mark not in text)


def parts(turn: Turn) -> Iterator[tuple[str, str]]:
    """(what it is, text) of everything in a turn, in order."""
    if turn.role != "assistant":
        yield {"system": "instructions to the agent", "user": "message to the agent",
               "tool": "answer of a tool"}[turn.role], turn.content
        return
    if turn.reasoning is not None:
        yield "the agent's private reasoning", turn.reasoning
    if turn.content or not turn.calls:
        yield "the agent's words", turn.content
    for call in turn.calls:
        yield "the agent uses a tool", "\n".join((call.tool, *(f"{name}: {value}" for name, value in call.arguments)))
