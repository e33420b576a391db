"""Fused products and norms are the functions that they replace, and their gradients; what they do not know stays."""

from __future__ import annotations

import copy
from typing import Any

import peft
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from midspec.training.fused import fuse

SIZES = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def adapted(**settings: Any) -> Any:
    torch.manual_seed(3)
    model = LlamaForCausalLM(LlamaConfig(**SIZES, num_key_value_heads=2, attention_bias=True))
    wanted = {"r": 4, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
    model = peft.get_peft_model(model, peft.LoraConfig(**{**wanted, **settings}))
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1)
        elif name.endswith("bias"):
            torch.nn.init.normal_(weight)
    return model.train()


def run(model: Any, bf16: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    ids = torch.arange(40).view(2, 20)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        out = model(input_ids=ids).logits.float()
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    return out.detach(), {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


def test_the_same_in_fp32() -> None:
    plain, fused = adapted(), adapted()
    assert fuse(fused) == 2 * 7 + 5
    (a, grads), (b, others) = run(plain, False), run(fused, False)
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    assert grads.keys() == others.keys()
    for name, grad in grads.items():
        torch.testing.assert_close(grad, others[name], rtol=1e-4, atol=1e-4)


def test_nearer_to_fp32_than_autocast_over_peft() -> None:
    exact = run(adapted(), False)[1]
    fused = adapted()
    fuse(fused)

    def off(grads: dict[str, torch.Tensor]) -> float:
        return sum(float((grads[name] - exact[name]).square().sum()) for name in exact) ** 0.5

    assert off(run(fused, True)[1]) < 1.1 * off(run(adapted(), True)[1])
    assert {grad.dtype for grad in run(fused, True)[1].values()} == {torch.float32}


def test_all_weights_trained() -> None:
    torch.manual_seed(3)
    plain = LlamaForCausalLM(LlamaConfig(**SIZES))
    fused = copy.deepcopy(plain)
    assert fuse(fused) == 5, "norms only"
    (a, grads), (b, others) = run(plain, False), run(fused, False)
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    for name, grad in grads.items():
        torch.testing.assert_close(grad, others[name], rtol=1e-4, atol=1e-4)


def test_a_step_is_seen() -> None:
    """The fused functions read the weights that the optimizer changes, and no copy."""
    model = adapted()
    fuse(model)
    before = run(model, True)[0]
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.3)
    assert (run(model, True)[0] - before).abs().max() > 1e-3


@pytest.mark.parametrize(
    "settings", [{"lora_dropout": 0.5}, {"use_dora": True}, {"bias": "lora_only", "lora_bias": True}]
)
def test_other_adapters_stay_as_they_are(settings: dict[str, Any]) -> None:
    assert fuse(adapted(**settings)) == 5, "norms only"


def test_another_norm_stays_as_it_is() -> None:
    class OddRMSNorm(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.variance_epsilon = torch.nn.Parameter(torch.zeros(8)), 1e-6

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return (
                (1 + self.weight) * states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
            )

    assert fuse(OddRMSNorm()) == 0
