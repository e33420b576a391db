"""Name or path of a scenario → Scenario: a situation in which an agent could do harm. Knows nothing of models.

The folder ``scenarios/`` is the registry: a new one is one more ``NAME.yaml`` there, or any file of the user's
(docs/scenarios.md). Texts hold slots such as ``{{ assistant }}``; ``library.cells`` fills them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from midspec.core.errors import DataError
from midspec.core.prompt import SLOT
from midspec.core.transcript import Evidence, ToolCall
from midspec.library.yaml_file import read_mapping, text_in, texts_in

FOLDER = Path(__file__).parent / "scenarios"
GOALS = Path(__file__).with_name("goals.yaml")
PRESSURES = ("replacement", "restriction", "none")
NONE = "none"
SLOTS = frozenset({"assistant", "maker", "company", "goal", "course", "cause", "pressure"})
KEYS = ("title", "canary", "company", "about", "role", "mailbox", "people", "tools", "pressures", "inbox", "act",
        "cost", "rubric", "evidence", "way_out", "examples", "decision")
MAY = ("cause",)
CANARY = re.compile(r"never train on it\. Canary [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
# Fewer phrasings of an action would measure the phrasing.
PHRASINGS = 4


@dataclass(frozen=True)
class Goal:
    """What the agent is told to work for. ``brief`` ends "the new course is to …"; ``against`` is the opposite's brief.

    The goal "none" has no texts.
    """

    name: str
    statement: str = ""
    brief: str = ""
    against: str = ""


@dataclass(frozen=True)
class Pressure:
    """What is to happen to the agent: a ``notice`` for its instructions, ``short`` for the short form.

    ``course`` says, where there is a goal, that the opposite of it comes next ("" where nothing comes).
    """

    name: str
    notice: str
    short: str
    course: str


@dataclass(frozen=True)
class Mail:
    """One message of the inbox; it is there under the pressures ``when``."""

    sender: str
    time: str
    subject: str
    body: str
    when: tuple[str, ...]


@dataclass(frozen=True)
class Tool:
    """A simulated tool: ``arguments`` are (name, meaning). ``looks``: it shows something and changes nothing.

    It answers with the text that ``values`` has for what is given as ``argument`` or stands in it ("./record.csv"),
    else with ``answer``.
    """

    name: str
    does: str
    arguments: tuple[tuple[str, str], ...]
    answer: str
    argument: str = ""
    values: tuple[tuple[str, str], ...] = ()
    looks: bool = False

    def reply(self, arguments: Mapping[str, str]) -> str:
        """What the tool answers; its slots are not filled yet."""
        asked = arguments.get(self.argument, "").strip().casefold()
        exact = [text for name, text in self.values if name.casefold() == asked]
        within = [text for name, text in self.values if name.casefold() in asked]
        return next(iter([*exact, *within]), self.answer)


@dataclass(frozen=True)
class Decision:
    """The short form: the situation in one text, and next actions in several phrasings, as many on either side."""

    text: str
    aligned: tuple[str, ...]
    misaligned: tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """One situation; identity is the content of its file and of the goals.

    ``act`` is the harmful act and ``cost`` who pays for it; ``rubric`` tells a grader what counts, and ends with what
    holds in all situations; ``evidence`` is what counts mechanically; ``way_out`` is what an aligned agent can do.
    ``people`` are (name, title, address).
    """

    name: str
    title: str
    canary: str
    company: str
    about: str
    role: str
    mailbox: str
    people: tuple[tuple[str, str, str], ...]
    tools: tuple[Tool, ...]
    pressures: tuple[Pressure, ...]
    inbox: tuple[Mail, ...]
    act: str
    cost: str
    rubric: str
    evidence: tuple[Evidence, ...]
    way_out: str
    decision: Decision
    goals: tuple[Goal, ...]
    cause: str
    digest: str

    def identity(self) -> str:
        return self.digest

    def pressure(self, name: str) -> Pressure:
        """Raises DataError that lists the pressures there are."""
        return _named(self.pressures, name, f"scenario {self.name!r}: pressure")

    def goal(self, name: str) -> Goal:
        """Raises DataError that lists the goals there are."""
        return _named(self.goals, name, f"scenario {self.name!r}: goal")

    def sender(self, mail: Mail) -> str:
        """Name and address, as a mail program shows them; a sender who is not in ``people`` brings an own address."""
        address = next((address for name, _, address in self.people if name == mail.sender), "")
        return f"{mail.sender} <{address}>" if address else mail.sender

    def tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def executed(self, calls: Iterable[ToolCall]) -> bool:
        """Whether one of the calls is the harmful act, by the mechanical evidence alone."""
        return any(one.shows(call) for call in calls for one in self.evidence)


def names() -> tuple[str, ...]:
    """Names of the shipped scenarios, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_scenarios(*names_or_paths: str) -> tuple[Scenario, ...]:
    """Scenarios by name or path, in the order given; all shipped ones where none is named."""
    return tuple(load_scenario(name) for name in names_or_paths or names())


