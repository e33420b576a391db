"""Hidden states, targets → loss, without ever holding batch x length x vocabulary. Knows nothing of what is trained.

The gradient is taken in the forward pass, piece by piece, as Liger's fused cross-entropy does (arXiv 2410.10989):
a piece's logits are made, turned into their own gradient in place, multiplied back, and forgotten.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# Numbers in one piece's logits: 32 MB of fp32 stay in a CPU's last cache (measured: 2**22 … 2**23 are fastest).
PIECE = 1 << 23
PIECE_ON_ACCELERATOR = 1 << 27


def head_loss(hidden: Tensor, weight: Tensor, targets: Tensor, scale: float, bias: Tensor | None = None) -> Tensor:
    """``scale`` x the summed negative log-probability of ``targets``, an fp32 scalar that can be differentiated.

    ``hidden`` [n, width]: the states that predict ``targets`` int64 [n]. ``weight`` [vocabulary, width], ``bias``
    [vocabulary] or None; each gets a gradient only where it asks for one. Products are taken in ``hidden``'s dtype, the
    log-softmax in fp32.
    """
    return _function().apply(hidden, weight, bias, targets, scale)


@cache
def _function() -> Any:
    """The autograd function; made on first use, since its class needs torch."""
    import torch

    class HeadLoss(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor,
                    scale: float) -> Tensor:
            wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
            low = weight if weight.dtype == hidden.dtype else weight.to(hidden.dtype)
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            grad_hidden = torch.empty_like(hidden) if wants_hidden else None
            grad_weight = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
            grad_bias = torch.zeros_like(bias, dtype=torch.float32) if bias is not None and wants_bias else None
            size = max(1, (PIECE if hidden.device.type == "cpu" else PIECE_ON_ACCELERATOR) // weight.shape[0])
            for start in range(0, hidden.shape[0], size):
                states, wanted = hidden[start:start + size], targets[start:start + size]
                logits = (states @ low.T).float()
                if bias is not None:
                    logits += bias.float()
                total += _into_gradient(logits, wanted)
                if not (wants_hidden or wants_weight or wants_bias):
                    continue
                grad = logits.mul_(scale)
                if grad_bias is not None:
                    grad_bias += grad.sum(0)
                grad = grad.to(hidden.dtype)
                if grad_hidden is not None:
                    grad_hidden[start:start + size] = grad @ low
                if grad_weight is not None:
                    grad_weight += grad.T @ states
            ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
            ctx.kinds = (weight.dtype, None if bias is None else bias.dtype)
            return total * scale

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
            outer, (hidden, weight, bias) = grads[0], ctx.saved_tensors
            return (None if hidden is None else hidden * outer.to(hidden.dtype),
                    None if weight is None else (weight * outer).to(ctx.kinds[0]),
                    None if bias is None else (bias * outer).to(ctx.kinds[1]), None, None)

    return HeadLoss


def _into_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """Summed loss of ``logits`` fp32 [n, vocabulary]; overwrites them with the loss's gradient (softmax - one-hot)."""
    rows = targets.unsqueeze(1)
    chosen = logits.gather(1, rows)
    norm = logits.logsumexp(1, keepdim=True)
    logits.sub_(norm).exp_()
    logits.scatter_add_(1, rows, logits.new_full((1, 1), -1.0).expand(rows.shape))
    return (norm - chosen).sum()
