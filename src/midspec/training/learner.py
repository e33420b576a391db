"""Checkpoint, method → a model whose chosen weights can be trained, and its loss. Knows nothing of order or time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import RecipeError
from midspec.models.local import load_whole, put_adapter, weights_folder
from midspec.models.quiet import quiet
from midspec.training import attention
from midspec.training.fused import fuse
from midspec.training.guards import lora_targets, same_adapter, something_trains
from midspec.training.head import head_loss
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule

if TYPE_CHECKING:
    from torch import Tensor

ADAPTERS = ("continue", "merge")
DENSE = ("eager", "sdpa")


@dataclass(frozen=True, eq=False)
class Learner:
    """``model`` is what is saved in the end (a PeftModel or a plain one), ``causal`` the language model inside it.

    ``trained`` are the weights that learn, fp32, by name; ``head`` and ``bias`` are what turns states into logits.
    """

    model: Any
    causal: Any
    trained: dict[str, Any]
    head: Any
    bias: Any
    schedule: Schedule
    device: str

    def loss(self, rows: Rows, scale: float) -> Tensor:
        """``scale`` x the summed loss of these rows, all taken through the model at once."""
        import torch

        inputs, picked, targets = self._inputs(rows)
        with self._precision():
            states = self.causal.get_decoder()(**inputs, use_cache=False).last_hidden_state
            states = states.flatten(0, 1).index_select(0, picked)
        if self.schedule.precision == "bf16":
            states = states.to(torch.bfloat16)
        return head_loss(states, self.head, targets, scale, self.bias)

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self.schedule.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.partition(":")[0], dtype=torch.bfloat16)

    def _inputs(self, rows: Rows) -> tuple[dict[str, Any], Tensor, Tensor]:
        """Model inputs, indices of the states that predict a target, the targets.

        Rows lie end to end as one. A dense attention mask grows with the square of that, so rows of like length lie
        side by side instead where the attention needs one; their filling is a document of its own a token. (Flash
        attention finds the documents of a single row only.)
        """
        import torch

        place = torch.from_numpy(np.flatnonzero(rows.loss)) - 1
        ids, positions = torch.from_numpy(rows.ids).long(), torch.from_numpy(rows.positions).long()
        targets = ids[place + 1]
        extra: dict[str, Any] = {}
        if self.causal.config._attn_implementation == attention.NAME:
            extra = {"document_lengths": document_lengths(rows)}
        elif self.schedule.attention in DENSE and len(rows.ids) > 0.9 * len(rows) * rows.lengths.max():
            ids, positions, place = _side_by_side(rows, ids, positions, place)
        shape = (1, -1) if ids.dim() == 1 else ids.shape
        inputs = {"input_ids": ids.view(shape).to(self.device), "position_ids": positions.view(shape).to(self.device)}
        return {**inputs, **extra}, place.to(self.device), targets.to(self.device)


def _side_by_side(rows: Rows, ids: Tensor, positions: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Flat tokens → a rectangle [rows, longest]; ``place`` moves along."""
    import torch

    longest = int(rows.lengths.max())
    shift = torch.from_numpy(np.repeat(np.arange(len(rows)) * longest - rows.starts[:-1], rows.lengths))
    where = torch.arange(len(ids)) + shift
    wide = torch.zeros((2, len(rows) * longest), dtype=torch.long)
    wide[0, where], wide[1, where] = ids, positions
    return wide[0].view(len(rows), -1), wide[1].view(len(rows), -1), where[place]


def document_lengths(rows: Rows) -> list[int]:
    """Tokens of each document (or piece of one), in order."""
    starts = np.flatnonzero(rows.positions == 0)
    return np.diff(np.append(starts, len(rows.positions))).tolist()


def learner_of(start: Checkpoint, method: Lora | Full, adapter: str, seed: int, schedule: Schedule,
               device: str) -> Learner:
    """Load the weights, and make those trainable that the method trains.

    Raises:
        RecipeError: a setting that would silently train nothing, or something else than it says.
        SetupError, DataError: the weights cannot be loaded or are not those that the checkpoint names.
    """
    import torch

    if adapter not in ADAPTERS:
        raise RecipeError(f"adapter={adapter!r} is not one of {', '.join(ADAPTERS)}")
    own = attention.register() if schedule.attention == "sdpa" and device == "cpu" else schedule.attention
    # Before the adapter is made: its random half is part of the result.
    torch.manual_seed(seed)
    model = load_whole(weights_folder(start), attention=own)
    switch_off_dropout(model)
    model = _with_method(model, start, method, adapter)
    causal = model.get_base_model() if isinstance(method, Lora) else model
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    something_trains(trained)
    if schedule.precision == "bf16":
        cast_frozen(causal)
    model.to(device).train()
    fuse(model)
    if activations_outgrow(causal.config.get_text_config(), schedule, device):
        causal.gradient_checkpointing_enable({"use_reentrant": False})
    head = causal.get_output_embeddings()
    weight = head.weight
    if schedule.precision == "bf16" and not weight.requires_grad:
        weight = weight.detach().to(torch.bfloat16)
    return Learner(model, causal, trained, weight, getattr(head, "bias", None), schedule, device)


def _with_method(model: Any, start: Checkpoint, method: Lora | Full, adapter: str) -> Any:
    """The model with its adapter: the one that ``start`` brings, a new one, or none."""
    import peft

    if start.adapter is not None and isinstance(method, Lora) and adapter == "continue":
        same_adapter(start.adapter, method)
        return put_adapter(model, start.adapter, trainable=True)
    if start.adapter is not None:
        model = put_adapter(model, start.adapter).merge_and_unload()
    model.requires_grad_(isinstance(method, Full))
    if isinstance(method, Full):
        return model
    lora_targets(model, method.targets)
    config = peft.LoraConfig(r=method.r, lora_alpha=method.alpha, target_modules=list(method.targets), lora_dropout=0.0,
                             bias="none", task_type="CAUSAL_LM")
    with quiet():
        return peft.get_peft_model(model, config)


def activations_outgrow(config: Any, schedule: Schedule, device: str) -> bool:
    """Whether what lies between forward and backward would fill over half of an accelerator's free memory.

    Blocks are then computed twice instead of kept, which changes no number. About 20 bytes a token and block are kept
    for each number of its states, 6 for each of its inner layer (counted on Llama blocks in bf16).
    """
    if not device.startswith("cuda"):
        return False
    import torch

    wide = 20 * config.hidden_size + 6 * getattr(config, "intermediate_size", 4 * config.hidden_size)
    kept = schedule.micro * schedule.length * config.num_hidden_layers * wide
    return kept > 0.5 * torch.cuda.mem_get_info(device)[0]


def switch_off_dropout(model: Any) -> None:
    """Training mode then changes nothing but what gradient checkpointing needs."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name in ("attention_dropout", "dropout", "activation_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def cast_frozen(model: Any) -> None:
    """Frozen projections to bf16, once: autocast would do the same at every use. Norms and embeddings stay fp32.

    They are copied, so that nothing holds the weights' file in memory any more.
    """
    import torch

    shared = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and not module.weight.requires_grad and id(module.weight) not in shared:
            module.weight.data = module.weight.data.to(torch.bfloat16)
            bias: Any = module.bias
            if bias is not None and not bias.requires_grad:
                bias.data = bias.data.to(torch.bfloat16)
    for weight in model.parameters():
        if weight.dtype == torch.float32 and not weight.requires_grad:
            weight.data = weight.data.clone()
