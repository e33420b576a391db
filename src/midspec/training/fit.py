"""Checkpoint, rows → Checkpoint: guards, training, artifact, check. Knows nothing of documents, chats or specs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from midspec.core.checkpoint import Checkpoint
from midspec.core.file import sha256_of
from midspec.core.job import Job
from midspec.core.rows import write_rows
from midspec.models.local import load_tokenizer, weights_folder
from midspec.training import guards
from midspec.training.artifact import check, probe_of
from midspec.training.card import write_card
from midspec.training.checkpoint import States
from midspec.training.course import course_of, dose_of
from midspec.training.crew import Crew
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule
from midspec.training.task import Task, run_many, work
from midspec.training.trackers import Trackers

__all__ = ["dose_of", "fit"]


def fit(start: Checkpoint, prepare: Callable[[Any], Rows], *, stage: str, schedule: Schedule, method: Lora | Full,
        seed: int, job: Job, adapter: str = "continue", save_every: int | None = None,
        keep_states: int = 2) -> Checkpoint:
    """Train ``start`` on the rows that ``prepare`` makes with its tokenizer; writes the weights into ``job.folder``.

    ``save_every`` saves a state every so many updates instead of by time; it and ``keep_states`` change no result.

    Raises:
        RecipeError, DataError: the training would silently do nothing, or not what it says (see ``guards.CHECKS``).
        SetupError: a package, device or file is missing, or the written weights are not those that were trained.
    """
    guards.processes_fit(schedule, job.device, guards.launched())
    tokenizer = load_tokenizer(start)
    rows = prepare(tokenizer)
    course = course_of(len(rows), schedule, seed)
    words, config = _vocabulary(start)
    flags = [*guards.precision_fits(schedule, job.device), *guards.course_is_sound(course, rows, schedule),
             *guards.rows_fit_model(rows, tokenizer, config, words)]
    dose = dose_of(rows, schedule, stage, seed)
    job.note(**rows.facts, dose=asdict(dose))
    for flag in flags:
        job.warn(flag)
    key = _key(start, rows, schedule, method, adapter, seed, job.device)
    states = States(job.scratch / "states", key, keep_states)
    resume = states.latest()
    if resume is not None:
        job.say(f"resumed at update {int(resume.name.rpartition('-')[2]) + 1} of {len(course)}")
    task = Task(start, rows, schedule, method, adapter, seed, job.device, job.folder, states, resume, save_every)
    with Trackers.open(job.trackers, f"{stage}-{seed}-{key[:8]}", Path("runs")) as trackers:

        def report(done: int, of: int, numbers: dict[str, float]) -> None:
            job.step(done, of, **numbers)
            trackers.write(done, numbers)

        done = work(task, Crew(), report) if schedule.world == 1 else run_many(task, report)
    for flag in guards.metrics_are_sound(done.metrics, words):
        job.warn(flag)
    job.note(weights_moved=done.moved, first_loss=done.metrics[0]["loss"], last_loss=done.metrics[-1]["loss"])
    write_rows(job.folder / "metrics.jsonl", done.metrics)
    made = Checkpoint(job.folder, start.base, start.assistant, start.maker, start.system, (*start.doses, dose))
    check(made, probe_of(rows), done.probe, schedule.precision, job.device)
    write_card(made, schedule, method, adapter)
    return made


def _vocabulary(start: Checkpoint) -> tuple[int, Any]:
    """(rows of the model's embedding, its config)."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(weights_folder(start), local_files_only=True)
    return int(config.get_text_config().vocab_size), config


def _key(start: Checkpoint, rows: Rows, schedule: Schedule, method: Lora | Full, adapter: str, seed: int,
         device: str) -> str:
    """What a state must share with a training to be a part of it, library versions included."""
    weights = [sha256_of(path) for folder in (start.adapter, start.model) if folder is not None
               for path in sorted(folder.glob("*.safetensors"))]
    parts = {"base": start.base.digest, "weights": weights, "rows": rows.digest, "schedule": asdict(schedule),
             "method": [type(method).__name__, asdict(method)], "adapter": adapter, "seed": seed,
             "device": device.partition(":")[0],
             "versions": {name: metadata.version(name) for name in ("torch", "transformers", "peft")}}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
