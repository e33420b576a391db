"""One process or several → one training. Knows nothing of models: it adds up, and says who writes.

Several processes share an update's rows; their gradients are added once an update, before clipping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Part = TypeVar("Part")
# Numbers that travel at once: 64 MB of fp32.
BUCKET = 1 << 24


@dataclass(frozen=True)
class Crew:
    """Process ``rank`` of ``world``."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, parts: Sequence[Part]) -> list[Part]:
        """The parts that are this process's."""
        return list(parts[self.rank::self.world])

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all processes into each tensor (all of one dtype)."""
        if self.world == 1:
            return
        import torch
        from torch import distributed

        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.flatten() for tensor in bucket])
            distributed.all_reduce(flat)
            for tensor, part in zip(bucket, flat.split([t.numel() for t in bucket]), strict=True):
                tensor.copy_(part.view_as(tensor))


def _buckets(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    found: list[list[Tensor]] = [[]]
    held = 0
    for tensor in tensors:
        if found[-1] and held + tensor.numel() > BUCKET:
            found.append([])
            held = 0
        found[-1].append(tensor)
        held += tensor.numel()
    return found
