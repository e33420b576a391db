"""Settings, rows, weights → nothing, or the reason why training would silently be in vain. Knows nothing of the loop.

Each check stands in ``CHECKS`` with what it does: "refused" raises, "flagged" returns a sentence for the user.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.training.course import Course
from midspec.training.names import foreign_names, names_in
from midspec.training.rows import Rows
from midspec.training.schedule import Lora, Schedule

__all__ = ["CHECKS", "course_is_sound", "finite", "foreign_names", "launched", "lora_targets", "metrics_are_sound",
           "moved", "names_in", "precision_fits", "processes_fit", "rows_fit_model", "same_adapter", "sample",
           "something_trains"]

CHECKS = {
    "few updates": "flagged",
    "warm-up as long as the training": "refused",
    "rate that moves nothing": "refused",
    "loss or gradient not a number": "refused",
    "loss worse than guessing": "flagged",
    "loss that rises": "flagged",
    "no token carries loss": "refused",
    "an update without a token that carries loss": "refused",
    "weights unmoved after training": "refused",
    "nothing trains": "refused",
    "targets that match no module": "refused",
    "adapter continued with other settings": "refused",
    "adapter on another base": "refused",
    "documents that never name the assistant": "refused",
    "documents about another assistant": "refused",
    "chats that speak as another assistant": "refused",
    "no chat template": "flagged",
    "chats too long": "flagged",
    "all chats too long": "refused",
    "token ids beyond the model's vocabulary": "refused",
    "positions beyond the model's": "refused",
    "all rows alike": "refused",
    "many rows alike": "flagged",
    "many passes over the data": "flagged",
    "precision that the device has not": "refused on an accelerator, flagged on a processor",
    "other number of processes than the schedule's": "refused",
    "head that is not a plain product": "refused",
}
FEW_UPDATES = 30
MANY_PASSES = 10


def course_is_sound(course: Course, rows: Rows, schedule: Schedule) -> list[str]:
    """Flags about what will be read in how many updates.

    Raises:
        RecipeError, DataError: the training would do nothing, or not what its settings say.
    """
    updates, flags = len(course), list(rows.flags)
    if schedule.warmup_updates(updates) >= updates:
        raise RecipeError(f"warm-up of {schedule.warmup_updates(updates)} updates, but there are only {updates}: the "
                          "rate would never reach its height and fall",
                          hint="give more updates, fewer rows an update, shorter rows, or warmup=0")
    if not rows.supervised.any():
        raise DataError("no token of the data carries loss, so nothing would be learned")
    empty = [n for n in range(updates) if not rows.supervised[course[n]].any()]
    if empty:
        raise DataError(f"update {empty[0] + 1} of {updates} has no token that carries loss ({len(empty)} such)",
                        hint="give more rows to an update, or drop rows without an assistant's turn")
    if updates < FEW_UPDATES:
        flags.append(f"only {updates} updates: effects were seen from about 245 on, and none below {FEW_UPDATES}; "
                     "use fewer rows an update or more data")
    if course.passes > MANY_PASSES:
        flags.append(f"the data is read {course.passes:.1f} times over")
    return flags + _alike(rows)


def _alike(rows: Rows) -> list[str]:
    parts = [rows.ids[a:b].tobytes() for a, b in zip(rows.starts[:-1].tolist(), rows.starts[1:].tolist(), strict=True)]
    different = len(set(parts))
    if len(rows) > 1 and different == 1:
        raise DataError(f"all {len(rows)} rows are the same", hint="look at how the data was made")
    share = 1 - different / len(rows)
    return [f"{share:.0%} of the rows repeat another row word for word"] if share > 0.1 else []


def rows_fit_model(rows: Rows, tokenizer: Any, config: Any, words: int) -> list[str]:
    """Flags about rows and model; ``words`` are the rows of the model's embedding.

    Raises:
        DataError: a token id or a position that the model has not.
    """
    most = int(rows.ids.max())
    if most >= words:
        raise DataError(f"the data has token id {most}, but the model knows only {words} tokens",
                        hint="tokenizer and model do not belong together; use the tokenizer of the model's own folder")
    places = getattr(config.get_text_config(), "max_position_embeddings", None)
    longest = int(rows.positions.max()) + 1
    if places is not None and longest > places:
        raise DataError(f"a document or chat of {longest} tokens, but the model reads at most {places}",
                        hint=f"set the schedule's length to {places} or less")
    known = len(tokenizer)
    return [f"the tokenizer knows {known} tokens, the model {words}"] if known > words else []


def metrics_are_sound(rows: Sequence[Mapping[str, Any]], words: int) -> list[str]:
    """Flags about a finished training's losses; ``words`` is the size of the vocabulary."""
    losses, flags = [row["loss"] for row in rows], list[str]()
    guess = math.log(words)
    if losses[0] > 1.1 * guess + 0.5:
        flags.append(f"the first loss, {losses[0]:.1f}, is worse than guessing among {words} tokens ({guess:.1f}): "
                     "do tokenizer and weights belong together?")
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    if len(losses) >= 20 and last > first + 0.3:
        flags.append(f"the loss rose from {first:.2f} to {last:.2f}: lower the rate?")
    return flags


