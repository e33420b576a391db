"""Study → how each arm came to be: its way through the stages, its doses, its artifacts, and texts to read.

Knows nothing of scores. Artifacts are told apart by id, so what several arms share is seen to be shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from midspec.core.checkpoint import Dose
from midspec.report.study import Answer, ArmRun, Chats, Documents, StageRun, Study

NAMES = {"model": "Start", "documents": "Documents", "chats": "Chats", "training": "Training", "answers": "Answers",
         "scores": "Scores", "transcripts": "Transcripts", "grades": "Graders", "calibration": "Calibration"}


@dataclass(frozen=True)
class Artifact:
    """One artifact with everyone who uses it."""

    stage: StageRun
    arms: tuple[str, ...]
    seeds: tuple[int | None, ...]


@dataclass(frozen=True)
class Bundle:
    """The artifacts of one kind that an arm uses in one place, over its seeds; ``letter`` where arms share them."""

    artifacts: tuple[Artifact, ...]
    arms: tuple[str, ...]
    letter: str

    @property
    def label(self) -> str:
        return self.artifacts[0].stage.label


@dataclass(frozen=True)
class Box:
    """One training step of an arm (or its start): what came out and what it read; ``doses`` over the seeds."""

    step: str
    made: Bundle
    reads: tuple[Bundle, ...]
    doses: tuple[Dose, ...]


@dataclass(frozen=True)
class Way:
    """An arm's row of the picture: one box or None for each step of the study."""

    arm: str
    about: str
    colour: int
    seeds: tuple[int | None, ...]
    boxes: tuple[Box | None, ...]


@dataclass(frozen=True)
class Given:
    """What one training step gave an arm, over its seeds."""

    arm: str
    colour: int
    step: str
    doses: tuple[Dose, ...]
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True)
class Excerpt:
    """Texts of one source, and the arms that were trained on it."""

    source: Artifact | None
    shown: Documents | Chats
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """One question with the answers of several arms: (arm, seed, answer)."""

    eval: str
    item: str
    question: str
    answers: tuple[tuple[str, int | None, Answer], ...]