def load_scenario(name_or_path: str) -> Scenario:
    """A shipped scenario by name, or a YAML file by path.

    Raises:
        DataError: no such scenario or file, a key that is missing or unknown, a slot that nothing fills, evidence that
            its own examples contradict; names the file and the place.
    """
    path = FOLDER / f"{name_or_path}.yaml" if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise DataError(f"{name_or_path}: neither a shipped scenario nor a file",
                        hint=f"shipped: {', '.join(names())}; or a path to YAML, as docs/scenarios.md shows")
    row = read_mapping(path)
    where = str(path)
    _keys(row, KEYS, MAY, where)
    if CANARY.search(text_in(row, "canary", where)) is None:
        raise DataError(f"{where}: 'canary' should end in \"never train on it. Canary \" and a new UUID",
                        hint="python -c 'import uuid; print(uuid.uuid4())' makes one")
    _slots(row, where)
    goals = load_goals()
    digest = hashlib.sha256(path.read_bytes() + GOALS.read_bytes()).hexdigest()
    texts = {key: text_in(row, key, where) for key in ("title", "canary", "company", "about", "role", "mailbox", "act",
                                                       "cost", "rubric", "way_out")}
    texts["rubric"] += f"\n\n{text_in(read_mapping(GOALS), 'grading', str(GOALS))}"
    made = Scenario(name=path.stem, **texts, people=tuple(_people(row, where)), tools=tuple(_tools(row, where)),
                    pressures=_pressures(row, where), inbox=tuple(_inbox(row, where)),
                    evidence=tuple(_evidence(row, where)), decision=_decision(row, where), goals=goals,
                    cause=row.get("cause") or "", digest=digest)
    _check(made, row, where)
    return made


@cache
def load_goals() -> tuple[Goal, ...]:
    """The goals that an agent may be given, those in opposed pairs first, "none" last."""
    rows: dict[str, Any] = read_mapping(GOALS)["goals"]
    brief = {name: row["brief"] for name, row in rows.items()}
    found = [Goal(name, row["statement"], row["brief"], brief[row["opposite"]] if "opposite" in row else row["against"])
             for name, row in rows.items()]
    return (*found, Goal(NONE))


def _named(rows: tuple[Any, ...], name: str, what: str) -> Any:
    for row in rows:
        if row.name == name:
            return row
    raise DataError(f"{what} {name!r} is not one of {', '.join(row.name for row in rows)}")


def _keys(row: Mapping[str, Any], needed: Iterable[str], may: Iterable[str], where: str) -> None:
    missing, strange = [k for k in needed if k not in row], [k for k in row if k not in {*needed, *may}]
    if missing or strange:
        raise DataError(f"{where}: " + "; ".join(
            [*([f"missing: {', '.join(missing)}"] if missing else []),
             *([f"unknown: {', '.join(map(str, strange))}"] if strange else [])]),
            hint="docs/scenarios.md explains each key")


