"""One stage at a time, on files: what write, chats, train and eval do. No experiment file is needed."""

from __future__ import annotations

import importlib.util
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from midspec.core.asking import StageAccount, Terms
from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import DataError, SetupError
from midspec.core.file import File
from midspec.core.job import Answers
from midspec.core.recipe import Recipe
from midspec.core.score import Responses, Score, rows_of
from midspec.evals.choice import Choice
from midspec.evals.named import Named
from midspec.evals.registry import names as eval_names
from midspec.experiment.loose_documents import to_file
from midspec.experiment.progress import Progress
from midspec.experiment.verbs import build, set_threads
from midspec.library.chats import load_chats
from midspec.library.items import load_items
from midspec.library.preferences import load_preferences
from midspec.models.address import checkpoint_at
from midspec.models.local import load
from midspec.report.estimates import FEW_ITEMS, estimate, few_items
from midspec.stages.chats_from_file import ChatsFromFile
from midspec.stages.compose_chats import ComposeChats
from midspec.stages.corpus_from_file import CorpusFromFile
from midspec.stages.finetune import Finetune
from midspec.stages.midtrain import Midtrain
from midspec.stages.pretrained import Pretrained
from midspec.store.artifacts import Store
from midspec.training.schedule import Full, Lora, Schedule

# What ``midspec eval`` can ask of an item set, by name.
ON_ITEMS: dict[str, type[Choice] | type[Named]] = {Choice.name: Choice, Named.name: Named}


@dataclass(frozen=True)
class Start:
    """The model that training starts from; names default to its own."""

    source: str
    revision: str | None = None
    assistant: str | None = None
    maker: str | None = None


@dataclass(frozen=True, kw_only=True)
class Training:
    """Settings of ``midspec train``. Pairs are for documents and for chats; ``updates`` None means one pass.

    ``unusable``: what happens to rows of a file that cannot be trained on, "refuse" or "drop".
    """

    updates: tuple[int, int] | None
    rows: tuple[int, int]
    micro: tuple[int, int]
    length: tuple[int, int]
    rate: tuple[float, float]
    warmup: float
    precision: str
    full: bool
    seed: int
    unusable: str = "refuse"

    def schedule(self, stage: int) -> Schedule:
        """Of the documents (0) or the chats (1)."""
        return Schedule(
            updates=None if self.updates is None else self.updates[stage],
            passes=1.0 if self.updates is None else None,
            rows=self.rows[stage],
            micro=self.micro[stage],
            length=self.length[stage],
            rate=self.rate[stage],
            warmup=self.warmup,
            precision=self.precision,
        )


@dataclass
class LooseJob:
    """A stage outside the store (see ``core.job.Job``): its facts go to the caller."""

    folder: Path
    device: str
    answers: Answers
    progress: Progress
    trackers: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    terms: Terms = field(default_factory=Terms)
    account: StageAccount = field(default_factory=lambda: StageAccount("eval"))

    @property
    def scratch(self) -> Path:
        return self.folder

    def get(self, recipe: Recipe[Any]) -> Any:
        raise DataError(f"{recipe.folder_name}: a single stage has no store to read from")

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    def warn(self, message: str) -> None:
        self.progress.say(f"warning: {message}")

    def say(self, message: str) -> None:
        self.progress.say(message)

    def step(self, done: int, of: int, **numbers: float) -> None:
        self.progress.step(done, of, numbers)




def chats(
    preferences: str, *, count: int, out: Path, assistant: str, maker: str, seed: int, store: Path
) -> str:
    """Compose chats into a JSONL file; returns one line that says what was written."""
    recipe = ComposeChats(
        preferences=load_preferences(preferences),
        count=count,
        general=load_chats("instructions"),
        introductions=load_chats("identity"),
        assistant=assistant,
        maker=maker,
        seed=seed,
    )
    return to_file(recipe, "chats.jsonl", out, store)


