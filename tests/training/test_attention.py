"""Attention document by document: what eager attention gives, and a clear word where it cannot."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from midspec.core.errors import SetupError
from midspec.training.attention import SHORT, attend_documents


def reference(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """Plain softmax under a mask over all pairs."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    number = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    seen = (number[:, None] == number) & torch.ones(len(number), len(number)).tril().bool()
    scores = (query @ key.transpose(2, 3) * 0.3).masked_fill(~seen, float("-inf"))
    return (scores.softmax(-1) @ value).transpose(1, 2)


@pytest.mark.parametrize("lengths", [[5], [1, 1, 7, 2], [3, SHORT + 1]])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_as_a_mask_over_all_pairs(lengths: list[int], groups: int) -> None:
    shapes = [(1, heads, sum(lengths), 8) for heads in (4, groups, groups)]
    ours = [torch.randn(shape).requires_grad_() for shape in shapes]
    theirs = [one.detach().clone().requires_grad_() for one in ours]
    out = attend_documents(None, *ours, None, scaling=0.3, document_lengths=lengths)[0]
    expected = reference(*theirs, lengths)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    weights = torch.linspace(-1, 1, out.numel()).view_as(out)
    (out * weights).sum().backward()
    (expected * weights).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("given", [
    {}, {"document_lengths": [4], "softcap": 5.0}, {"document_lengths": [4], "sliding_window": 3},
])  # fmt: skip
def test_what_it_cannot_do_is_said(given: dict[str, Any]) -> None:
    states = torch.randn(1, 2, 4, 8)
    with pytest.raises(SetupError, match="attention") as found:
        attend_documents(torch.nn.Linear(1, 1), states, states, states, None, **given)
    assert 'attention="eager"' in str(found.value)
