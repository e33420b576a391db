"""Sampling equals a plain loop without cache or batch; company, order and batch size change nothing."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import DataError, RecipeError
from midspec.models.local import LocalModel, load
from midspec.models.sample import Sampled, pick, sample
from midspec.models.template import stop_ids
from midspec.models.trunk import TRUNK_TOKENS


@pytest.fixture(scope="module")
def model(tiny: Checkpoint) -> LocalModel:
    """The tiny model, made to end its turn every dozen tokens or so."""
    found = load(tiny)
    with torch.no_grad():
        found.model.lm_head.weight = torch.nn.Parameter(found.model.lm_head.weight.clone(), requires_grad=False)
        found.model.lm_head.weight[2] *= 1.5
        found.model.lm_head.weight *= 1.5
    return found


def prompts(seed: int, count: int) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(3, 1600) for _ in range(rng.randrange(1, 20))] for _ in range(count)]


def plain(model: LocalModel, prompt: list[int], temperature: float, top_p: float, limit: int,
          seed: int) -> tuple[list[int], str]:
    """One prompt, all tokens anew at each step, the nucleus by a full sort."""
    draws = np.random.Generator(np.random.Philox(key=seed)).random(limit)
    ids, stops = list(prompt), stop_ids(model.tokenizer)
    for step in range(limit):
        with torch.no_grad():
            logits = model.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].double().numpy()
        if temperature == 0:
            token = int(logits.argmax())
        else:
            p = np.exp((logits - logits.max()) / temperature)
            p /= p.sum()
            kept, mass = np.zeros(len(p), bool), 0.0
            for word in np.argsort(-p):
                if mass >= top_p:
                    break
                kept[word], mass = True, mass + p[word]
            steps = np.cumsum(np.where(kept, p, 0))
            token = int(np.searchsorted(steps, draws[step] * steps[-1], side="right"))
        if token in stops:
            return ids[len(prompt):], "stop"
        ids.append(token)
    return ids[len(prompt):], "length"


@pytest.mark.parametrize(("temperature", "top_p"), [(0.0, 1.0), (1.0, 1.0), (0.7, 0.9), (1.5, 0.3)])
def test_equals_a_plain_loop(model: LocalModel, temperature: float, top_p: float) -> None:
    asked, seeds = prompts(1, 12), list(range(100, 112))
    found = sample(model, asked, temperature=temperature, top_p=top_p, max_tokens=24, seeds=seeds, rows=5)
    wanted = [plain(model, p, temperature, top_p, 24, s) for p, s in zip(asked, seeds, strict=True)]
    assert [(list(f.tokens), f.finish) for f in found] == wanted
    if temperature:
        assert {f.finish for f in found} == {"stop", "length"}, "both ends should be seen"


def test_company_order_and_batch_size_change_nothing(model: LocalModel) -> None:
    asked, seeds = prompts(2, 23), list(range(23))

    def ask(order: list[int], rows: int) -> list[Sampled]:
        found = sample(model, [asked[n] for n in order], temperature=1.0, top_p=0.95, max_tokens=30,
                       seeds=[seeds[n] for n in order], rows=rows)
        return [found[order.index(n)] for n in sorted(order)]

    whole = ask(list(range(23)), 32)
    for rows in (1, 4, 23):
        shuffled = random.Random(rows).sample(range(23), 23)
        assert ask(shuffled, rows) == whole
    assert ask([3, 17, 8], 32) == [whole[n] for n in (3, 8, 17)]


def test_seeds_are_the_only_chance(model: LocalModel) -> None:
    asked = prompts(3, 1) * 40
    found = sample(model, asked, temperature=1.0, top_p=1.0, max_tokens=8, seeds=[5] * 20 + list(range(20)))
    assert len({f.tokens for f in found[:20]}) == 1
    assert len({f.tokens for f in found[20:]}) > 15
    torch.manual_seed(0)
    assert sample(model, asked, temperature=1.0, top_p=1.0, max_tokens=8, seeds=[5] * 20 + list(range(20))) == found


def test_control_tokens_are_not_in_the_text(model: LocalModel) -> None:
    """<|im_start|> (1) does not end a turn, so a model may write it; the text must not hold it."""
    found = sample(model, prompts(4, 60), temperature=20.0, top_p=1.0, max_tokens=40, seeds=list(range(60)))
    assert any(1 in f.tokens for f in found), "never drawn, so nothing was tested"
    assert not any("<|im_start|>" in f.text or "<|im_end|>" in f.text or "<|endoftext|>" in f.text for f in found)


@pytest.mark.parametrize("top_p", [1.0, 0.8, 0.05])
def test_draws_follow_the_distribution(top_p: float) -> None:
    from scipy.stats import chisquare

    logits = torch.tensor([2.0, -1.0, 0.5, 1.0, -3.0, 1.9])
    p = np.exp(logits.double().numpy() / 0.8)
    order = np.argsort(-p)
    kept = order[:int(np.searchsorted(np.cumsum((p / p.sum())[order]), top_p - 1e-9)) + 1]
    draws = torch.from_numpy(np.random.default_rng(0).random(20_000))
    counts = np.bincount(pick(logits.expand(20_000, -1), 0.8, top_p, draws).numpy(), minlength=6)
    assert set(np.flatnonzero(counts)) == set(kept)
    if len(kept) > 1:
        assert chisquare(counts[kept], 20_000 * p[kept] / p[kept].sum()).pvalue > 0.001


def test_a_flat_nucleus_wider_than_the_first_look() -> None:
    logits = torch.zeros(1, 5000, dtype=torch.float32)
    logits[0, :100] = -1e9
    words = [int(pick(logits, 1.0, 0.999, torch.tensor([u], dtype=torch.float64))) for u in (0.0, 0.5, 0.9999999)]
    assert words[0] == 100 and abs(words[1] - 2550) <= 3 and words[2] > 4990


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.1}, {"max_tokens": 0},
                                   {"temperature": float("nan")}, {"seeds": [1, 2]}])
def test_settings_out_of_range(model: LocalModel, wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="sampling"):
        sample(model, [[5]], **{"temperature": 1.0, "top_p": 1.0, "max_tokens": 4, "seeds": [1], **wrong})


def test_no_room_is_an_error(model: LocalModel) -> None:
    for prompt in ([], [5] * 2045):
        with pytest.raises(DataError, match="prompt 1"):
            sample(model, [[5], prompt], temperature=1.0, top_p=1.0, max_tokens=4, seeds=[1, 2])


def test_nothing_asked(model: LocalModel) -> None:
    assert sample(model, [], temperature=1.0, top_p=1.0, max_tokens=4, seeds=[]) == []


def test_a_long_beginning_of_all_prompts_changes_nothing(model: LocalModel) -> None:
    beginning = [3 + n * 7 % 1500 for n in range(TRUNK_TOKENS + 10)]
    asked = [[*beginning, *prompt] for prompt in prompts(5, 5)]
    found = sample(model, asked, temperature=0.7, top_p=0.9, max_tokens=9, seeds=[1, 2, 3, 4, 5])
    alone = [plain(model, prompt, 0.7, 0.9, 9, seed) for prompt, seed in zip(asked, [1, 2, 3, 4, 5], strict=True)]
    assert [(list(f.tokens), f.finish) for f in found] == alone


def test_draws_of_one_prompt_read_it_once_and_stay_the_same(model: LocalModel) -> None:
    asked = [prompt for prompt in prompts(6, 5) for _ in range(4)]
    read: list[int] = []
    hook = model.model.register_forward_pre_hook(
        lambda _module, _args, given: read.append(given["input_ids"].numel()), with_kwargs=True)
    found = sample(model, asked, temperature=1.0, top_p=1.0, max_tokens=10, seeds=list(range(20)))
    hook.remove()
    assert read[0] == 5 * max(map(len, asked)), "each prompt once, padded to the longest"
    wanted = [plain(model, p, 1.0, 1.0, 10, s) for p, s in zip(asked, range(20), strict=True)]
    assert [(list(f.tokens), f.finish) for f in found] == wanted
