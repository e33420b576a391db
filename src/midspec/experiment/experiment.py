"""Experiment file → cells: which model each arm is at each point of the grid. Knows nothing of stores or runs."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import RecipeError, SetupError
from midspec.core.recipe import Recipe, closure
from midspec.core.score import Responses, Scores
from midspec.evals._eval import Eval
from midspec.evals.answers import Answers
from midspec.experiment.check import Check, clash
from midspec.experiment.graders import Graders, Read, gives_transcripts
from midspec.experiment.trouble import check_fields, told
from midspec.library.labels import LabelSet
from midspec.stages.grade import Grade
from midspec.stages.respond import Respond

# None at points where the arm is not wanted: controls may take fewer seeds.
Arm = Callable[..., Recipe[Checkpoint] | None]
Point = Mapping[str, Any]


def grid(**axes: tuple[Any, ...]) -> tuple[Point, ...]:
    """All combinations of the axes' values; the axis ``seed`` is the outer level of every interval."""
    for name, values in axes.items():
        if not isinstance(values, tuple) or not values:  # pyright: ignore[reportUnnecessaryIsInstance]
            listed = isinstance(values, (list, range, set))
            shown = (tuple(values) if listed else values if values == () else (values,)) or (1, 2, 3)
            raise RecipeError(
                f"grid({name}=…): a tuple with at least one value is needed, not {values!r}", hint=f"{name}={shown!r}"
            )
    return tuple(dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))