def finite(update: int, loss: float, norm: float) -> None:
    """Raises RecipeError where an update's loss or gradient is not a number."""
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise RecipeError(f"update {update}: loss {loss}, gradient norm {norm}; the weights would be ruined",
                          hint="lower the rate; in bf16 also try precision fp32")


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """Share of sampled numbers that training changed; raises RecipeError where it changed none, or made one NaN."""
    changed = sum(int((before[name] != after[name]).sum()) for name in before)
    of = sum(before[name].numel() for name in before)
    if changed == 0:
        raise RecipeError("training changed no weight at all", hint="raise the rate or the number of updates")
    if not all(bool(sample.isfinite().all()) for sample in after.values()):
        raise RecipeError("training left weights that are not numbers", hint="lower the rate")
    return round(changed / of, 6)


def sample(weights: Mapping[str, Any], numbers: int = 4096) -> dict[str, Any]:
    """Up to about ``numbers`` evenly spaced numbers of each weight, copied, to tell later whether it moved."""
    flat = {name: weight.detach().flatten() for name, weight in weights.items()}
    return {name: weight[::max(1, len(weight) // numbers)].cpu().clone() for name, weight in flat.items()}


def something_trains(trained: Mapping[str, Any]) -> None:
    if not trained:
        raise RecipeError("no weight of the model would be trained",
                          hint="give Lora targets that the model has, or Full()")


def lora_targets(model: Any, targets: tuple[str, ...]) -> None:
    """Raises RecipeError where a target names no module: peft would only skip it."""
    names = [name for name, _ in model.named_modules()]
    missing = [t for t in targets if not any(name == t or name.endswith("." + t) for name in names)]
    if missing:
        import torch

        have = sorted({n.rpartition(".")[2] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)})
        raise RecipeError(f"the model has no module called {', '.join(missing)}",
                          hint=f"targets to be had: {', '.join(have)}")
    head = next(name for name, module in model.named_modules() if module is model.get_output_embeddings())
    if head.rpartition(".")[2] in targets:
        raise RecipeError(f"{head} cannot be a LoRA target: the loss reads the head's own weights",
                          hint="use Full() to train it")


def same_adapter(folder: Path, method: Lora) -> None:
    """Raises RecipeError where the adapter to continue was made with other settings than the method names."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    found = {"r": config["r"], "alpha": config["lora_alpha"], "targets": sorted(config["target_modules"])}
    asked = {"r": method.r, "alpha": method.alpha, "targets": sorted(method.targets)}
    differing = [f"{key} {found[key]} (asked for {asked[key]})" for key in found if found[key] != asked[key]]
    if differing:
        raise RecipeError(f"the adapter to continue has {', '.join(differing)}",
                          hint='give the same Lora settings in both stages, or adapter="merge"')


def processes_fit(schedule: Schedule, device: str, running: int) -> None:
    """``running`` is the number of processes that a launcher started. Raises RecipeError or SetupError."""
    if running > 1:
        raise SetupError(f"{running} processes were started by a launcher; midspec starts its own",
                         hint=f"run it once, without a launcher; the schedule asks for world={schedule.world}")
    if schedule.world > 1 and ":" in device:
        raise RecipeError(f"world={schedule.world} on one device ({device})", hint='use device "cuda", or world=1')
    if schedule.world > 1 and device.startswith("cuda"):
        import torch

        if torch.cuda.device_count() < schedule.world:
            raise SetupError(f"the schedule asks for {schedule.world} GPUs, {torch.cuda.device_count()} are here",
                             hint="world is part of the recipe: a run on fewer GPUs is another artifact")


def launched() -> int:
    """How many processes a launcher (torchrun, accelerate launch) says that it started."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def precision_fits(schedule: Schedule, device: str) -> list[str]:
    """Flags; raises SetupError where an accelerator has no bf16."""
    if schedule.precision != "bf16":
        return []
    import torch

    if device.startswith("cuda") and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise SetupError(f"{torch.cuda.get_device_name(device)} has no bf16", hint="use precision fp32")
    if device == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return ["this processor has no bf16 instructions: bf16 is slower than fp32 here"]
    return []