class Ways:
    """Everything about how the arms were made, in the order of the study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.runs: dict[str, list[ArmRun]] = {}
        for run in study.arms:
            self.runs.setdefault(run.key, []).append(run)

    def colour(self, arm: str) -> int:
        return list(self.runs).index(arm)

    @cached_property
    def artifacts(self) -> dict[str, Artifact]:
        """Every artifact by id, in the order of first use."""
        users: dict[str, list[ArmRun]] = {}
        stages: dict[str, StageRun] = {}
        for run in self.study.arms:
            for stage in run.chain:
                stages.setdefault(stage.id, stage)
                users.setdefault(stage.id, []).append(run)
        found: dict[str, Artifact] = {}
        for name, stage in stages.items():
            arms = tuple(dict.fromkeys(run.key for run in users[name]))
            seeds = tuple(dict.fromkeys(run.seed for run in users[name]))
            found[name] = Artifact(stage, arms, seeds)
        return found

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Names of the training steps over all arms, each after those that it follows somewhere."""
        order: list[str] = []
        for run in sorted(self.study.arms, key=lambda r: -len(r.chain)):
            place = 0
            for name, _ in steps_of(run):
                if name in order:
                    place = max(place, order.index(name) + 1)
                else:
                    order.insert(place, name)
                    place += 1
        return tuple(order)

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        return tuple(Way(arm, runs[0].about, self.colour(arm), tuple(r.seed for r in runs),
                         tuple(self._box(arm, step) for step in self.steps)) for arm, runs in self.runs.items())

    def _box(self, arm: str, step: str) -> Box | None:
        places = self._places[arm]
        made = places.get((step, "made"))
        if not made:
            return None
        reads = tuple(self._bundle(ids) for (at, what), ids in places.items() if at == step and what != "made")
        doses = tuple(self.artifacts[name].stage.dose for name in made)
        return Box(step, self._bundle(made), reads, tuple(d for d in doses if d is not None))

    @cached_property
    def _places(self) -> dict[str, dict[tuple[str, str], tuple[str, ...]]]:
        """Ids over the seeds of an arm, by (step, "made" or the kind of what it read)."""
        found: dict[str, dict[tuple[str, str], tuple[str, ...]]] = {arm: {} for arm in self.runs}
        for run in self.study.arms:
            here = found[run.key]
            for step, stage in steps_of(run):
                for what, name in (("made", stage.id), *((s.kind, s.id) for s in read_by(stage, run))):
                    before = here.get((step, what), ())
                    here[step, what] = before if name in before else (*before, name)
        return found

    def _bundle(self, ids: tuple[str, ...]) -> Bundle:
        arms, letter = self._sharing[frozenset(ids)]
        return Bundle(tuple(self.artifacts[name] for name in ids), arms, letter)

    @cached_property
    def _sharing(self) -> dict[frozenset[str], tuple[tuple[str, ...], str]]:
        """(arms, letter) of each set of artifacts; letters in the order of the picture, where arms share the set."""
        arms: dict[frozenset[str], list[str]] = {}
        for arm, places in self._places.items():
            for ids in places.values():
                arms.setdefault(frozenset(ids), []).append(arm)
        found: dict[frozenset[str], tuple[tuple[str, ...], str]] = {}
        letters = 0
        for ids, users in arms.items():
            once = tuple(dict.fromkeys(users))
            letters += len(once) > 1
            found[ids] = once, _letter(letters - 1) if len(once) > 1 else ""
        return found

    @cached_property
    def given(self) -> tuple[Given, ...]:
        """One row per arm and training step that has doses."""
        rows: list[Given] = []
        for arm, runs in self.runs.items():
            for step in self.steps:
                ids = dict.fromkeys(stage.id for run in runs for name, stage in steps_of(run) if name == step)
                made = tuple(self.artifacts[name] for name in ids if self.artifacts[name].stage.dose is not None)
                if made:
                    doses = tuple(a.stage.dose for a in made if a.stage.dose is not None)
                    rows.append(Given(arm, self.colour(arm), step, doses, made))
        return tuple(rows)

    @cached_property
    def documents(self) -> tuple[Excerpt, ...]:
        return self._excerpts((run.key, run.documents) for run in self.study.arms)

    @cached_property
    def chats(self) -> tuple[Excerpt, ...]:
        return self._excerpts((run.key, run.chats) for run in self.study.arms)

    def _excerpts(self, shown: Iterable[tuple[str, Documents | Chats | None]]) -> tuple[Excerpt, ...]:
        """The first run's texts of every arm; arms that read the same source are shown together."""
        first: dict[str, Documents | Chats] = {}
        for arm, texts in shown:
            if texts is not None:
                first.setdefault(arm, texts)
        by_source: dict[str, list[str]] = {}
        for arm, texts in first.items():
            by_source.setdefault(texts.source, []).append(arm)
        return tuple(Excerpt(self.artifacts.get(source), first[arms[0]], tuple(arms))
                     for source, arms in by_source.items())

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """Questions in the order of first appearance, with one answer per arm: that of its first run that has one."""
        found: dict[tuple[str, str], dict[str, tuple[str, int | None, Answer]]] = {}
        for run in self.study.arms:
            for answer in run.answers:
                found.setdefault((answer.eval, answer.item), {}).setdefault(run.key, (run.key, run.seed, answer))
        return tuple(Asked(name, item, next(iter(by.values()))[2].question, tuple(by.values()))
                     for (name, item), by in found.items())

    def scored(self, arm: str, seed: int | None, name: str) -> StageRun | None:
        """The artifact that a score came from: the last of the arm's scores of that eval, else of its whole way."""
        chain = next((run.chain for run in self.runs[arm] if run.seed == seed), ())
        scores = [stage for stage in chain if stage.kind == "scores"]
        best = [stage for stage in scores if stage.eval == name] or scores or list(chain)
        return best[-1] if best else None


def _letter(number: int) -> str:
    """A … Z, AA, AB …"""
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def steps_of(run: ArmRun) -> Iterator[tuple[str, StageRun]]:
    """(step, stage) of an arm's start and trainings, in order; a step that comes twice is numbered."""
    seen: dict[str, int] = {}
    for stage in run.chain:
        if stage.kind in ("model", "training"):
            name = "start" if stage.kind == "model" else stage.dose.stage if stage.dose is not None else stage.label
            seen[name] = seen.get(name, 0) + 1
            yield name if seen[name] == 1 else f"{name} {seen[name]}", stage


def read_by(stage: StageRun, run: ArmRun) -> list[StageRun]:
    """Documents and chats that a training read: those among its inputs, or without inputs the ones just before it."""
    texts = [s for s in run.chain if s.kind in ("documents", "chats")]
    if stage.kind == "model":
        return []
    if stage.inputs:
        return [s for s in texts if s.id in stage.inputs]
    before: list[StageRun] = []
    for other in run.chain:
        if other.id == stage.id:
            break
        before = [] if other.kind in ("model", "training") else [*before, other]
    return [s for s in before if s in texts]
