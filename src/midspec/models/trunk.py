"""Token ids that many sequences begin with → their keys and values, computed once. Knows nothing of what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from midspec.models.local import LocalModel

# Below this, running the beginning again in each row costs less than attending to it from a cache.
TRUNK_TOKENS = 256
# Keys of so many tokens at a time, so that the attention of one pass stays small.
CHUNK = 512


def trunk_length(sequences: Sequence[Sequence[int]], most: int) -> int:
    """How many tokens all sequences begin with, at most ``most``; 0 where that is too few to be worth it."""
    ids = [list(sequence) for sequence in sequences]
    first, last = min(ids), max(ids)  # in sorted order, what these two share is shared by all between
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    length = min(shared, most)
    return length if length >= TRUNK_TOKENS else 0


class Trunk:
    """A beginning that was run once; ``cache`` goes into the model and is cut back after each use."""

    def __init__(self, model: LocalModel, ids: Sequence[int]) -> None:
        import torch
        from transformers import DynamicCache

        self._ids = list(ids)
        self.cache: Any = DynamicCache(config=model.model.config)
        with torch.inference_mode():
            for start in range(0, len(self._ids), CHUNK):
                part = torch.tensor([self._ids[start:start + CHUNK]], device=model.model.device)
                model.model(input_ids=part, past_key_values=self.cache, use_cache=True, logits_to_keep=1)

    def __len__(self) -> int:
        return len(self._ids)

    def cut_back(self) -> None:
        """Forget what was run after the beginning."""
        surplus = int(self.cache.get_seq_length()) - len(self._ids)
        if surplus:
            self.cache.crop(-surplus)

    def copies(self, rows: int) -> Any:
        """A cache of its own for a batch of ``rows`` sequences."""
        import copy

        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(rows)
        return cache
