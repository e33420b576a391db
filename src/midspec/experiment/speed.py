"""This machine → floating-point operations a second, measured once and kept. Knows nothing of experiments."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.errors import SetupError
from midspec.experiment.job import device_name, versions
from midspec.models.quiet import quiet

PRECISIONS = ("fp32", "bf16")
ROWS, LENGTH, UPDATES = 2, 256, 4
# Adapters, autocast, loss and optimizer take their share. Measured once, in processor time: LoRA of the embedded 135M
# model in bf16 on one thread made 242 tokens a second, 0.65 of what the bare model below makes. Other sizes, rows and
# devices differ, and so does a machine that was busy when it was measured: minutes are for planning.
EFFICIENCY = 0.65


@dataclass(frozen=True)
class Speed:
    """Training speed by precision, in floating-point operations a second (forward and backward)."""

    device: str
    flops: dict[str, float]

    def seconds(self, flops: float, precision: str) -> float:
        return flops / self.flops.get(precision, min(self.flops.values()))


def kept(cache: Path, device: str) -> Speed | None:
    """The measurement of an earlier call on this device with these library versions, if there is one."""
    path = cache / "speed.json"
    if not path.is_file():
        return None
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None
    if row.get("key") != _key(device):
        return None
    return Speed(row["device"], row["flops"])


def measure(cache: Path, device: str) -> Speed:
    """Time a few passes through a small model in each precision (≈ 5 s on 2 cores) and keep the result.

    Raises:
        SetupError: torch or transformers are missing.
    """
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")):
        raise SetupError("measuring speed needs torch and transformers", hint="pip install 'midspec[train]'")
    speed = Speed(device_name(device), _flops(device))
    cache.mkdir(parents=True, exist_ok=True)
    fresh = cache / f"speed.json.{os.getpid()}"
    fresh.write_text(json.dumps({"key": _key(device), "device": speed.device, "flops": speed.flops}), encoding="utf-8")
    fresh.replace(cache / "speed.json")
    return speed


def _key(device: str) -> list[Any]:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return [device, sorted(versions().items()), os.cpu_count(), threads, EFFICIENCY]


def _flops(device: str) -> dict[str, float]:
    """Work of one update (4 operations a weight and token: forward, and backward through frozen weights) per second."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=3, num_attention_heads=9, num_key_value_heads=3,
        vocab_size=8192, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]), quiet():
        model: Any = LlamaForCausalLM(config)
        model.to(device).requires_grad_(False)
        ids = torch.randint(0, config.vocab_size, (ROWS, LENGTH), device=device)
    model.enable_input_require_grads()
    weights = sum(p.numel() for p in model.parameters())
    found: dict[str, float] = {}
    for name in PRECISIONS:
        if name == "bf16":
            model.to(torch.bfloat16)
        best = float("inf")
        for _ in range(UPDATES):
            started = time.perf_counter()
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            loss.item()
            best = min(best, time.perf_counter() - started)
        found[name] = EFFICIENCY * 4.0 * weights * ROWS * LENGTH / best
    return found
