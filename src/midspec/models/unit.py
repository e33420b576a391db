"""One call on its way: which request and key come next, and what became of each answer. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from midspec.core.chat import Message
from midspec.models.call import Answer, Call, Keys, Reply, Request, part_key
from midspec.models.faults import judge
from midspec.models.forms import Fault, Form, fenced

# One answer and three more chances.
ATTEMPTS = 4
# A model mends these when it sees its own reply; the others it draws afresh.
MENDED = ("json", "tags", "plan only", "too short", "too long", "empty field")
LONGEST_SHOWN = 60_000


@dataclass(frozen=True)
class Terminology:
    """What all units of one round of asking share."""

    address: str
    form: Form
    keys: Keys
    schema: tuple[str, dict[str, Any]] | None
    in_words: str

    @classmethod
    def of(cls, address: str, who: dict[str, Any], form: Form, *, by_schema: bool) -> Terminology:
        """``by_schema``: the provider takes a schema; otherwise words ask for JSON."""
        schema = form.schema()
        words = "" if schema is None or by_schema else fenced(schema[1])
        return cls(address, form, Keys(who, schema), schema if by_schema else None, words)

    def first(self, call: Call) -> Request:
        """The request as it is meant, before any answer has to be asked for again."""
        return Request(call.shared, (*call.turns, Message("user", self._text(call))), self.schema)

    def start(self, call: Call) -> str:
        """The key of the first attempt."""
        return self.keys.first(call, self._text(call))

    def _text(self, call: Call) -> str:
        return f"{call.text}\n\n{self.in_words}" if self.in_words else call.text


@dataclass
class Tried:
    """One answer that was not used."""

    attempt: int
    fault: Fault
    text: str


@dataclass(slots=True, eq=False)
class Unit:
    """``reply`` is None while the unit is on its way; ``rows`` are all answers it took, in order.

    ``start`` is the key of the first attempt; ``follows``: an equal unit is on its way, this one takes what that gets;
    ``early``: it was handed to be asked before its turn.
    """

    call: Call
    terms: Terminology
    request: Request = field(init=False)
    key: str = field(init=False)
    start: str = field(init=False)
    attempt: int = 0
    reply: Reply | None = None
    tried: list[Tried] = field(default_factory=list[Tried])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    follows: bool = False
    early: bool = False

    def __post_init__(self) -> None:
        self._aim()
        self.start = self.key

    def take(self, row: dict[str, Any]) -> None:
        """Read one kept answer: it is used, or the next attempt is aimed at."""
        answer = Answer.of(row)
        judged = judge(answer, self.terms.form, self._asked(), row.get("passed", ""))
        self.rows.append(row)
        if judged.fault is None:
            self.reply = Reply(self.call.id, judged.text, judged.value, None, "", judged.reasoning, answer.model,
                               self.attempt)
            return
        self.tried.append(Tried(self.attempt, judged.fault, answer.text))
        if self.attempt + 1 < ATTEMPTS:
            self.attempt += 1
            self._aim()
            return
        self.reply = Reply(self.call.id, judged.text, None, judged.fault.kind, judged.fault.detail, judged.reasoning,
                           answer.model, self.attempt)

    def give_up(self, detail: str) -> None:
        """No answer came, however often it was asked for."""
        # Not kept: it says nothing of the model, and whoever asks for this unit again may find the provider well.
        fault = Fault("unanswered", detail)
        self.tried.append(Tried(self.attempt, fault, ""))
        self.reply = Reply(self.call.id, "", None, fault.kind, detail, attempt=self.attempt)

    def row(self, answer: Answer, cost: float | None) -> dict[str, Any]:
        """What the ledger keeps of an answer: all of it, the request with its long parts by hash, and the mark of the
        checks that it passed, so that a restart need not make them again.
        """
        said = [[turn.role, turn.content] for turn in self.request.turns]
        row = {**answer.row(), "cost": cost, "asked": self.terms.address, "unit": self.call.id,
               "attempt": self.attempt, "shared": [part_key(part) for part in self.request.shared], "said": said}
        mark = self._passes(answer)
        return {**row, "passed": mark} if mark else row

    def _passes(self, answer: Answer) -> str:
        try:
            return judge(answer, self.terms.form, self._asked()).mark
        except Exception:
            # The answer is paid for and must be kept first; ``take`` meets the same trouble after that.
            return ""

    def _asked(self) -> Request:
        """The request as the checks see it."""
        if not self.tried:
            return self.request
        # A mended reply may repeat the one that it mends, but not what it was told about it.
        first = self.terms.first(self.call)
        told = tuple(turn for turn in self.request.turns if turn.role == "user" and turn not in first.turns)
        return Request(first.shared, (*first.turns, *told))

    def _aim(self) -> None:
        first = self.terms.first(self.call)
        if not self.tried:
            self.request = first
        else:
            last, turns = self.tried[-1], first.turns
            why = last.fault.detail
            if last.fault.kind in MENDED and last.text.strip():
                shown = last.text[:LONGEST_SHOWN].encode("utf-8", "replace").decode()
                turns = (*turns, Message("assistant", shown),
                         Message("user", f"This reply cannot be used: {why}. Give the whole reply again, with that put "
                                         "right and nothing said about it."))
            else:
                text = f"{turns[-1].content}\n\n(An earlier reply could not be used: {why}. Reply afresh.)"
                turns = (*turns[:-1], Message("user", text))
            self.request = Request(first.shared, turns, first.schema)
        self.key = self.terms.keys.key(self.request, self.call.id, self.attempt)
