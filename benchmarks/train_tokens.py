"""Training tokens a second and peak memory: midspec's loop against TRL's SFTTrainer, same packed rows (P1).

Needs a second Python with trl and datasets beside the same torch, transformers and peft. Run from the repository:

    python benchmarks/train_tokens.py --peer PATH/TO/bin/python [--length 1024] [--precision bf16|fp32] [--full]

Both start from the embedded model with the same adapter (same seed), read the same rows in the same order at the same
rates with the same optimizer, each in a process of its own; rounds alternate. The losses of all updates must agree
before a time is printed. TRL runs at its fastest setting here: padding-free, no gradient checkpointing (its default
would be slower), fused AdamW, its own piecewise head.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SEED, DECAY = 7, 0.01
RATE = {True: 2e-5, False: 5e-4}  # all weights, or an adapter
TOLERANCE = {"fp32": 2e-3, "bf16": 6e-2}
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--peer", default=sys.executable, help="a Python with trl; default this one")
    options.add_argument("--length", type=int, default=1024)
    options.add_argument("--rows", type=int, default=4)
    options.add_argument("--micro", type=int, default=2)
    options.add_argument("--updates", type=int, default=5)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    options.add_argument("--full", action="store_true", help="train all weights, not a LoRA of rank 64")
    options.add_argument("--child", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps((ours if given.child == "ours" else theirs)(given)))
        return
    with tempfile.TemporaryDirectory() as folder:
        given.work = Path(folder)
        prepare(given)
        found: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
        for _ in range(given.rounds):
            for side, python in (("theirs", given.peer), ("ours", sys.executable)):
                found[side].append(child(side, python, given))
    show(given, found)


def prepare(given: argparse.Namespace) -> None:
    """Rows on disk, and where the model lies: packed once, by midspec, for both."""
    from midspec.models.sources import resolve
    from midspec.training.packing import pack_tokens

    draw = np.random.default_rng(0)
    need = given.rows * given.updates * given.length
    lengths = draw.integers(60, 400, 4 * need // 230)
    rows = pack_tokens(draw.zipf(1.2, int(lengths.sum())).clip(1, 40_000).astype(np.int32), lengths, given.length)
    chosen = rows.take(np.linspace(0, len(rows) - 2, given.rows * given.updates).astype(int))
    np.savez(given.work / "rows.npz", ids=chosen.ids, positions=chosen.positions, loss=chosen.loss,
             starts=chosen.starts)
    (given.work / "model").write_text(str(resolve("embedded/smollm2-135m-instruct")))


def child(side: str, python: str, given: argparse.Namespace) -> dict[str, Any]:
    names = ("length", "rows", "micro", "updates", "precision", "work")
    settings = [f"--{name}={getattr(given, name)}" for name in names]
    command = [python, __file__, "--child", side, *settings, *(["--full"] if given.full else [])]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(given: argparse.Namespace) -> dict[str, Any]:
    from midspec.core.checkpoint import Base, Checkpoint
    from midspec.models.sources import digest_of
    from midspec.training.checkpoint import States
    from midspec.training.course import Course
    from midspec.training.crew import Crew
    from midspec.training.learner import learner_of
    from midspec.training.loop import Pace, train
    from midspec.training.rows import Rows
    from midspec.training.schedule import Full, Lora, Schedule

    data = np.load(given.work / "rows.npz")
    rows = Rows(data["ids"], data["positions"], data["loss"], data["starts"])
    folder = (given.work / "model").read_text()
    start = Checkpoint(given.work, Base(folder, None, digest_of(Path(folder))), "", "", None)
    schedule = Schedule(updates=given.updates, rows=given.rows, micro=given.micro, length=given.length,
                        rate=RATE[given.full], warmup=0.0, decay=DECAY, precision=given.precision)
    learner = learner_of(start, Full() if given.full else Lora(), "continue", SEED, schedule, "cpu")
    times = [time.perf_counter()]
    metrics = train(learner, rows, Course(np.arange(len(rows)), given.rows, len(rows)), crew=Crew(), resume=None,
                    states=States(given.work / "states", "x"), pace=Pace(every=10**9),
                    report=lambda done, of, numbers: times.append(time.perf_counter()))
    return result([row["loss"] for row in metrics], times, given)


def theirs(given: argparse.Namespace) -> dict[str, Any]:
    import math

    import peft
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    data = np.load(given.work / "rows.npz")
    parts = [slice(a, b) for a, b in zip(data["starts"][:-1], data["starts"][1:], strict=True)]
    starts = [np.flatnonzero(data["positions"][part] == 0) for part in parts]
    dataset = Dataset.from_dict({
        "input_ids": [data["ids"][part].tolist() for part in parts],
        "seq_lengths": [np.diff([*s, p.stop - p.start]).tolist() for s, p in zip(starts, parts, strict=True)]})
    folder = (given.work / "model").read_text()
    torch.manual_seed(SEED)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    if not given.full:
        config = peft.LoraConfig(r=64, lora_alpha=128, target_modules=list(TARGETS), lora_dropout=0.0, bias="none",
                                 task_type="CAUSAL_LM")
        model = peft.get_peft_model(model, config)
    weights = [w for w in model.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW([{"params": [w for w in weights if w.dim() > 1], "weight_decay": DECAY},
                                   {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0}],
                                  lr=RATE[given.full], fused=True)
    cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.5 * (1 + math.cos(math.pi * n / given.updates)))
    times, losses = [time.perf_counter()], []

    class Watch(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            times[0] = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                losses.append(float(logs["loss"]))

    arguments = SFTConfig(
        output_dir=str(given.work / "trl"), max_steps=given.updates, per_device_train_batch_size=given.micro,
        gradient_accumulation_steps=given.rows // given.micro, bf16=given.precision == "bf16", max_grad_norm=1.0,
        gradient_checkpointing=False, padding_free=True, max_length=None, logging_steps=1, save_strategy="no",
        report_to=[], use_cpu=True, disable_tqdm=True, train_sampling_strategy="sequential", seed=SEED,
        dataloader_pin_memory=False)
    SFTTrainer(model, arguments, train_dataset=dataset, processing_class=AutoTokenizer.from_pretrained(folder),
               optimizers=(optimizer, cosine), callbacks=[Watch()]).train()
    return result(losses, times, given)


def result(losses: list[float], times: list[float], given: argparse.Namespace) -> dict[str, Any]:
    import torch

    return {"losses": losses, "seconds": np.diff(times).tolist(), "threads": torch.get_num_threads(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def show(given: argparse.Namespace, found: dict[str, list[dict[str, Any]]]) -> None:
    first, peer = found["ours"][0]["losses"], found["theirs"][0]["losses"]
    worst = max(abs(a - b) for a, b in zip(first, peer, strict=True))
    assert worst <= TOLERANCE[given.precision], f"losses differ by {worst}: {first} against {peer}"
    tokens = given.rows * given.length  # rows are full to a fraction of a percent
    # The first update warms caches up on both sides.
    speed = {side: tokens / statistics.median(s for run in runs for s in run["seconds"][1:])
             for side, runs in found.items()}
    peak = {side: statistics.median(run["peak"] for run in runs) for side, runs in found.items()}
    print(f"{'all weights' if given.full else 'LoRA r 64'}, {given.precision}, {given.rows} rows of {given.length} an "
          f"update, {given.micro} at once, {found['ours'][0]['threads']} threads, {given.rounds} rounds of "
          f"{given.updates} updates")
    print(f"largest difference of an update's loss: {worst:.1e} (losses {first[0]:.4f} … {first[-1]:.4f})")
    for what, value in (("tokens/s", speed), ("peak memory, MB", peak)):
        ratio = value["ours"] / value["theirs"]
        print(f"{what}: TRL {value['theirs']:.0f}, midspec {value['ours']:.0f}: {ratio:.2f} x")


if __name__ == "__main__":
    main()
