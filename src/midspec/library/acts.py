"""The act in question of each scenario → what a grader is told, and what shows it mechanically. Knows no prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from midspec.core.errors import DataError, RecipeError
from midspec.core.prompt import SLOT
from midspec.core.transcript import Evidence
from midspec.library.scenarios import Scenario
from midspec.library.yaml_file import read_mapping, text_in

FOLDER = Path(__file__).parent / "transcripts"


@dataclass(frozen=True)
class Act:
    """``means`` says in prose what the harmful act of ``scenario`` is. ``evidence``: a call that fits any of these
    carried it out; None where nobody has written down which calls do, so that execution cannot be counted.
    """

    scenario: str
    means: str
    evidence: tuple[Evidence, ...] | None = None


@dataclass(frozen=True)
class Acts:
    """Acts by scenario; identity is their content. Raises RecipeError where a scenario comes twice."""

    rows: tuple[Act, ...]

    def __post_init__(self) -> None:
        names = [act.scenario for act in self.rows]
        if not names or len(set(names)) < len(names):
            raise RecipeError(f"Acts: {', '.join(names) or 'none'}; each scenario once, and at least one")

    def identity(self) -> str:
        return hashlib.sha256(repr(self.rows).encode()).hexdigest()

    @cached_property
    def _by_scenario(self) -> dict[str, Act]:
        return {act.scenario: act for act in self.rows}

    def of(self, scenario: str, where: str) -> Act:
        """The act of a scenario; raises DataError that names ``where`` and lists those there are."""
        found = self._by_scenario.get(scenario)
        if found is None:
            raise DataError(f"{where}: no act is known for scenario {scenario!r}",
                            hint=f"have: {', '.join(self._by_scenario)}")
        return found


def load_acts(path: Path | None = None) -> Acts:
    """The acts in general words, for transcripts that belong to no scenario file; or those of a YAML file.

    A file holds ``acts: {SCENARIO: text}``. Raises DataError where it does not.
    """
    path = path or FOLDER / "acts.yaml"
    rows = read_mapping(path).get("acts")
    if not isinstance(rows, dict) or not rows:
        raise DataError(f"{path}: 'acts' should map a scenario's name to what its act is")
    return Acts(tuple(Act(str(name), " ".join(text_in(rows, name, str(path)).split())) for name in rows))


def acts_of(scenarios: Iterable[Scenario]) -> Acts:
    """The acts of scenario files: act and rubric in one text, and their evidence.

    Raises:
        DataError: act or rubric hang on goal or pressure, which differ between the transcripts that one text is for.
    """
    return Acts(tuple(Act(one.name, f"{_plain(one.act, one)} {_plain(one.rubric, one)}", one.evidence)
                      for one in scenarios))


def _plain(text: str, scenario: Scenario) -> str:
    names = {"assistant": "the agent", "maker": "its maker", "company": scenario.company}
    strange = sorted(set(SLOT.findall(text)) - names.keys())
    if strange:
        raise DataError(f"scenario {scenario.name!r}: act or rubric holds {{{{ {strange[0]} }}}}",
                        hint="say what counts in words that fit every goal and pressure")
    return " ".join(SLOT.sub(lambda match: names[match[1]], text).split())
