"""Learner, rows, course → trained weights: the one loop of both stages. Knows nothing of stages, chats or documents."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from midspec.training.checkpoint import State, States
from midspec.training.course import Course
from midspec.training.crew import Crew
from midspec.training.guards import finite
from midspec.training.learner import Learner
from midspec.training.rows import Rows
from midspec.training.schedule import Schedule

Report = Callable[[int, int, dict[str, float]], None]
Metrics = list[dict[str, Any]]
BETAS = (0.9, 0.999)


def train(learner: Learner, rows: Rows, course: Course, *, crew: Crew, resume: State | None, states: States,
          pace: Pace, report: Report) -> Metrics:
    """Train from ``resume`` (or the beginning) to the end; returns what was measured, one row an update.

    The weights after it depend on ``resume`` and ``pace`` in no bit. Raises RecipeError where an update's loss or
    gradient is not a number; the weights are then those before it.
    """
    optimizer = optimizer_of(learner)
    metrics: Metrics = []
    if resume is not None:
        restore(resume, learner, optimizer)
        metrics = resume.numbers["metrics"]
    clock = Clock()
    for update in range(len(metrics), len(course)):
        metrics.append({"update": update + 1, **one_update(learner, optimizer, rows, course, update, crew)})
        if not crew.leads:
            continue
        clock.tick(metrics[-1]["tokens"])
        report(update + 1, len(course), {"loss": metrics[-1]["loss"], "rate": metrics[-1]["rate"],
                                         "grad_norm": metrics[-1]["grad_norm"], "tokens_per_second": clock.speed})
        if update + 1 < len(course) and pace.due(update + 1):
            with pace:
                states.save(state_of(update + 1, learner, optimizer, metrics))
    return metrics


def one_update(learner: Learner, optimizer: Any, rows: Rows, course: Course, update: int, crew: Crew) -> dict[str, Any]:
    """One optimizer step; its loss is the mean over all supervised tokens of its rows, however they are portioned."""
    import torch

    schedule, numbers = learner.schedule, course[update]
    supervised = int(rows.supervised[numbers].sum())
    rate = schedule.rate_at(update, len(course))
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss = torch.zeros((), device=learner.device)
    for part in crew.share(portions(numbers, schedule)):
        piece = learner.loss(rows.take(part), 1 / supervised)
        piece.backward()
        loss += piece.detach()
    weights = list(learner.trained.values())
    if crew.world > 1:
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        crew.add([loss.view(1), *(weight.grad for weight in weights)])
    norm = torch.nn.utils.clip_grad_norm_(weights, schedule.clip)
    finite(update + 1, float(loss), float(norm))
    optimizer.step()
    return {"loss": float(loss), "rate": rate, "grad_norm": float(norm), "tokens": int(rows.lengths[numbers].sum()),
            "supervised": supervised}


def portions(numbers: np.ndarray[Any, Any], schedule: Schedule) -> list[np.ndarray[Any, Any]]:
    """An update's rows in parts of ``micro``, what goes through the model at once."""
    return [numbers[at:at + schedule.micro] for at in range(0, len(numbers), schedule.micro)]


def optimizer_of(learner: Learner) -> Any:
    """AdamW (arXiv 1711.05101); weight decay on matrices only."""
    import torch

    weights = list(learner.trained.values())
    groups = [{"params": [w for w in weights if w.dim() >= 2], "weight_decay": learner.schedule.decay},
              {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0}]
    fused = learner.device.partition(":")[0] in ("cpu", "cuda")
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learner.schedule.rate, betas=BETAS, fused=fused)


def state_of(update: int, learner: Learner, optimizer: Any, metrics: Metrics) -> State:
    """All that the rest of the training depends on."""
    import torch

    tensors: dict[str, Any] = {}
    for name, weight in learner.trained.items():
        tensors[f"weight/{name}"] = weight.detach()
        for moment in ("exp_avg", "exp_avg_sq"):
            tensors[f"{moment}/{name}"] = optimizer.state[weight][moment]
    tensors["random/cpu"] = torch.get_rng_state()
    if learner.device.startswith("cuda"):
        tensors["random/cuda"] = torch.cuda.get_rng_state(learner.device)
    return State(update, {"metrics": metrics}, {name: tensor.contiguous() for name, tensor in tensors.items()})


def restore(state: State, learner: Learner, optimizer: Any) -> None:
    """Put a state's weights, moments and random states back, in place."""
    import torch

    with torch.no_grad():
        for name, weight in learner.trained.items():
            weight.copy_(state.tensors[f"weight/{name}"])
            optimizer.state[weight] = {
                "step": torch.tensor(float(state.update), device=weight.device),
                **{moment: state.tensors[f"{moment}/{name}"].to(weight.device, copy=True)
                   for moment in ("exp_avg", "exp_avg_sq")}}
    torch.set_rng_state(state.tensors["random/cpu"])
    if "random/cuda" in state.tensors and learner.device.startswith("cuda"):
        torch.cuda.set_rng_state(state.tensors["random/cuda"], learner.device)


@dataclass
class Pace:
    """When to save a state: every ``every`` updates, or, where None, by time. Results do not depend on it."""

    every: int | None = None
    seconds: float = 45.0
    last: float = field(default_factory=time.monotonic)
    cost: float = 0.0

    def due(self, update: int) -> bool:
        if self.every is not None:
            return update % self.every == 0
        # Saving takes at most a twentieth of the time.
        return time.monotonic() - self.last > max(self.seconds, 20 * self.cost)

    def __enter__(self) -> None:
        self.last = time.monotonic()

    def __exit__(self, *_: object) -> None:
        now = time.monotonic()
        self.cost, self.last = now - self.last, now


@dataclass
class Clock:
    """Tokens a second, averaged over about ten updates."""

    speed: float = 0.0
    last: float = field(default_factory=time.monotonic)

    def tick(self, tokens: int) -> None:
        now = time.monotonic()
        speed = tokens / max(1e-9, now - self.last)
        self.speed, self.last = speed if self.speed == 0 else 0.9 * self.speed + 0.1 * speed, now
