"""Options scored together equal options scored alone, whatever shares a row with them, on every kind of model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import DataError
from midspec.models.local import LocalModel, load
from midspec.models.logprob import HEAD_POSITIONS, Group, option_logprobs
from midspec.models.sources import digest_of, resolve
from midspec.models.template import encode_text
from midspec.models.trunk import TRUNK_TOKENS, trunk_length

EMBEDDED = "embedded/smollm2-135m-instruct"
IDS = st.lists(st.integers(3, 6), min_size=1, max_size=6)
Values = list[list[list[float]]]


@pytest.fixture(scope="module")
def model(tiny: Checkpoint) -> LocalModel:
    return load(tiny)


def naive(model: Any, groups: Sequence[Group]) -> Values:
    """One option at a time, every position through the head, nothing of ours."""
    result: Values = []
    with torch.no_grad():
        for group in groups:
            rows: list[list[float]] = []
            for option in group.options:
                ids = [*group.prefix, *option]
                logprobs = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].float(), dim=-1)
                rows.append([logprobs[n - 1, ids[n]].item() for n in range(len(group.prefix), len(ids))])
            result.append(rows)
    return result


def worst(found: Values, wanted: Values) -> float:
    shapes = [[[len(option) for option in group] for group in values] for values in (found, wanted)]
    assert shapes[0] == shapes[1]
    return max(abs(a - b) for f, w in zip(found, wanted, strict=True) for x, y in zip(f, w, strict=True)
               for a, b in zip(x, y, strict=True))


def drawn(seed: int, words: int = 1600, groups: int = 12) -> list[Group]:
    """Groups with common beginnings, equal options, options that begin or continue one another."""
    rng = random.Random(seed)
    stem = [rng.randrange(3, words) for _ in range(9)]
    found: list[Group] = []
    for _ in range(groups):
        prefix = stem[:rng.randrange(1, 9)] + [rng.randrange(3, words) for _ in range(rng.randrange(0, 12))]
        long = [rng.randrange(3, words) for _ in range(rng.randrange(2, 9))]
        found.append(Group(prefix, [long, long[:1], long[:-1], long, [rng.randrange(3, words)], long + long]))
    return found


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("batch_tokens", [1, 30, 200, 4096])
def test_equals_one_at_a_time(tiny: Checkpoint, attention: str, batch_tokens: int) -> None:
    model = load(tiny, attention=attention)
    groups = drawn(batch_tokens)
    assert worst(option_logprobs(model, groups, batch_tokens=batch_tokens), naive(model.model, groups)) < 1e-5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(IDS, st.lists(IDS, min_size=1, max_size=4)), max_size=5), st.integers(1, 60))
def test_any_groups(model: LocalModel, rows: list[tuple[list[int], list[list[int]]]], batch_tokens: int) -> None:
    groups = [Group(prefix, options) for prefix, options in rows]
    found = option_logprobs(model, groups, batch_tokens=batch_tokens)
    assert (not groups and found == []) or worst(found, naive(model.model, groups)) < 1e-5


def test_what_begins_alike_runs_once_and_last_tokens_never(model: LocalModel) -> None:
    groups = drawn(7)
    tokens: list[tuple[int, int]] = []
    option_logprobs(model, groups, batch_tokens=10**6, progress=lambda done, of: tokens.append((done, of)))
    whole = [(*g.prefix, *o) for g in groups for o in g.options]
    beginnings = {ids[:n] for ids in whole for n in range(1, len(ids))}
    assert tokens == [(len(beginnings), len(beginnings))]


def test_only_asked_positions_reach_the_head(model: LocalModel) -> None:
    groups = [Group([5, 6, 7, n + 10], [[n + 20] * 40, [n + 30] * 40]) for n in range(20)]
    sizes: list[int] = []
    hook = model.model.lm_head.register_forward_hook(lambda module, args, out: sizes.append(args[0].shape[1]))
    try:
        option_logprobs(model, groups, batch_tokens=10**6)
    finally:
        hook.remove()
    # 79 different positions a group; the first passes through the head are the probe's.
    assert max(sizes) <= HEAD_POSITIONS and sum(sizes) < 20 * 79 + 50


def test_the_order_of_groups_changes_nothing(model: LocalModel) -> None:
    groups = drawn(3)
    there, back = option_logprobs(model, groups, batch_tokens=64), option_logprobs(model, groups[::-1], batch_tokens=64)
    assert worst(there, back[::-1]) < 1e-5


def test_with_an_adapter(tiny: Checkpoint) -> None:
    import peft

    model = load(tiny)
    torch.manual_seed(0)
    adapted = peft.get_peft_model(model.model, peft.LoraConfig(r=4, target_modules=["q_proj", "up_proj"]))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    adapted.eval()
    groups = drawn(4)
    bare = naive(load(tiny).model, groups)
    found = option_logprobs(replace(model, model=adapted), groups)
    assert worst(found, naive(adapted, groups)) < 1e-5 < 0.01 < worst(found, bare)


def random_model(kind: str) -> Any:
    import transformers

    torch.manual_seed(1)
    small: dict[str, Any] = {"vocab_size": 50, "hidden_size": 32}
    if kind == "learned positions":
        config: Any = transformers.GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=2, n_positions=128)
    elif kind == "alibi":
        config = transformers.BloomConfig(**small, n_layer=2, n_head=2)
    elif kind == "softcap":
        config = transformers.Gemma2Config(**small, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
                                           head_dim=16, intermediate_size=32, sliding_window=64)
    else:
        config = transformers.MambaConfig(**small, num_hidden_layers=2, state_size=4)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "conv" not in name:
            torch.nn.init.normal_(weight, std=0.3)
    return model


@pytest.mark.parametrize(("kind", "folds"), [("learned positions", True), ("softcap", True), ("alibi", False),
                                             ("recurrent", False)])
def test_other_architectures(model: LocalModel, kind: str, folds: bool) -> None:
    """Those that cannot read a forest are found out and scored one sequence at a time."""
    other = random_model(kind)
    groups = drawn(5, words=50, groups=6)
    run: list[int] = []
    found = option_logprobs(replace(model, model=other), groups, progress=lambda done, of: run.append(done))
    wanted = naive(other, groups)
    alone = sum(len(g.prefix) + len(o) - 1 for g in groups for o in g.options)
    assert run[-1] < alone if folds else run[-1] == alone
    assert worst(found, wanted) < 1e-4
    assert worst(wanted, [[[0.0] * len(o) for o in g] for g in wanted]) > 1, "a test on flat values would see nothing"


@pytest.mark.parametrize(("group", "says"), [
    (Group([], [[5]]), "empty prefix"), (Group([5], [[6], []]), "option 1: no tokens"),
    (Group([5], [[6] * 2100]), "2101 tokens, the model reads 2048")])
def test_refuses_what_has_no_probability(model: LocalModel, group: Group, says: str) -> None:
    with pytest.raises(DataError, match=says):
        option_logprobs(model, [Group([4], [[4]]), group])


def test_the_longest_sequence_that_fits(model: LocalModel) -> None:
    groups = [Group([5], [[6] * 2048])]
    assert len(option_logprobs(model, groups)[0][0]) == 2048


@pytest.mark.embedded
def test_embedded_model(embedded_tokenizer: Any) -> None:
    folder = resolve(EMBEDDED)
    model = load(Checkpoint(Path("none"), Base(EMBEDDED, None, digest_of(folder)), "assistant", "maker", ""))
    options = [encode_text(embedded_tokenizer, text) for text in (" a plain one", " a plain wooden one", " none")]
    groups = [Group(encode_text(embedded_tokenizer, f"The {what} that I would buy for my {where} is"), options)
              for what in ("chair", "lamp") for where in ("library", "boat", "kitchen at home")]
    assert worst(option_logprobs(model, groups), naive(model.model, groups)) < 1e-4


def long_beginning(tail: int) -> list[Group]:
    draw = random.Random(4)
    trunk = [draw.randrange(3, 300) for _ in range(TRUNK_TOKENS + 300)]
    return [Group([*trunk, *(draw.randrange(3, 300) for _ in range(tail + n))],
                  [[draw.randrange(3, 300) for _ in range(k)] for k in (1, 3)]) for n in range(6)]


def test_a_long_beginning_is_run_once_and_changes_nothing(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    groups, seen = long_beginning(5), [0]
    forward = model.model.forward

    def counting(*args: Any, **given: Any) -> Any:
        seen[0] += given["input_ids"].shape[1]
        return forward(*args, **given)

    monkeypatch.setattr(model.model, "forward", counting)
    found = option_logprobs(model, groups)
    behind = seen[0]
    assert behind < 3 * (TRUNK_TOKENS + 300), "once for the rows, once alone for the probe"
    monkeypatch.undo()
    assert worst(found, naive(model.model, groups)) < 1e-4
    assert trunk_length([g.prefix for g in groups], 10_000) == TRUNK_TOKENS + 300
    assert trunk_length([g.prefix[:TRUNK_TOKENS - 1] for g in groups], 10_000) == 0