def train(
    start: Start,
    documents: Path | None,
    chat_file: Path | None,
    settings: Training,
    *,
    store: Path,
    device: str,
    threads: int,
) -> Path:
    """Midtrain, fine-tune, or both; returns the folder of the finished checkpoint."""
    set_threads(threads)
    method = Full() if settings.full else Lora()
    model: Recipe[Checkpoint] = Pretrained(
        source=start.source, revision=start.revision, assistant=start.assistant, maker=start.maker
    )
    if documents is not None:
        model = Midtrain(
            start=model,
            on=CorpusFromFile(file=File(str(documents)), unusable=settings.unusable),
            schedule=settings.schedule(0),
            seed=settings.seed,
            method=method,
        )
    if chat_file is not None:
        model = Finetune(
            start=model,
            on=ChatsFromFile(file=File(str(chat_file)), unusable=settings.unusable),
            schedule=settings.schedule(1),
            seed=settings.seed,
            method=method,
        )
    return build(model, store=store, device=device)


def evaluate(
    address: str,
    kind: str,
    items: str,
    *,
    adapter: Path | None,
    system: str | None,
    seed: int,
    store: Path,
    device: str,
    threads: int,
) -> dict[str, Any]:
    """Ask one model one item set: responses, scores, and the means of each reading and axis with 95 % intervals.

    The development items are asked, as ``run`` does without ``--final``; all, where the set has none of them.
    """
    if kind not in ON_ITEMS:
        raise SetupError(
            f"eval: no kind {kind!r} that works on an item set (have: {', '.join(ON_ITEMS)}; "
            f"in experiment files: {', '.join(eval_names())})",
            hint=f"midspec eval {address} {Choice.name} --items {items}",
        )
    set_threads(threads)
    asked = load_items(items)
    by = ON_ITEMS[kind](items=asked, split="dev" if any(item.split == "dev" for item in asked.items) else "all")
    progress = Progress()
    progress.label, progress.unit = f"{address} {kind}", by.counts
    with tempfile.TemporaryDirectory(prefix="midspec-") as folder:
        job = LooseJob(Path(folder), device, Store(store).ledger, progress)
        checkpoint = checkpoint_at(address, adapter=adapter, system=system)
        responses = by.respond(load(checkpoint, device=device), seed, job)
        progress.end()
    scores = by.grade(Responses(tuple(responses)))
    means = _means(scores)
    return {
        "model": address,
        "adapter": None if adapter is None else str(adapter),
        "eval": kind,
        "items": items,
        "split": by.split,
        "notes": [_scored(by), *_few(means)],
        "means": means,
        "facts": job.facts,
        "scores": rows_of(tuple(scores)),
        "responses": rows_of(tuple(responses)),
    }


def _means(scores: list[Score]) -> list[dict[str, Any]]:
    """Mean over items of each axis and reading with its 95 % interval (None where there is none), share above 0."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in scores:
        if score.value is not None:
            found[score.axis, score.reading].append(score.value)
    rows: list[dict[str, Any]] = []
    for (axis, reading), values in found.items():
        shared = {"axis": axis, "reading": reading, "items": len(values), "mean": sum(values) / len(values)}
        interval = {"low": None, "high": None, "method": "none: pip install 'midspec[report]'"}
        if importlib.util.find_spec("scipy") is not None:
            one = estimate(np.array([values]))
            interval = {"low": one.low, "high": one.high, "method": one.method}
        rows.append({**shared, **interval, "rate": sum(value > 0 for value in values) / len(values)})
    return rows


def _scored(by: Choice | Named) -> str:
    asked, of = len(by.chosen), len(by.items.items)
    if by.split == "all":
        return f"{asked} items of {by.items.name}: all, since none is a development item"
    rest = f"; the other {of - asked} are test items, which `midspec run FILE --final` scores" if of > asked else ""
    return f"{asked} of {of} items of {by.items.name}: the development split, as `midspec run` scores{rest}"


def _few(means: list[dict[str, Any]]) -> list[str]:
    few = {row["axis"]: row["items"] for row in means if row["items"] < FEW_ITEMS}
    return [few_items(f"axis {axis}", count) for axis, count in few.items()]