@dataclass(frozen=True)
class Contrast:
    """``arm`` − ``minus``, and where ``beyond`` = (a, b) is given, (arm − minus) − (a − b).

    ``axis`` limits it to items of one axis, None means each axis of its own. Computed at every point of the grid.
    ``headline`` is the reading in which it answers the question, None for the experiment's, "" for none.
    """

    arm: Arm
    minus: Arm
    beyond: tuple[Arm, Arm] | None = None
    axis: str | None = None
    name: str | None = None
    headline: str | None = None
    words: str = ""

    def weights(self) -> dict[str, float]:
        """Weight of each arm, by its name; an arm that stands on both sides cancels."""
        signed = [(self.arm, 1.0), (self.minus, -1.0)]
        signed += [] if self.beyond is None else [(self.beyond[0], -1.0), (self.beyond[1], 1.0)]
        total: dict[str, float] = {}
        for arm, weight in signed:
            total[arm.__name__] = total.get(arm.__name__, 0.0) + weight
        return {name: weight for name, weight in total.items() if weight}

    @property
    def title(self) -> str:
        if self.name is not None:
            return self.name
        plain = f"{self.arm.__name__} − {self.minus.__name__}"
        return plain if self.beyond is None else f"({plain}) − ({self.beyond[0].__name__} − {self.beyond[1].__name__})"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Arms × points × evals, with the contrasts that were planned before the run.

    ``headline`` names the reading that counts ("letter"); the others go to the appendix. ``question`` is one sentence
    that the report opens with. ``checks`` are shown above any result. ``labels`` are answers labelled blind to their
    arm: they say how often the reader of stated reasons errs. ``graders`` read what agents did in the rollouts.
    ``across_machines`` permits contrasts between artifacts of different devices or versions. ``caption`` stands under
    the answer: a limit that nobody should read past.
    """

    question: str
    arms: tuple[Arm, ...]
    points: tuple[Point, ...]
    evals: tuple[Eval, ...]
    contrasts: tuple[Contrast, ...] = ()
    headline: str | None = None
    checks: tuple[Check, ...] = ()
    labels: LabelSet | None = None
    graders: Graders | None = None
    across_machines: bool = False
    caption: str = ""

    def __post_init__(self) -> None:
        for name in ("arms", "points", "evals", "contrasts", "checks"):
            if not isinstance(getattr(self, name), tuple):
                raise RecipeError(
                    f"Experiment: {name} is a {type(getattr(self, name)).__name__} where a tuple is expected",
                    hint=f"{name}=(first, second), and with the comma where there is only one: {name}=(first,)",
                )
        if self.graders is not None and not any(map(gives_transcripts, self.evals)):
            raise RecipeError("graders= read what agents did, but no Rollout or Borrowed is among the evals",
                              hint="evals=(Rollout(scenarios=load_scenarios()),), or leave graders= out")
        spoken = () if self.graders is None else self.graders.explain()
        readings = sorted({r.name for r in (*spoken, *(r for one in self.evals for r in one.explain()))})
        wrong = [h for h in (self.headline, *(c.headline for c in self.contrasts)) if h and h not in readings]
        if wrong:
            raise RecipeError(
                f"headline {wrong[0]!r} is no reading of these evals, so nothing would be named before "
                f"the run (have: {', '.join(readings)})"
            )
        for one, other in itertools.combinations(self.evals, 2):
            if reading := clash(one, other):
                raise RecipeError(f"two evals ({one.title}; {other.title}) give {reading!r} of the same items, and "
                                  "rows would mix", hint="ask them in two experiments: answers and models are shared")
        names = [arm.__name__ for arm in self.arms]
        if len(set(names)) != len(names):
            raise RecipeError(f"two arms have one name: {', '.join(names)}")
        for check in self.checks:
            strange = check.asked - set(names)
            if strange:
                raise RecipeError(f"check {check.words!r} names {', '.join(sorted(strange))}, which is no arm here")
            others = (*self.evals, *(c.by for c in self.checks if c.by is not None and c.asked & check.asked))
            if mixed := [other for other in others if check.mixes_with(other)]:
                raise RecipeError(f"check {check.words!r}: another eval gives {check.reading!r} of the same name to "
                                  "the same arms, and rows would mix", hint=check.way_out(mixed))
        if self.labels is not None and not any(isinstance(one, Answers) and one.reader for one in self.evals):
            raise RecipeError("labels= say how often a reader errs, but no Answers(reader=…) is among the evals",
                              hint="evals=(Answers(questions=…, reader=…),), or leave labels= out")
        for contrast in self.contrasts:
            unknown = contrast.weights().keys() - set(names)
            if unknown:
                raise RecipeError(
                    f"contrast {contrast.title!r} names {', '.join(sorted(unknown))}, which is no arm "
                    f"of this experiment (have: {', '.join(names)})"
                )


@dataclass(frozen=True)
class Cell:
    """One arm at one setting of the axes that it names."""

    arm: str
    axes: tuple[tuple[str, Any], ...]
    seed: int | None
    model: Recipe[Checkpoint]

    @property
    def key(self) -> str:
        """Arm and axes without the seed: what a row of the report is about, written as ``ArmRun.key`` does."""
        shown = ", ".join(f"{name}={value}" for name, value in self.axes)
        return f"{self.arm} [{shown}]" if shown else self.arm


@dataclass(frozen=True)
class Loaded:
    """An experiment read from its file: the name is the file's, the hypothesis its docstring's."""

    name: str
    hypothesis: str
    experiment: Experiment
    final: bool = False

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every arm at every point, each once although more axes exist than it names; none where an arm gives None.

        An axis with a single value tells no cells apart, so it is no part of their names. Computed once: arms may read
        files, and the recipes of one run must be the same from plan to report.
        """
        points = self.experiment.points
        tells = {name for point in points for name in point if any(one.get(name) != point[name] for one in points)}
        found: dict[tuple[str, tuple[tuple[str, Any], ...], int | None], Cell] = {}
        for arm, point in itertools.product(self.experiment.arms, self.experiment.points):
            given = {name: point[name] for name in _axes(arm, point)}
            seed = given.get("seed")
            axes = tuple((name, value) for name, value in given.items() if name in tells - {"seed"})
            if (arm.__name__, axes, seed) not in found and (model := _model(arm, given)) is not None:
                found[arm.__name__, axes, seed] = Cell(arm.__name__, axes, seed, model)
        empty = {arm.__name__ for arm in self.experiment.arms} - {name for name, _, _ in found}
        if empty:
            raise RecipeError(
                f"arm {min(empty)} returns None at every point of the grid, so there is no model of it",
                hint="return Pretrained(…), Midtrain(…) or Finetune(…); is the word return missing?",
            )
        return tuple(found.values())

    @cached_property
    def evals(self) -> tuple[Eval, ...]:
        """The evals; a final run scores the test split in place of the development split."""
        return tuple(map(self._split, self.experiment.evals))

    def asked(self, cell: Cell) -> tuple[Eval, ...]:
        """What one cell is asked: the evals, then those of the manipulation checks that name its arm."""
        checks = [self._split(c.by) for c in self.experiment.checks if c.by is not None and cell.arm in c.asked]
        return (*self.evals, *(one for n, one in enumerate(checks) if one not in (*self.evals, *checks[:n])))

    def _split(self, one: Eval) -> Eval:
        return replace(one, **{"split": "test"}) if self.final and getattr(one, "split", "") == "dev" else one

    def grade(self, cell: Cell, by: Eval) -> Recipe[Scores]:
        """The scores of one cell."""
        return Grade(responses=self._responses(cell, by), by=by)

    def read(self, cell: Cell, by: Eval) -> Read | None:
        """What graders read of one cell; None where there are no graders or nothing to read."""
        graders = self.experiment.graders
        return None if graders is None else graders.read(by, self._responses(cell, by))

    def _responses(self, cell: Cell, by: Eval) -> Recipe[Responses]:
        """Only an eval that samples depends on the seed."""
        return Respond(model=cell.model, to=by, seed=(cell.seed or 0) if by.sampled else 0)

    def needed(self, cell: Cell) -> tuple[Recipe[Any], ...]:
        """All that the report wants of one cell: scores, and what graders read of its rollouts (not of checks)."""
        scores = [self.grade(cell, one) for one in self.asked(cell)]
        read = [found for one in self.evals if (found := self.read(cell, one)) is not None]
        return (*scores, *(stage for found in read for stage in found.stages))

    def targets(self) -> tuple[Recipe[Any], ...]:
        return tuple(recipe for cell in self.cells for recipe in self.needed(cell))

    def recipes(self) -> tuple[Recipe[Any], ...]:
        """All stages in an order in which they can be built."""
        return closure(self.targets())


