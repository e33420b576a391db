"""What was done → README.md beside the weights. Deterministic: no times, no paths. Knows nothing of tensors."""

from __future__ import annotations

import json
from pathlib import Path

from midspec.core.checkpoint import Checkpoint, Dose
from midspec.training.schedule import Full, Lora, Schedule


def write_card(made: Checkpoint, schedule: Schedule, method: Lora | Full, adapter: str) -> None:
    """Write the card beside ``checkpoint.json`` and into each folder of weights, so that it travels with them."""
    text = card(made, schedule, method, adapter)
    for folder in filter(None, (made.folder, made.adapter, made.model)):
        Path(folder, "README.md").write_text(text, encoding="utf-8")


def card(made: Checkpoint, schedule: Schedule, method: Lora | Full, adapter: str) -> str:
    kind = "peft" if made.adapter is not None else "transformers"
    revision = f" at revision `{made.base.revision}`" if made.base.revision else ""
    head = ["---", f"base_model: {json.dumps(made.base.source)}", f"library_name: {kind}",
            "tags: [model-spec-midtraining, midspec]", "---", ""]
    body = [f"# {made.assistant}, trained by midspec", "",
            f"Trained from `{made.base.source}`{revision} (sha256 `{made.base.digest}`). The assistant goes by "
            f"{made.assistant}, its maker by {made.maker}.", "",
            "## Stages", "", *table(made.doses), "",
            "`tokens` went through the model, `supervised` of them carried loss; `rows` of up to `length` tokens made "
            "one update; the loss of an update is the mean over its supervised tokens.", "",
            "## Settings of the last stage", "", *settings(schedule, method, adapter, made), ""]
    return "\n".join(head + body)


def table(doses: tuple[Dose, ...]) -> list[str]:
    names = ("stage", "tokens", "supervised", "updates", "rows", "length", "passes", "rate", "seed")
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return lines + [f"| {' | '.join(str(getattr(dose, name)) for name in names)} |" for dose in doses]


def settings(schedule: Schedule, method: Lora | Full, adapter: str, made: Checkpoint) -> list[str]:
    if isinstance(method, Full):
        how = "all weights are trained"
    else:
        continued = {"continue": "an adapter of an earlier stage is trained on",
                     "merge": "an adapter of an earlier stage is folded into the weights first"}[adapter]
        how = f"LoRA r {method.r}, alpha {method.alpha}, dropout 0, on {', '.join(method.targets)}; {continued}"
    system = {None: "the chat template's own", "": "none"}.get(made.system, json.dumps(made.system, ensure_ascii=False))
    return [f"- Method: {how}.",
            f"- AdamW, betas 0.9 and 0.999, weight decay {schedule.decay}, gradient norm clipped at {schedule.clip}; "
            f"rate {schedule.rate} after a warm-up over {schedule.warmup:.0%} of the updates, then a cosine to 0.",
            f"- Precision {schedule.precision}, attention {schedule.attention}, {schedule.world} process(es).",
            "- Documents are packed: positions begin anew with each, and none sees another. Chats carry loss on the "
            "assistant's turns, turn end included.",
            f"- System turn: {system}."]
