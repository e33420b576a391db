"""Prompts (token ids) → sampled continuations. Knows nothing of chats, questions or what a reply means.

Each row draws from its own counter-based generator, so its text depends on its prompt and seed, not on its company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from midspec.core.errors import DataError, RecipeError
from midspec.models.local import LocalModel
from midspec.models.template import stop_ids
from midspec.models.trunk import Trunk, trunk_length

if TYPE_CHECKING:
    import numpy as np
    import torch

# A step of a small model on a CPU is bound by reading the weights up to about this many rows.
BATCH_ROWS = 32
# top_p looks at so many of the likeliest words first; only flatter distributions are sorted whole.
NUCLEUS = 1024


@dataclass(frozen=True)
class Sampled:
    """``tokens`` are the sampled ids without the stop token; ``finish`` is "stop" (the model ended) or "length"."""

    text: str
    finish: str
    tokens: tuple[int, ...]


@dataclass
class _Line:
    """One row while it is being written; ``draws`` holds its uniform numbers, one a step."""

    index: int
    draws: np.ndarray[Any, Any]
    tokens: list[int] = field(default_factory=list[int])
    finish: str = "length"


def check_sampling(temperature: float, top_p: float, max_tokens: int) -> None:
    """Raises RecipeError where the settings make no sense."""
    if not 0 <= temperature < float("inf") or not 0 < top_p <= 1 or max_tokens < 1:
        raise RecipeError(f"sampling: temperature={temperature} (0 or more), top_p={top_p} (above 0, at most 1), "
                          f"max_tokens={max_tokens} (1 or more)")


def sample(model: LocalModel, prompts: Sequence[Sequence[int]], *, temperature: float, top_p: float, max_tokens: int,
           seeds: Sequence[int], rows: int = BATCH_ROWS) -> list[Sampled]:
    """One continuation per prompt, in the order given.

    Args:
        prompts: token ids with the opening of the assistant's turn at the end.
        temperature: 0 takes the likeliest token each time, and draws nothing.
        top_p: only the smallest set of likeliest tokens whose probability reaches this is drawn from (1 for all).
        seeds: one per prompt, 0 … 2**128 - 1.
        rows: prompts at once, taken by length.

    Raises:
        RecipeError: settings out of range. DataError: an empty prompt, or no room for ``max_tokens`` after it.
    """
    check_sampling(temperature, top_p, max_tokens)
    if len(seeds) != len(prompts):
        raise RecipeError(f"sampling: {len(prompts)} prompts but {len(seeds)} seeds; give one each")
    context = getattr(model.model.config, "max_position_embeddings", None)
    for n, prompt in enumerate(prompts):
        if not prompt or (context is not None and len(prompt) + max_tokens > context):
            raise DataError(f"prompt {n}: {len(prompt)} + {max_tokens} tokens, where the model reads 1 to {context}",
                            hint="shorten the question or lower max_tokens; nothing is cut silently")
    order = sorted(range(len(prompts)), key=lambda n: (len(prompts[n]), n))
    shared = trunk_length(prompts, min(map(len, prompts)) - 1) if prompts else 0
    trunk = Trunk(model, prompts[0][:shared]) if shared else None
    done: dict[int, Sampled] = {}
    for start in range(0, len(order), rows):
        lines = [_Line(n, _uniform(seeds[n], max_tokens)) for n in order[start:start + rows]]
        _write(model, [prompts[line.index] for line in lines], lines, temperature, top_p, max_tokens, trunk)
        for line in lines:
            text = model.tokenizer.decode(line.tokens, skip_special_tokens=True)
            done[line.index] = Sampled(text.strip(), line.finish, tuple(line.tokens))
    return [done[n] for n in range(len(prompts))]


def _uniform(seed: int, count: int) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.random.Generator(np.random.Philox(key=seed)).random(count)


def _write(model: LocalModel, prompts: list[Sequence[int]], lines: list[_Line], temperature: float, top_p: float,
           max_tokens: int, trunk: Trunk | None) -> None:
    """Fill ``lines`` in place: prompts padded on the left, one token a step, ended rows taken out of the batch.

    What all prompts begin with is not run again: the padding then stands behind it, where the mask hides it as well.
    A prompt that several rows share (draws of one question) is read once, and its keys and values are copied.
    """
    import torch

    device, stops = model.model.device, stop_ids(model.tokenizer)
    known = 0 if trunk is None else len(trunk)
    tails = [tuple(prompt[known:]) for prompt in prompts]
    distinct = list(dict.fromkeys(tails))
    width = max(map(len, distinct))
    ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in distinct], device=device)
    mask = torch.tensor([[1] * known + [0] * (width - len(p)) + [1] * len(p) for p in distinct], device=device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, known:]
    cache = None if trunk is None else trunk.copies(len(distinct))
    owners = torch.tensor([distinct.index(tail) for tail in tails], device=device)
    with torch.inference_mode():
        for step in range(max_tokens):
            out = model.model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache,
                              use_cache=True, logits_to_keep=1)
            cache, logits = out.past_key_values, out.logits[:, -1]
            if step == 0 and len(distinct) < len(tails):
                cache.batch_select_indices(owners)
                logits, mask, positions = logits[owners], mask[owners], positions[owners]
            draws = torch.tensor([line.draws[step] for line in lines], dtype=torch.float64, device=device)
            picked: list[int] = pick(logits, temperature, top_p, draws).tolist()
            for line, token in zip(lines, picked, strict=True):
                if token in stops:
                    line.finish = "stop"
                else:
                    line.tokens.append(token)
            going = [n for n, line in enumerate(lines) if line.finish != "stop"]
            if not going:
                return
            rest = torch.tensor(going, device=device)
            if len(going) < len(lines):
                cache.batch_select_indices(rest)
                lines = [lines[n] for n in going]
            ids = torch.tensor([picked[n] for n in going], device=device)[:, None]
            mask = torch.cat([mask[rest], mask.new_ones(len(going), 1)], dim=1)
            positions = positions[rest, -1:] + 1


def pick(logits: torch.Tensor, temperature: float, top_p: float, draws: torch.Tensor) -> torch.Tensor:
    """Next token per row: [rows, words], uniform numbers [rows] in [0, 1) → [rows].

    The cumulative distribution is taken in the order of the ids: rounding then moves its steps by as little as it moves
    the probabilities, where an order by probability would swap equals.
    """
    import torch

    if temperature == 0:
        return logits.argmax(dim=-1)
    chances = torch.softmax(logits.double() / temperature, dim=-1)
    if top_p < 1:
        likely = chances.topk(min(NUCLEUS, chances.shape[-1]), dim=-1).values
        if bool((likely.sum(-1) < top_p).any()):
            likely = chances.sort(dim=-1, descending=True).values
        before = likely.cumsum(-1) - likely
        last = (before < top_p).sum(-1, keepdim=True) - 1
        chances = chances.masked_fill(chances < likely.gather(-1, last), 0.0)
    steps = chances.cumsum(-1)
    wanted = (draws * steps[:, -1])[:, None]
    return torch.searchsorted(steps, wanted, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
