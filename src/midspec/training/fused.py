"""A model with an adapter → the same function with fewer passes over memory. Knows nothing of losses or data.

On a processor half of a small model's time goes into reading and writing what lies between two products. An adapter's
two products are added into the base's result where it lies, an input is rounded to bf16 once for all projections that
read it, and a norm keeps its input and one number a token instead of three copies.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def fuse(model: Any) -> int:
    """Replace what can be replaced exactly; returns how many modules were. All others stay as they are."""
    return sum(_fuse_lora(module) or _fuse_norm(module) for module in model.modules())


def _fuse_lora(module: Any) -> bool:
    """A LoRA over a plain frozen projection: one adapter, no dropout, no variant."""
    import torch
    from peft.tuners.lora import Linear

    if type(module) is not Linear or type(module.base_layer) is not torch.nn.Linear or len(module.active_adapters) != 1:
        return False
    layer: Any = module
    name, base = layer.active_adapters[0], layer.base_layer
    down, up = layer.lora_A[name], layer.lora_B[name]
    variant = layer.merged or layer.disable_adapters or layer.fan_in_fan_out or getattr(layer, "lora_variant", None)
    if variant or not isinstance(layer.lora_dropout[name], torch.nn.Identity):
        return False
    if down.bias is not None or up.bias is not None or base.weight.requires_grad:
        return False
    layer.forward = partial(lora_product, base=base, down=down, up=up, scale=float(layer.scaling[name]))
    return True


def lora_product(states: Tensor, *, base: Any, down: Any, up: Any, scale: float) -> Tensor:
    """``base(states) + scale * up(down(states))``; the products in bf16 under autocast."""
    import torch

    kind = states.device.type
    low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
    weight, bias = base.weight.to(low), None if base.bias is None else base.bias.to(low)
    return _functions()[0].apply(states, _rounded(states, low), weight, bias, down.weight, up.weight, scale)


class _Last:
    """The input that was rounded last: q, k and v read one tensor, gate and up another."""

    of: Any = None
    version = -1
    rounded: Any = None


def _rounded(states: Tensor, low: Any) -> Tensor:
    if states.dtype == low:
        return states.detach()
    if _Last.of is None or _Last.of() is not states or _Last.version != states._version or _Last.rounded.dtype != low:
        import weakref

        _Last.of, _Last.version, _Last.rounded = weakref.ref(states), states._version, states.detach().to(low)
    return _Last.rounded


def _fuse_norm(module: Any) -> bool:
    """A root-mean-square norm, recognised by what it does and not by its name alone."""
    import torch

    epsilon = getattr(module, "variance_epsilon", None)
    if not type(module).__name__.endswith("RMSNorm") or not isinstance(epsilon, float) or module.weight.dim() != 1:
        return False
    for dtype in (torch.float32, torch.bfloat16):
        probe = torch.linspace(-3, 3, 2 * len(module.weight), device=module.weight.device).view(2, -1).to(dtype)
        with torch.no_grad():
            theirs, mine = module(probe), rms_norm(probe, weight=module.weight, epsilon=epsilon)
        if theirs.dtype != mine.dtype or not torch.allclose(theirs, mine, rtol=1e-6, atol=1e-6):
            return False
    module.forward = partial(rms_norm, weight=module.weight, epsilon=epsilon)
    return True


def rms_norm(states: Tensor, *, weight: Tensor, epsilon: float) -> Tensor:
    """``weight * (states / root of their mean square)``, the quotient in fp32, rounded to the states' dtype."""
    return _functions()[1].apply(states, weight, epsilon)


@cache
def _functions() -> tuple[Any, Any]:
    """The two autograd functions; made on first use, since their classes need torch."""
    import torch

    class LoraProduct(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, states: Tensor, low: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor,
                    up: Tensor, scale: float) -> Tensor:
            flat = low.flatten(0, -2)
            inner = flat @ down.to(low.dtype).T
            out = flat @ weight.T if bias is None else torch.addmm(bias, flat, weight.T)
            out.addmm_(inner, up.to(low.dtype).T, alpha=scale)
            ctx.save_for_backward(low, inner, weight, down, up)
            ctx.scale, ctx.dtype, ctx.wants = scale, states.dtype, ctx.needs_input_grad[0]
            return out.view(*states.shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
            low, inner, weight, down, up = ctx.saved_tensors
            grad, flat = grads[0].to(low.dtype).flatten(0, -2), low.flatten(0, -2)
            grad_inner = (grad @ up.to(low.dtype)).mul_(ctx.scale)
            grad_down, grad_up = grad_inner.T @ flat, (grad.T @ inner).mul_(ctx.scale)
            grad_states = None
            if ctx.wants:
                grad_states = (grad @ weight).addmm_(grad_inner, down.to(low.dtype)).view_as(low).to(ctx.dtype)
            return grad_states, None, None, None, grad_down.to(down.dtype), grad_up.to(up.dtype), None

    class RmsNorm(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, states: Tensor, weight: Tensor, epsilon: float) -> Tensor:
            wide = states.float()
            inverse = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_().div_(wide.shape[-1])
            inverse.add_(epsilon).rsqrt_()
            ctx.save_for_backward(states, weight, inverse)
            return weight * (wide * inverse).to(states.dtype)

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
            states, weight, inverse = ctx.saved_tensors
            normed, grad = states.float() * inverse, grads[0].float()
            grad_weight = None
            if ctx.needs_input_grad[1]:
                grad_weight = (grad * normed).flatten(0, -2).sum(0).to(weight.dtype)
            grad = grad * weight
            along = (grad * normed).mean(-1, keepdim=True)
            return grad.sub_(normed.mul_(along)).mul_(inverse).to(states.dtype), grad_weight, None

    return LoraProduct, RmsNorm
