"""Task → trained weights on disk, by one process or by several that this one starts. Knows nothing of jobs."""

from __future__ import annotations

import signal
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from midspec.core import errors
from midspec.core.checkpoint import Checkpoint
from midspec.training import guards
from midspec.training.artifact import head_is_plain, probe_of, save
from midspec.training.checkpoint import States, load_state
from midspec.training.course import course_of
from midspec.training.crew import Crew
from midspec.training.learner import learner_of
from midspec.training.loop import Metrics, Pace, Report, train
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule


@dataclass(frozen=True)
class Task:
    """All that a training process needs; it travels to processes that are started for it."""

    start: Checkpoint
    rows: Rows
    schedule: Schedule
    method: Lora | Full
    adapter: str
    seed: int
    device: str
    folder: Path
    states: States
    resume: Path | None
    save_every: int | None


@dataclass(frozen=True)
class Done:
    """``probe`` is the loss of the trained model on ``artifact.probe_of(rows)``, ``moved`` as in ``guards.moved``."""

    metrics: Metrics
    moved: float
    probe: float


def work(task: Task, crew: Crew, report: Report) -> Done:
    """Train, and write the weights into ``task.folder`` where this process leads."""
    import torch

    learner = learner_of(task.start, task.method, task.adapter, task.seed, task.schedule, task.device)
    probe = probe_of(task.rows)
    head_is_plain(learner, probe)
    before = guards.sample(learner.trained)
    resume = None if task.resume is None else load_state(task.resume)
    course = course_of(len(task.rows), task.schedule, task.seed)
    metrics = train(learner, task.rows, course, crew=crew, resume=resume, states=task.states,
                    pace=Pace(task.save_every), report=report)
    share = guards.moved(before, guards.sample(learner.trained))
    if crew.leads:
        save(learner, task.start, task.method, task.adapter, task.folder)
    with torch.no_grad():
        loss = float(learner.loss(probe, 1 / int(probe.loss.sum())))
    return Done(metrics, share, loss)


def run_many(task: Task, report: Report) -> Done:
    """``work`` by ``schedule.world`` processes at once; raises what went wrong in the first that failed."""
    import torch
    from torch.multiprocessing.spawn import ProcessException, spawn

    world = task.schedule.world
    threads = max(1, torch.get_num_threads() // world)
    queue: Any = torch.multiprocessing.get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory() as meeting:
        given = (task, threads, f"{meeting}/meeting", queue)
        running: Any = spawn(_member, given, nprocs=world, join=False, daemon=True)
        done: Done | None = None
        trouble: errors.MidspecError | None = None
        over = False
        while not over:
            try:
                over = running.join(timeout=0.1)
            except ProcessException as error:
                over = True
                trouble = trouble or errors.SetupError(
                    f"a training process ended early: {str(error).strip().splitlines()[-1]}",
                    hint="start again: training goes on from its last saved state")
            while not queue.empty():
                kind, *rest = queue.get()
                if kind == "step":
                    report(*rest)
                elif kind == "done":
                    done = rest[0]
                else:
                    trouble = getattr(errors, rest[0])(rest[1], hint=rest[2])
    if done is None or trouble is not None:
        raise trouble or errors.SetupError("the training processes ended without a result")
    return done


def _member(rank: int, task: Task, threads: int, meeting: str, queue: Any) -> None:
    """One started process: join the others, work, tell the starter."""
    import torch
    from torch import distributed, multiprocessing

    if sys.platform == "linux":
        # A starter that is killed must not leave writers behind: the next start would meet them in the same folder.
        processes: Any = multiprocessing
        processes._prctl_pr_set_pdeathsig(signal.SIGKILL)
    torch.set_num_threads(threads)
    crew, accelerator = Crew(rank, task.schedule.world), task.device.startswith("cuda")
    device = f"cuda:{rank}" if accelerator else task.device
    distributed.init_process_group("nccl" if accelerator else "gloo", init_method=f"file://{meeting}", rank=rank,
                                   world_size=task.schedule.world)

    def tell(done: int, of: int, numbers: dict[str, float]) -> None:
        queue.put(("step", done, of, numbers))

    try:
        done = work(replace(task, device=device), crew, tell)
        distributed.barrier()
    except errors.MidspecError as error:
        queue.put(("trouble", type(error).__name__, error.message, error.hint))
        raise SystemExit(1) from error
    if crew.leads:
        queue.put(("done", done))
    distributed.destroy_process_group()