def load_experiment(path: Path, *, final: bool = False) -> Loaded:
    """Import an experiment file and take its ``experiment``.

    Raises:
        SetupError: no such file.
        RecipeError: the file defines no experiment, or has no docstring that says what is expected.
    """
    if path.suffix != ".py" and path.is_file():
        raise SetupError(f"{path}: an experiment is a Python file", hint="midspec new tiny copies one to start from")
    if not path.is_file():
        raise SetupError(
            f"{path}: no such experiment file",
            hint="midspec new tiny copies a shipped one to start from",
        )
    name = path.stem
    found = importlib.util.spec_from_file_location(f"experiments.{name}", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    with told():
        found.loader.exec_module(module)
    experiment = getattr(module, "experiment", None)
    if not isinstance(experiment, Experiment):
        raise RecipeError(f"{path}: no 'experiment = Experiment(...)' in this file")
    if not (module.__doc__ or "").strip():
        raise RecipeError(f"{path}: the docstring is missing: it says what is expected, before the run")
    return Loaded(name, inspect.cleandoc(module.__doc__ or ""), experiment, final)


def _axes(arm: Arm, point: Point) -> list[str]:
    wanted = list(inspect.signature(arm).parameters)
    missing = [name for name in wanted if name not in point]
    if missing:
        raise RecipeError(f"arm {arm.__name__} wants {', '.join(missing)}, but the grid has only {', '.join(point)}")
    return [name for name in point if name in wanted]


def _model(arm: Arm, given: dict[str, Any]) -> Recipe[Checkpoint] | None:
    with told():
        made: Any = arm(**given)
    if made is None:
        return None
    if not isinstance(made, Recipe) or made.makes is not Checkpoint:
        what = made.label if isinstance(made, Recipe) else repr(made)
        raise RecipeError(
            f"arm {arm.__name__} returns {what}, which is no model",
            hint="return Pretrained(…), Midtrain(…) or Finetune(…)",
        )
    for recipe in closure((made,)):
        check_fields(recipe, f"arm {arm.__name__}")
    return made
