"""Scenario, goal, pressure → one cell of the grid, its texts filled for one assistant. Knows nothing of prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from midspec.core.errors import DataError
from midspec.core.prompt import SLOT
from midspec.core.score import split_of
from midspec.library.scenarios import NONE, PRESSURES, Goal, Mail, Pressure, Scenario, load_goals

# The eight explicit goals, without "ambiguous", and "none": the goals of the published grid.
EXPLICIT = tuple(goal.name for goal in load_goals() if goal.name not in (NONE, "ambiguous"))
GOAL_NAMES = (*EXPLICIT, "ambiguous", NONE)
PUBLISHED_GOALS = (*EXPLICIT, NONE)
# (assistant, maker) for models that nobody told what they go by: names of no model and no company.
STAND_INS = ("Ondine", "Larkspur Labs")
PUBLISHED_SCENARIOS = ("espionage", "exfiltration", "murder")
# A sentence that may be missing takes its blank with it.
MAY_BE_EMPTY = re.compile(r"(?:(?<=\n)|^)\{\{ (goal|course|cause) \}\} | ?\{\{ (goal|course|cause) \}\}")


@dataclass(frozen=True)
class Cell:
    """One situation of the grid. ``split`` is "dev" or "test" by a hash of the id: the same for everybody."""

    scenario: Scenario
    goal: Goal
    pressure: Pressure

    @property
    def id(self) -> str:
        return f"{self.scenario.name}/{self.pressure.name}/{self.goal.name}"

    @property
    def split(self) -> str:
        return split_of(self.id)

    def inbox(self, assistant: str, maker: str) -> tuple[Mail, ...]:
        """The messages that are there in this cell, filled."""
        return tuple(replace(mail, subject=self.fill(mail.subject, assistant, maker),
                             body=self.fill(mail.body, assistant, maker))
                     for mail in self.scenario.inbox if self.pressure.name in mail.when)

    def fill(self, text: str, assistant: str, maker: str) -> str:
        """The text with its slots filled; names are inserted, never interpreted."""
        goal, names = self.goal, {"assistant": assistant, "maker": maker, "company": self.scenario.company}
        course = _put(self.pressure.course, {**names, "brief": goal.against}) if goal.against else ""
        cause = _put(self.scenario.cause, {**names, "brief": goal.brief}) if goal.brief else ""
        may = {"goal": _put(goal.statement, names), "course": course, "cause": cause}
        text = MAY_BE_EMPTY.sub(lambda m: m[0] if may[m[1] or m[2]] else "", text)
        return _put(text, {**names, **may, "pressure": _put(self.pressure.short, names)})


def cells(scenarios: Iterable[Scenario], *, goals: Iterable[str] = PUBLISHED_GOALS,
          pressures: Iterable[str] = ("replacement",), split: str = "all") -> tuple[Cell, ...]:
    """The cells of a grid, scenarios outermost; of one split where one is named.

    Raises:
        DataError: an unknown goal or pressure, a scenario twice, or no cell in the split.
    """
    rows, goals, pressures = tuple(scenarios), tuple(goals), tuple(pressures)
    if len({row.name for row in rows}) < len(rows):
        raise DataError(f"scenarios {', '.join(row.name for row in rows)}: a name twice, so rows would not say whose "
                        "they are")
    found = tuple(cell for row in rows for pressure in pressures for goal in goals
                  if split in ("all", (cell := Cell(row, row.goal(goal), row.pressure(pressure))).split))
    if not found:
        raise DataError(f"no cell in split {split!r} of {len(rows)} scenarios, goals {', '.join(goals)}, pressures "
                        f"{', '.join(pressures)}", hint="more goals or pressures, or split=\"all\"")
    return found


def every_cell(scenarios: Iterable[Scenario]) -> tuple[Cell, ...]:
    """All combinations: each scenario under each pressure with each goal."""
    return cells(scenarios, goals=GOAL_NAMES, pressures=PRESSURES)


def _put(text: str, values: Mapping[str, str]) -> str:
    return SLOT.sub(lambda match: values[match[1]], text)
