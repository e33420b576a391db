"""The piecewise head gives the loss and gradients of plain cross-entropy, and never holds all logits."""

from __future__ import annotations

import pytest
import torch

from midspec.training import head
from midspec.training.head import head_loss


def both(
    dtype: torch.dtype, frozen: bool, bias: bool, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    monkeypatch.setattr(head, "PIECE", 7 * 301)  # seven rows a piece, the last one shorter
    torch.manual_seed(1)
    states, weight, offset = torch.randn(37, 16).to(dtype), torch.randn(301, 16), torch.randn(301)
    targets = torch.randint(0, 301, (37,))
    found = []
    for plain in (False, True):
        h, w, b = (
            states.clone().requires_grad_(),
            weight.clone().requires_grad_(not frozen),
            offset.clone().requires_grad_(not frozen),
        )
        if plain:
            logits = (h @ w.to(dtype).T).float() + (b if bias else 0)
            loss = 0.25 * torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
        else:
            loss = head_loss(h, w, targets, 0.25, b if bias else None)
        (loss * 3).backward()
        found.append([loss.detach(), h.grad, *([] if frozen else [w.grad, *([b.grad] if bias else [])])])
    return found[0], found[1]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_equals_plain_cross_entropy(frozen: bool, bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = both(torch.float32, frozen, bias, monkeypatch)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_bf16_states_fp32_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = both(torch.bfloat16, False, False, monkeypatch)
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-6, atol=0)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-2)


def test_gradcheck() -> None:
    h = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    w = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    loss = head_loss(h, w, torch.tensor([0, 5, 2, 2, 1]), 0.5)
    expected = 0.5 * torch.nn.functional.cross_entropy(h @ w.T, torch.tensor([0, 5, 2, 2, 1]), reduction="sum")
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)


def test_no_supervised_token_gives_nothing() -> None:
    h = torch.randn(0, 4, requires_grad=True)
    loss = head_loss(h, torch.randn(6, 4), torch.zeros(0, dtype=torch.long), 1.0)
    loss.backward()
    assert loss.item() == 0
    assert h.grad is not None and h.grad.shape == (0, 4)


def test_memory_is_bounded_by_a_piece() -> None:
    """The largest tensor made in forward and backward is far below n x vocabulary."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            for one in out if isinstance(out, (tuple, list)) else [out]:
                if isinstance(one, torch.Tensor):
                    self.numbers = max(self.numbers, one.numel())
            return out

    words, count = 50_000, 2_000
    h, w = torch.randn(count, 8, requires_grad=True), torch.randn(words, 8)
    with Largest() as seen:
        head_loss(h, w, torch.randint(0, words, (count,)), 1.0).backward()
    assert seen.numbers <= head.PIECE < count * words / 10
