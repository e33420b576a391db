"""Experiment + store → what is there, what will be built and why, each arm's dose, the minutes. Builds nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from midspec.core.asking import Terms
from midspec.core.checkpoint import Checkpoint, Dose
from midspec.core.forecast import Forecast, Preview
from midspec.core.recipe import Noun, Recipe, closure
from midspec.experiment.experiment import Loaded
from midspec.experiment.speed import Speed
from midspec.models.money import Estimate, estimate
from midspec.store.artifacts import Store
from midspec.store.nearest import why

Wanted = TypeVar("Wanted", bound=Noun)
NOTHING = Forecast(exact=True)
# Loading, hashing, publishing: of a stage that loads a model, and of one that only reads and writes rows.
MODEL_SECONDS, ROWS_SECONDS = 1.0, 0.1


@dataclass(frozen=True)
class PlanRow:
    """One artifact that ``arms`` need: ``state`` is "have" or "build"; ``why`` names what differs from the nearest."""

    id: str
    folder: str
    label: str
    makes: str
    arms: tuple[str, ...]
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
    """``held`` artifacts are in ``store`` now, whether this experiment needs them or not."""

    store: str
    held: int
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
            "store": self.store,
            "held": self.held,
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
    read: dict[str, Preview[Any] | None] = field(default_factory=dict[str, Preview[Any] | None])

    def seen(self, recipe: Recipe[Wanted]) -> Preview[Wanted] | None:
        if recipe.id not in self.read:
            there = self.store.find(recipe) is not None
            self.read[recipe.id] = Preview(self.store.read(recipe)) if there else recipe.preview(self)
        return self.read[recipe.id]

    def ahead(self, recipe: Recipe[Wanted]) -> Forecast:
        if recipe.id not in self.known:
            self.known[recipe.id] = recipe.forecast(self) or NOTHING
        return self.known[recipe.id]


def make_plan(loaded: Loaded, store: Store, speed: Speed | None, terms: Terms | None = None) -> Plan:
    """The plan of an experiment; ``speed`` None leaves the minutes open, ``terms`` say how models would be asked."""
    look, users = StoreLook(store), _users(loaded)
    rows = tuple(_row(recipe, users[recipe.id], store, look, speed) for recipe in loaded.recipes())
    seconds = [row.seconds for row in rows if row.state == "build" and row.seconds is not None]
    return Plan(
        str(store.root),
        len(list((store.root / "artifacts").glob("*/"))),
        rows,
        _arms(loaded, look),
        None if speed is None else sum(seconds) / 60,
        sum(row.forecast.calls for row in rows if row.state == "build"),
        tuple(StageEstimate(row.folder, estimate(asking, terms or Terms()))
              for row in rows if row.state == "build" for asking in row.forecast.asks),
    )


def _users(loaded: Loaded) -> dict[str, tuple[str, ...]]:
    """Id of an artifact → the arms that need it, in their order."""
    found: dict[str, dict[str, None]] = {}
    for cell in loaded.cells:
        for recipe in closure(loaded.needed(cell)):
            found.setdefault(recipe.id, {})[cell.arm] = None
    return {id: tuple(arms) for id, arms in found.items()}


def _row(
    recipe: Recipe[Any], arms: tuple[str, ...], store: Store, look: StoreLook, speed: Speed | None
) -> PlanRow:
    have = store.find(recipe) is not None
    forecast = look.ahead(recipe)
    reason = "" if have else "; ".join(why(recipe, store) or ("nothing like it in this store",))
    least = MODEL_SECONDS if forecast.flops else ROWS_SECONDS
    seconds = None if have or speed is None else least + speed.seconds(forecast.flops, forecast.precision)
    state = "have" if have else "build"
    return PlanRow(
        recipe.id, recipe.folder_name, recipe.label, recipe.makes.__name__, arms, state, reason, forecast, seconds
    )


def _arms(loaded: Loaded, look: StoreLook) -> tuple[ArmDose, ...]:
    seeds: dict[str, list[int]] = {}
    doses: dict[str, tuple[tuple[Dose, ...], bool]] = {}
    for cell in loaded.cells:
        seeds.setdefault(cell.key, []).extend([] if cell.seed is None else [cell.seed])
        doses.setdefault(cell.key, _doses(cell.model, look))
    return tuple(ArmDose(key, tuple(seeds[key]), *doses[key]) for key in seeds)


def _doses(model: Recipe[Checkpoint], look: StoreLook) -> tuple[tuple[Dose, ...], bool]:
    if look.store.find(model) is not None:
        return look.store.read(model).doses, True
    # The chain of checkpoints that leads to this one carries its doses; corpora and chats carry none.
    ahead = [look.ahead(recipe) for recipe in closure((model,))]
    return tuple(f.dose for f in ahead if f.dose is not None), all(f.exact for f in ahead if f.dose is not None)
