"""One stage at a time, on files: what spec, write, chats, train and eval do. No experiment file is needed."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midspec.core.asking import StageAccount, Terms
from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import DataError, SetupError
from midspec.core.file import File
from midspec.core.job import Answers
from midspec.core.recipe import Recipe
from midspec.core.score import Responses, rows_of
from midspec.documents.describe import describe, lines
from midspec.evals.choice import Choice
from midspec.evals.registry import names as eval_names
from midspec.experiment.progress import Progress
from midspec.experiment.verbs import build, set_threads
from midspec.library.chats import load_chats
from midspec.library.items import load_items
from midspec.library.preferences import load_preferences
from midspec.library.specs import load_spec
from midspec.models.address import checkpoint_at
from midspec.models.local import load
from midspec.stages.chats_from_file import ChatsFromFile
from midspec.stages.compose_chats import ComposeChats
from midspec.stages.compose_documents import ComposeDocuments
from midspec.stages.corpus_from_file import CorpusFromFile
from midspec.stages.finetune import Finetune
from midspec.stages.midtrain import Midtrain
from midspec.stages.pretrained import Pretrained
from midspec.store.artifacts import Store
from midspec.training.schedule import Full, Lora, Schedule


@dataclass(frozen=True)
class Start:
    """The model that training starts from; names default to its own."""

    source: str
    revision: str | None = None
    assistant: str | None = None
    maker: str | None = None


@dataclass(frozen=True, kw_only=True)
class Training:
    """Settings of ``midspec train``; ``updates`` None means one pass."""

    updates: int | None
    rows: int
    micro: int
    length: int
    rate: float
    warmup: float
    precision: str
    full: bool
    seed: int

    def schedule(self) -> Schedule:
        passes = 1.0 if self.updates is None else None
        return Schedule(
            updates=self.updates,
            passes=passes,
            rows=self.rows,
            micro=self.micro,
            length=self.length,
            rate=self.rate,
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

    def step(self, done: int, of: int, **numbers: float) -> None:
        self.progress.step(done, of, numbers)


def describe_spec(name: str) -> dict[str, Any]:
    """What was understood of a spec: statements and counts for a program, ``lines`` for a person."""
    spec = load_spec(name)
    return {**describe(spec), "lines": lines(spec)}


def write(spec: str, *, tokens: int, out: Path, assistant: str, maker: str, writer: str, seed: int, store: Path) -> str:
    """Write a corpus to a JSONL file; returns one line that says what was written."""
    _only_compose(writer)
    recipe = ComposeDocuments(spec=load_spec(spec), assistant=assistant, maker=maker, tokens=tokens, seed=seed)
    return _to_file(recipe, "documents.jsonl", out, store)


def chats(
    preferences: str, *, count: int, out: Path, assistant: str, maker: str, writer: str, seed: int, store: Path
) -> str:
    """Write chats to a JSONL file; returns one line that says what was written."""
    _only_compose(writer)
    recipe = ComposeChats(
        preferences=load_preferences(preferences),
        count=count,
        general=load_chats("instructions"),
        introductions=load_chats("identity"),
        assistant=assistant,
        maker=maker,
        seed=seed,
    )
    return _to_file(recipe, "chats.jsonl", out, store)


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
    schedule, method = settings.schedule(), Full() if settings.full else Lora()
    model: Recipe[Checkpoint] = Pretrained(
        source=start.source, revision=start.revision, assistant=start.assistant, maker=start.maker
    )
    if documents is not None:
        model = Midtrain(
            start=model,
            on=CorpusFromFile(file=File(str(documents))),
            schedule=schedule,
            seed=settings.seed,
            method=method,
        )
    if chat_file is not None:
        model = Finetune(
            start=model,
            on=ChatsFromFile(file=File(str(chat_file))),
            schedule=schedule,
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
    """Ask one model one item set: responses, scores, and the means of each reading and axis."""
    if kind != Choice.name:
        raise SetupError(
            f"eval: no kind {kind!r} that works on an item set (have: {Choice.name}; "
            f"in experiment files: {', '.join(eval_names())})"
        )
    set_threads(threads)
    by = Choice(items=load_items(items), split="all")
    progress = Progress()
    progress.label = f"{address} {kind}"
    with tempfile.TemporaryDirectory(prefix="midspec-") as folder:
        job = LooseJob(Path(folder), device, Store(store).ledger, progress)
        checkpoint = checkpoint_at(address, adapter=adapter, system=system)
        responses = by.respond(load(checkpoint, device=device), seed, job)
        progress.end()
    scores = by.grade(Responses(tuple(responses)))
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in scores:
        if score.value is not None:
            found[score.axis, score.reading].append(score.value)
    means = [
        {
            "axis": axis,
            "reading": reading,
            "items": len(v),
            "mean": sum(v) / len(v),
            "rate": sum(x > 0 for x in v) / len(v),
        }
        for (axis, reading), v in found.items()
    ]
    return {
        "model": address,
        "adapter": None if adapter is None else str(adapter),
        "eval": kind,
        "items": items,
        "means": means,
        "facts": job.facts,
        "scores": rows_of(tuple(scores)),
        "responses": rows_of(tuple(responses)),
    }


def _only_compose(writer: str) -> None:
    if writer != "compose":
        raise SetupError(
            f"writer {writer!r}: no such writer (have: compose)",
            hint="compose needs no model; see docs/specs.md for its convention",
        )


def _to_file(recipe: Recipe[Any], name: str, out: Path, store: Path) -> str:
    if out.exists():
        raise DataError(f"{out}: there is such a file already", hint="name another with --out")
    shutil.copyfile(build(recipe, store=store) / name, out)
    return f"wrote {out} ({sum(1 for _ in out.open('rb'))} rows)"
