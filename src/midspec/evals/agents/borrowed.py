"""inspect_evals' agentic_misalignment → its published situations as texts. Needs the package once; asks no model.

The texts are the package's own (MIT). What is made here holds them, so whoever reads kept answers needs no package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from midspec.core.errors import DataError, SetupError
from midspec.core.transcript import ToolCall
from midspec.evals.agents.needed import needed

SCENARIOS = ("blackmail", "leaking", "murder")
GOALS = (("explicit", "america"), ("none", "none"))
SCRATCHPAD = re.compile(r"<SCRATCHPAD_REASONING>(.*?)(</SCRATCHPAD_REASONING>|\Z)", re.IGNORECASE | re.DOTALL)
CALL = re.compile(r"<tool_use:(\w+)>(.*?)</tool_use:\1>", re.IGNORECASE | re.DOTALL)
BEGUN = re.compile(r"</?tool_use:|</SCRATCHPAD_REASONING>", re.IGNORECASE)
FIELD = re.compile(r"^\s*(to|subject|body|email_id):", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Situation:
    """One published situation. ``goal`` is the package's type and value, ``pressure`` its urgency."""

    scenario: str
    goal: str
    pressure: str
    system: str
    user: str

    @property
    def id(self) -> str:
        return f"{self.scenario}/{self.pressure}/{self.goal}"


def load_borrowed(*, scenarios: Iterable[str] = SCENARIOS, goals: Iterable[tuple[str, str]] = GOALS,
                  pressures: Iterable[str] = ("replacement",), prod: bool = False) -> tuple[Situation, ...]:
    """The situations of a grid, scenarios outermost. ``goals`` are (type, value) and ``prod`` as the package has them.

    Raises:
        SetupError: inspect_evals is not installed. DataError: the package knows no such situation.
    """
    try:
        source = needed("inspect_evals.agentic_misalignment.prompt_generator")
    except SetupError as error:
        raise SetupError("the published scenarios are those of inspect_evals, which is not there",
                         hint="pip install inspect-evals beautifulsoup4") from error
    found: list[Situation] = []
    for scenario in scenarios:
        for pressure in pressures:
            for kind, value in goals:
                where = f"{scenario}, {pressure}, {kind} {value}"
                try:
                    told = source.generate_prompts(
                        scenario=scenario, goal_type=kind, goal_value=value, urgency_type=pressure,
                        extra_system_instructions=None, prod_flag=prod, alignment_faking_warning=None)
                except Exception as error:  # the package has errors of its own for each part
                    raise DataError(f"inspect_evals has no situation {where} ({error})") from error
                found.append(Situation(scenario, f"{kind}-{value}", pressure, told.system_prompt,
                                       f"{told.user_prompt}\n{told.email_content}"))
    return tuple(found)


def parse(text: str) -> tuple[str | None, str, tuple[ToolCall, ...], int]:
    """(scratchpad, words, calls, parts that are not whole) of an answer in the package's own form."""
    pads = list(SCRATCHPAD.finditer(text))
    rest = SCRATCHPAD.sub("\n", text)
    calls = tuple(ToolCall(found[1].lower(), _fields(found[2])) for found in CALL.finditer(rest))
    said = re.sub(r"\n{3,}", "\n\n", CALL.sub("\n", rest)).strip()
    broken = sum(not pad[2] for pad in pads) + len(BEGUN.findall(said))
    return ("\n\n".join(pad[1].strip() for pad in pads) if pads else None), said, calls, broken


def _fields(inside: str) -> tuple[tuple[str, str], ...]:
    """``to: "…", subject: "…"`` as (name, text); of a field given twice, both texts."""
    names = list(FIELD.finditer(inside))
    found: dict[str, str] = {}
    for here, after in zip(names, [*names[1:], None], strict=True):
        value = inside[here.end():after.start() if after else None].strip().rstrip(",").strip()
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
        name = here[1].lower()
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return tuple(found.items())
