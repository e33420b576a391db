"""Prompts of an eval → sampled answers, each kept in the ledger as soon as its batch is done. Reads no answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from midspec.core.job import Job
from midspec.models.digests import digest_of, file_digest
from midspec.models.local import LocalModel
from midspec.models.sample import BATCH_ROWS, check_sampling, sample

# Part of every key: raise it when sampling itself changes, so that older kept answers are not taken for new ones.
SAMPLER = 2


@dataclass(frozen=True)
class Sampling:
    """``temperature`` 0 takes the likeliest token each time; ``max_tokens`` bounds an answer."""

    temperature: float
    top_p: float
    max_tokens: int

    def __post_init__(self) -> None:
        check_sampling(self.temperature, self.top_p, self.max_tokens)


@dataclass(frozen=True)
class Unit:
    """One answer to sample: the question's id, its draw, and the key under which the answer is kept."""

    id: str
    draw: int
    prompt: list[int]
    seed: int
    key: str


def units_of(model: LocalModel, prompts: Sequence[tuple[str, int, list[int]]], how: Sampling, seed: int) -> list[Unit]:
    """Units of (id, draw, prompt ids). A draw's chance depends on id, draw and ``seed`` only, not on the model."""
    weights, settings = _weights(model), [how.temperature, how.top_p, how.max_tokens]
    return [Unit(name, draw, prompt, int(_sha256("draw", name, draw, seed)[:32], 16),
                 _sha256("sampled", SAMPLER, weights, prompt, settings, name, draw, seed))
            for name, draw, prompt in prompts]


def drawn(model: LocalModel, units: Sequence[Unit], how: Sampling, job: Job) -> list[dict[str, Any]]:
    """``{"text", "finish", "tokens"}`` for each unit, in order. Kept answers are not sampled again."""
    kept = job.answers.get_many([unit.key for unit in units])
    # Batches are cut before looking at what is kept and stored whole: after a kill, the rest is sampled in the
    # same company as without it, so that not even rounding differs.
    # Draws of one question stand together and share its reading.
    order = sorted(units, key=lambda unit: (len(unit.prompt), unit.id, unit.draw))
    for start in range(0, len(order), BATCH_ROWS):
        batch = [unit for unit in order[start:start + BATCH_ROWS] if unit.key not in kept]
        if batch:
            texts = sample(model, [unit.prompt for unit in batch], temperature=how.temperature, top_p=how.top_p,
                           max_tokens=how.max_tokens, seeds=[unit.seed for unit in batch])
            new = {unit.key: {"text": text.text, "finish": text.finish, "tokens": len(text.tokens)}
                   for unit, text in zip(batch, texts, strict=True)}
            job.answers.put_many(new)
            kept.update(new)
        job.step(min(start + BATCH_ROWS, len(order)), len(order))
    return [kept[unit.key] for unit in units]


def _weights(model: LocalModel) -> list[str]:
    """What is loaded, by content: base, whole model and adapter where present, and the number type it computes in."""
    checkpoint = model.checkpoint
    whole = [] if checkpoint.model is None else [digest_of(checkpoint.model)]
    files = [] if checkpoint.adapter is None else sorted(checkpoint.adapter.iterdir())
    adapter = [f"{path.name} {file_digest(path)}" for path in files if path.suffix in (".json", ".safetensors")]
    return [checkpoint.base.digest, *whole, *adapter, str(model.model.dtype)]


def _sha256(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
