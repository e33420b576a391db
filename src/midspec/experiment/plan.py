"""Experiment + store → what is there, what will be built and why, each arm's dose, the minutes. Builds nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from midspec.core.asking import Terms
from midspec.core.checkpoint import Checkpoint, Dose
from midspec.core.forecast import Forecast
from midspec.core.recipe import Noun, Recipe, closure
from midspec.experiment.experiment import Loaded
from midspec.experiment.speed import Speed
from midspec.models.money import Estimate, estimate
from midspec.store.artifacts import Store
from midspec.store.nearest import why

Wanted = TypeVar("Wanted", bound=Noun)
NOTHING = Forecast(exact=True)
STAGE_SECONDS = 1.0  # loading, hashing, publishing


@dataclass(frozen=True)
class PlanRow:
    """One artifact: ``state`` is "have" or "build"; ``why`` names what differs from the nearest one there is."""

    id: str
    folder: str
    state: str
    why: str
    forecast: Forecast
    seconds: float | None


@dataclass(frozen=True)
class ArmDose:
    """What the model of one arm has been given in all, one Dose a training stage; seeds share a row."""

    arm: str
    seeds: tuple[int, ...]
    doses: tuple[Dose, ...]
    exact: bool


@dataclass(frozen=True)
class StageEstimate:
    """What one stage will ask of one model."""

    stage: str
    estimate: Estimate


@dataclass(frozen=True)
class Plan:
    rows: tuple[PlanRow, ...]
    arms: tuple[ArmDose, ...]
    minutes: float | None
    calls: int
    asked: tuple[StageEstimate, ...] = ()

    @property
    def cost(self) -> float | None:
        """Dollars for all calls; None where a price is unknown."""
        costs = [row.estimate.cost for row in self.asked]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def to_build(self) -> tuple[PlanRow, ...]:
        return tuple(row for row in self.rows if row.state == "build")

    def json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return {
            "artifacts": [asdict(row) for row in self.rows],
            "arms": [asdict(arm) for arm in self.arms],
            "build": len(self.to_build()),
            "minutes": self.minutes,
            "calls": self.calls,
            "asked": [asdict(row) for row in self.asked],
            "cost": self.cost,
        }


@dataclass
class StoreLook:
    """What stages may look at while they forecast (see ``core.forecast.Look``)."""

    store: Store
    known: dict[str, Forecast] = field(default_factory=dict[str, Forecast])
    read: dict[str, Any] = field(default_factory=dict[str, Any])

    def built(self, recipe: Recipe[Wanted]) -> Wanted | None:
        if recipe.id not in self.read:
            self.read[recipe.id] = None if self.store.find(recipe) is None else self.store.read(recipe)
        return self.read[recipe.id]

    def ahead(self, recipe: Recipe[Wanted]) -> Forecast:
        if recipe.id not in self.known:
            self.known[recipe.id] = recipe.forecast(self) or NOTHING
        return self.known[recipe.id]


def make_plan(loaded: Loaded, store: Store, speed: Speed | None, terms: Terms | None = None) -> Plan:
    """The plan of an experiment; ``speed`` None leaves the minutes open, ``terms`` say how models would be asked."""
    look = StoreLook(store)
    rows = tuple(_row(recipe, store, look, speed) for recipe in loaded.recipes())
    seconds = [row.seconds for row in rows if row.state == "build" and row.seconds is not None]
    return Plan(
        rows,
        _arms(loaded, look),
        None if speed is None else sum(seconds) / 60,
        sum(row.forecast.calls for row in rows if row.state == "build"),
        tuple(StageEstimate(row.folder, estimate(asking, terms or Terms()))
              for row in rows if row.state == "build" for asking in row.forecast.asks),
    )


def _row(recipe: Recipe[Any], store: Store, look: StoreLook, speed: Speed | None) -> PlanRow:
    have = store.find(recipe) is not None
    forecast = look.ahead(recipe)
    reason = "" if have else "; ".join(why(recipe, store) or ("nothing like it in this store",))
    seconds = None if have or speed is None else STAGE_SECONDS + speed.seconds(forecast.flops, forecast.precision)
    return PlanRow(recipe.id, recipe.folder_name, "have" if have else "build", reason, forecast, seconds)


def _arms(loaded: Loaded, look: StoreLook) -> tuple[ArmDose, ...]:
    seeds: dict[str, list[int]] = {}
    doses: dict[str, tuple[tuple[Dose, ...], bool]] = {}
    for cell in loaded.cells:
        seeds.setdefault(cell.key, []).extend([] if cell.seed is None else [cell.seed])
        doses.setdefault(cell.key, _doses(cell.model, look))
    return tuple(ArmDose(key, tuple(seeds[key]), *doses[key]) for key in seeds)


def _doses(model: Recipe[Checkpoint], look: StoreLook) -> tuple[tuple[Dose, ...], bool]:
    made = look.built(model)
    if made is not None:
        return made.doses, True
    # The chain of checkpoints that leads to this one carries its doses; corpora and chats carry none.
    ahead = [look.ahead(recipe) for recipe in closure((model,))]
    return tuple(f.dose for f in ahead if f.dose is not None), all(f.exact for f in ahead if f.dose is not None)
