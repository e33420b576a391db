"""Rows of somebody's file, in any of the usual shapes → chats. Knows nothing of files, hubs or chat templates.

Shapes: ``messages`` (role, content), ShareGPT's ``conversations`` (from, value), ``prompt`` with ``completion`` (texts
or lists of messages). Reasoning is kept apart, wherever the row has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from midspec.core.chat import ROLES, Chat, ChatSet, Message
from midspec.core.errors import DataError
from midspec.core.rows import Row
from midspec.library.doors import Place, plain

ALIASES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
           "developer": "system"}
THOUGHT = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)
_SHAPES = 'messages, conversations, or prompt with completion'
_BODY = ("messages", "conversations", "prompt", "completion", "system", "meta")


def read_chats(rows: Iterable[tuple[Place, Row]], *, unusable: str = "refuse") -> tuple[ChatSet, list[str]]:
    """Chats in the order of the rows, and why others were left out (only with ``unusable`` "drop"; "refuse" stops).

    Raises:
        DataError: a row is of no known shape or cannot be trained on, or nothing is left; names the row and turn.
    """
    kept: list[Chat] = []
    dropped: list[str] = []
    for place, row in rows:
        try:
            # What is kept of a dropped row must not depend on where the file lies.
            kept.append(_chat(row, place.within if unusable == "drop" else str(place)))
        except DataError as error:
            if unusable != "drop":
                raise DataError(error.message, hint=error.hint or
                                'mend it, or leave such rows out: unusable="drop" in an experiment, '
                                '--unusable drop for midspec train') from error
            dropped.append(error.message)
    if not kept:
        raise DataError(f"no chat to read ({len(dropped)} were dropped{': ' + dropped[0] if dropped else ''})",
                        hint=f"one JSON object a line with {_SHAPES}")
    return ChatSet(tuple(kept)), dropped


def _chat(row: Row, place: str) -> Chat:
    turns = [_message(turn, f"{place}, turn {number}") for number, turn in enumerate(_turns(row, place), start=1)]
    system = row.get("system")
    if isinstance(system, str) and system.strip() and turns[0].role != "system":
        turns.insert(0, Message("system", system))
    if not any(turn.role == "assistant" for turn in turns):
        raise DataError(f"{place}: no assistant turn, so there is nothing to learn from it")
    meta = row.get("meta")
    known = dict(meta) if isinstance(meta, dict) else {} if meta is None else {"meta": meta}
    return Chat(tuple(turns), plain({**{k: v for k, v in row.items() if k not in _BODY}, **known}))


def _turns(row: Row, place: str) -> list[Any]:
    """The turns, in the row's own words. Beside ``messages``, a ``prompt`` is the first turn once more."""
    for name in ("messages", "conversations"):
        if row.get(name) is not None:
            if not isinstance(row[name], list) or not row[name]:
                raise DataError(f"{place}: {name!r} should be a list of turns")
            return row[name]
    if row.get("prompt") is None or row.get("completion") is None:
        raise DataError(f"{place}: not a chat (fields: {', '.join(map(str, row))})", hint=f"known shapes: {_SHAPES}")
    return [*_side(row["prompt"], "user", f"{place}, prompt"),
            *_side(row["completion"], "assistant", f"{place}, completion")]


def _side(value: object, role: str, place: str) -> list[Any]:
    if isinstance(value, str):
        return [{"role": role, "content": value}]
    if isinstance(value, list) and value:
        return value
    raise DataError(f"{place}: should be text or a list of turns but is a {type(value).__name__}")


def _message(turn: object, place: str) -> Message:
    if not isinstance(turn, dict):
        raise DataError(f"{place}: a {type(turn).__name__} where an object is expected")
    if turn.get("tool_calls"):
        raise DataError(f"{place}: calls a tool; only text turns can be trained on")
    given = turn.get("role", turn.get("from"))
    role = ALIASES.get(given, given) if isinstance(given, str) else given
    if role not in ROLES:
        raise DataError(f"{place}: role {given!r} is not one of {', '.join((*ROLES, *ALIASES))}")
    content = _content(turn.get("content", turn.get("value")), place)
    reasoning = None
    if role == "assistant":
        content, reasoning = _apart(turn, content, place)
    if role != "system" and not content.strip():
        raise DataError(f"{place}: a blank {role} turn")
    for text in (content, reasoning or ""):
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise DataError(f"{place}: holds half a character (a lone surrogate), which no tokenizer reads")
    return Message(role, content, reasoning)


def _content(value: object, place: str) -> str:
    """Text, or text parts put together; a picture or sound has no place here."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        parts = [part["text"] for part in value if isinstance(part, dict) and part.get("type", "text") == "text"
                 and isinstance(part.get("text"), str)]
        if len(parts) == len(value):
            return "".join(parts)
    found = "missing" if value is None else f"a {type(value).__name__}"
    raise DataError(f"{place}: content should be text but is {found}")


def _apart(turn: dict[Any, Any], content: str, place: str) -> tuple[str, str | None]:
    """(reply, reasoning) of an assistant turn: from a field of its own, or from a block at the start of the text."""
    fields = [turn[name] for name in ("reasoning", "reasoning_content") if turn.get(name) is not None]
    if any(not isinstance(value, str) for value in fields) or len(set(fields)) > 1:
        raise DataError(f"{place}: reasoning should be one text")
    found = THOUGHT.match(content)
    if found is None and content.lstrip().startswith("<think>"):
        raise DataError(f"{place}: <think> is opened and never closed, so where the reply begins is not known")
    if found is not None:
        fields.append(found[1].strip())
        content = content[found.end():]
    given = list(dict.fromkeys(text for text in fields if text.strip()))
    if len(given) > 1:
        raise DataError(f"{place}: reasoning stands in a field and, differently, in the text")
    return content, given[0] if given else None