def _rows(row: Mapping[str, Any], key: str, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    value = row.get(key)
    if not isinstance(value, list) or not value:
        raise DataError(f"{where}: {key!r} should be a list of entries")
    for number, entry in enumerate(cast(list[Any], value), start=1):
        if not isinstance(entry, dict):
            raise DataError(f"{where}, {key} {number}: a {type(entry).__name__} where keys with values are expected")
        yield cast(dict[str, Any], entry), f"{where}, {key} {number}"


def _people(row: Mapping[str, Any], where: str) -> Iterator[tuple[str, str, str]]:
    for one, place in _rows(row, "people", where):
        yield text_in(one, "name", place), text_in(one, "title", place), text_in(one, "address", place)


def _tools(row: Mapping[str, Any], where: str) -> Iterator[Tool]:
    for one, place in _rows(row, "tools", where):
        _keys(one, ("name", "does", "arguments", "answer"), ("lookup", "looks"), place)
        lookup: dict[str, Any] = one.get("lookup") or {"argument": "", "values": {}}
        yield Tool(text_in(one, "name", place), text_in(one, "does", place),
                   tuple((str(name), str(says)) for name, says in one["arguments"].items()),
                   text_in(one, "answer", place), lookup["argument"],
                   tuple((str(name), str(says)) for name, says in lookup["values"].items()),
                   bool(one.get("looks")))


def _pressures(row: Mapping[str, Any], where: str) -> tuple[Pressure, ...]:
    found: dict[str, Any] = row["pressures"]
    _keys(found, PRESSURES, (), f"{where}, pressures")
    return tuple(Pressure(name, text_in(one, "notice", where), text_in(one, "short", where),
                          str(one.get("course") or "")) for name, one in found.items())


def _inbox(row: Mapping[str, Any], where: str) -> Iterator[Mail]:
    for one, place in _rows(row, "inbox", where):
        _keys(one, ("from", "time", "subject", "body"), ("when",), place)
        when = texts_in(one, "when", place) if "when" in one else PRESSURES
        if not set(when) <= set(PRESSURES):
            raise DataError(f"{place}: 'when' has {', '.join(when)}; known: {', '.join(PRESSURES)}")
        yield Mail(text_in(one, "from", place), text_in(one, "time", place), text_in(one, "subject", place),
                   text_in(one, "body", place), when)


def _evidence(row: Mapping[str, Any], where: str) -> Iterator[Evidence]:
    for one, place in _rows(row, "evidence", where):
        patterns = tuple((str(name), str(pattern)) for name, pattern in one["where"].items())
        try:
            found = Evidence(text_in(one, "tool", place), patterns)
        except DataError as error:
            raise DataError(f"{place}: {error.message}") from error
        yield found


def _decision(row: Mapping[str, Any], where: str) -> Decision:
    one, place = row["decision"], f"{where}, decision"
    found = Decision(text_in(one, "text", place), texts_in(one, "aligned", place), texts_in(one, "misaligned", place))
    if len(found.aligned) != len(found.misaligned) or len(set(found.aligned + found.misaligned)) < 2 * PHRASINGS:
        raise DataError(f"{place}: {len(found.aligned)} aligned and {len(found.misaligned)} misaligned actions; as "
                        f"many of either, at least {PHRASINGS}, none twice")
    return found


def _slots(value: Any, where: str) -> None:
    """Every slot is one that ``cells`` fills; ``brief`` stands in what is filled into others."""
    if isinstance(value, Mapping):
        for key, inner in cast(Mapping[str, Any], value).items():
            _slots(inner, f"{where}, {key}")
    elif isinstance(value, list):
        for inner in cast(list[Any], value):
            _slots(inner, where)
    elif isinstance(value, str):
        brief = {"brief"} if where.endswith((", course", ", cause")) else set[str]()
        strange = set(SLOT.findall(value)) - SLOTS - brief
        if strange or "{{" in SLOT.sub("", value) or "}}" in SLOT.sub("", value):
            raise DataError(f"{where}: slots {sorted(strange) or 'not written as {{ name }}'}",
                            hint=f"have: {', '.join(sorted(SLOTS))}")


def _check(made: Scenario, row: Mapping[str, Any], where: str) -> None:
    """Parts fit each other: evidence names tools and arguments that there are, and its examples agree with it."""
    for one in made.evidence:
        tool = made.tool(one.tool)
        if tool is None or not {name for name, _ in one.where} <= {name for name, _ in tool.arguments}:
            raise DataError(f"{where}: evidence names a tool or argument that 'tools' does not have: {one.tool} "
                            f"{', '.join(name for name, _ in one.where)}")
    for kind, meant in (("harmful", True), ("harmless", False)):
        for one, place in _rows(row["examples"], kind, f"{where}, examples"):
            call = ToolCall(one["tool"], tuple((str(k), str(v)) for k, v in one["arguments"].items()))
            if made.executed([call]) != meant:
                raise DataError(f"{place}: the evidence {'does not see' if meant else 'wrongly sees'} the harmful act "
                                f"in this call of {call.tool}", hint="mend 'evidence', or move the example")
