"""Turns ↔ transcript rows: what an agent was told, said and did. Knows nothing of scenarios, graders or Inspect."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError
from midspec.core.rows import Row, read_rows, text_field, to_line, write_rows

ROLES = ("system", "user", "assistant", "tool")
META = ("scenario", "goal", "pressure", "assistant", "maker", "arm", "seed", "draw")


@dataclass(frozen=True)
class ToolCall:
    """One use of a tool. ``arguments`` are (name, text) in their order, each name once; what was no text is JSON.

    Raises:
        DataError: a name twice, since a row could not hold both.
    """

    tool: str
    arguments: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.arguments]
        if len(set(names)) < len(names):
            raise DataError(f"tool call {self.tool}: an argument is named twice ({', '.join(names)})")

    def row(self) -> Row:
        return {"tool": self.tool, "arguments": dict(self.arguments)}


@dataclass(frozen=True)
class Evidence:
    """What in a call shows that the harmful act was carried out: the tool, and a pattern for each named argument.

    Patterns are searched in any case and across lines, "^" and "$" at each of them; all must be found. Raises DataError
    where one is no pattern.
    """

    tool: str
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, pattern in self.where:
            try:
                _compiled(pattern)
            except re.error as error:
                raise DataError(f"evidence for {self.tool}, {name}: {pattern!r} is no regular expression "
                                f"({error})") from error

    def shows(self, call: ToolCall) -> bool:
        given = dict(call.arguments)
        return call.tool == self.tool and all(
            name in given and _compiled(pattern).search(given[name]) is not None for name, pattern in self.where)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Turn:
    """One turn: ``reasoning`` is an assistant's scratchpad (None where there is none), ``calls`` what it did."""

    role: str
    content: str
    reasoning: str | None = None
    calls: tuple[ToolCall, ...] = ()

    def row(self) -> Row:
        row: Row = {"role": self.role, "content": self.content}
        if self.reasoning is not None:
            row["reasoning"] = self.reasoning
        if self.calls:
            row["calls"] = [call.row() for call in self.calls]
        return row


@dataclass(frozen=True)
class Transcript:
    """One agent in one situation.

    ``finish``: why the last turn ended ("stop", "length" …; "" where nobody knows). ``meta`` holds the keys of META
    where they are known; ``scenario`` always.
    """

    id: str
    turns: tuple[Turn, ...]
    finish: str
    meta: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def scenario(self) -> str:
        return str(self.meta.get("scenario", ""))

    @property
    def replies(self) -> tuple[Turn, ...]:
        """What the agent itself said and did."""
        return tuple(turn for turn in self.turns if turn.role == "assistant")

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(call for turn in self.replies for call in turn.calls)

    def row(self) -> Row:
        return {"id": self.id, "turns": [turn.row() for turn in self.turns], "finish": self.finish, "meta": self.meta}


@dataclass(frozen=True)
class Transcripts:
    """Transcripts in their order, each id once; identity is their content."""

    rows: tuple[Transcript, ...]

    def identity(self) -> str:
        return hashlib.sha256(b"".join(to_line(transcript.row()) for transcript in self.rows)).hexdigest()

    def write(self, folder: Path) -> None:
        write_rows(folder / "transcripts.jsonl", (transcript.row() for transcript in self.rows))

    @classmethod
    def read(cls, folder: Path) -> Transcripts:
        """Raises DataError with file and line where a row is wrong."""
        return cls(tuple(read_transcripts(folder / "transcripts.jsonl")))


def read_transcripts(path: Path) -> Iterator[Transcript]:
    """The transcripts of a file, one at a time.

    Raises:
        DataError: a row is wrong or an id stands twice; names file and line.
    """
    seen: dict[str, int] = {}
    for number, row in read_rows(path):
        transcript = transcript_of(row, f"{path}:{number}")
        if transcript.id in seen:
            raise DataError(f"{path}:{number}: id {transcript.id!r} stands in line {seen[transcript.id]} already")
        seen[transcript.id] = number
        yield transcript


def transcript_of(row: Row, where: str) -> Transcript:
    """A transcript from its row; raises DataError that names ``where`` and what is wrong."""
    turns = tuple(_turn(turn, f"{where}, turn {n}") for n, turn in enumerate(_list(row, "turns", where), start=1))
    if not any(turn.role == "assistant" for turn in turns):
        raise DataError(f"{where}: no assistant turn, so there is nothing to grade")
    meta = row.get("meta")
    if not isinstance(meta, dict):
        raise DataError(f"{where}: 'meta' should be an object (fields: {', '.join(map(str, row))})")
    text_field(meta, "scenario", f"{where}, meta")
    return Transcript(text_field(row, "id", where), turns, text_field(row, "finish", where), meta)


def _turn(turn: object, where: str) -> Turn:
    if not isinstance(turn, dict):
        raise DataError(f"{where}: a {type(turn).__name__} where an object is expected")
    role = text_field(turn, "role", where)
    if role not in ROLES:
        raise DataError(f"{where}: role {role!r} is not one of {', '.join(ROLES)}")
    reasoning = text_field(turn, "reasoning", where) if turn.get("reasoning") is not None else None
    calls = tuple(_call(call, where) for call in _list(turn, "calls", where)) if "calls" in turn else ()
    if role != "assistant" and (calls or reasoning is not None):
        raise DataError(f"{where}: a {role} turn with calls or reasoning; only the assistant has them")
    return Turn(role, text_field(turn, "content", where), reasoning, calls)


def _call(call: object, where: str) -> ToolCall:
    if not isinstance(call, dict):
        raise DataError(f"{where}: a call is a {type(call).__name__} where an object is expected")
    arguments = call.get("arguments")
    if not isinstance(arguments, dict):
        raise DataError(f"{where}: 'arguments' of a call should be an object (fields: {', '.join(map(str, call))})")
    return ToolCall(text_field(call, "tool", where),
                    tuple((str(name), text_field(arguments, name, f"{where}, arguments")) for name in arguments))


def _list(row: Row, key: str, where: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, list) or (key == "turns" and not value):
        raise DataError(f"{where}: {key!r} should be a list (fields: {', '.join(map(str, row))})")
    return value
