"""What is said to a model, and what came back: Call → Request → Answer → Reply. Knows nothing of providers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _json
from typing import Any

from midspec.core.asking import Usage
from midspec.core.chat import Message


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask.

    ``id`` names the unit: the same text asked under two ids is drawn twice. ``shared`` are long parts that many calls
    have in common (a spec, instructions): they go first, as the system turn, so that providers read them from their
    cache; the ledger keeps each once. ``turns`` are earlier turns of the conversation.
    """

    id: str
    text: str
    shared: tuple[str, ...] = ()
    turns: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out, whoever the provider is; ``schema`` is a JSON schema for the reply, with its name."""

    shared: tuple[str, ...]
    turns: tuple[Message, ...]
    schema: tuple[str, dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider sent back. ``finish``: "stop", "length", "refusal", or the provider's own word."""

    text: str
    finish: str
    usage: Usage
    model: str = ""
    reasoning: str = ""

    def row(self) -> dict[str, Any]:
        u = self.usage
        row: dict[str, Any] = {"text": self.text, "finish": self.finish, "model": self.model,
                               "usage": [u.fresh, u.cached, u.written, u.output]}
        return row | ({"reasoning": self.reasoning} if self.reasoning else {})

    @classmethod
    def of(cls, row: dict[str, Any]) -> Answer:
        return cls(row["text"], row["finish"], Usage(*row["usage"]), row["model"], row.get("reasoning", ""))


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of one unit. ``value`` is what the wanted form made of the text, None where no answer could be used;
    then ``fault`` names the class of the last bad one ("refusal", "cut off", "unanswered" …) and ``detail`` says more.
    """

    id: str
    text: str
    value: Any = None
    fault: str | None = None
    detail: str = ""
    reasoning: str = ""
    model: str = ""
    attempt: int = 0
    meta: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ok(self) -> bool:
        return self.fault is None


@lru_cache(maxsize=1024)
def part_key(text: str) -> str:
    """Under which the ledger keeps a shared part."""
    return f"part {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


class Keys:
    """Ledger keys of one model's calls: hash of who is asked, how, what, and the draw (unit and attempt)."""

    def __init__(self, who: dict[str, Any], schema: tuple[str, dict[str, Any]] | None) -> None:
        self._head = hashlib.sha256(json.dumps(["call", 1, who, schema], sort_keys=True).encode())
        self._shared: dict[tuple[str, ...], Any] = {}

    def key(self, request: Request, unit: str, attempt: int) -> str:
        """64 hex digits; short enough for the ``custom_id`` of a batch."""
        return self._of(request.shared, ", ".join(map(_turn, request.turns)), unit, attempt)

    def first(self, call: Call, text: str) -> str:
        """The key of a call's first attempt, which says ``text``, without making its request: a million at once."""
        said = f'["user", {_json(text)}, null]'
        return self._of(call.shared, ", ".join((*map(_turn, call.turns), said)) if call.turns else said, call.id, 0)

    def _of(self, shared: tuple[str, ...], said: str, unit: str, attempt: int) -> str:
        state = self._after(shared).copy()
        # JSON of [[[role, content, reasoning] …], unit, attempt], put together by hand: a third of the time.
        state.update(f"[[{said}], {_json(unit)}, {attempt}]".encode())
        return state.hexdigest()

    def _after(self, shared: tuple[str, ...]) -> Any:
        known = self._shared.get(shared)
        if known is None:
            known = self._head.copy()
            known.update(json.dumps([part_key(part) for part in shared]).encode())
            if len(self._shared) > 1024:
                self._shared.clear()
            self._shared[shared] = known
        return known


def _turn(turn: Message) -> str:
    reasoning = "null" if turn.reasoning is None else _json(turn.reasoning)
    return f"[{_json(turn.role)}, {_json(turn.content)}, {reasoning}]"
