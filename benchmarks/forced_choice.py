"""Forced choice, 4 options of several tokens: midspec's scoring against lm-eval's HF model, same ids and weights (P3).

Needs lm-eval beside midspec's own packages (`pip install lm-eval`). Run from the repository:

    python benchmarks/forced_choice.py [--items 24] [--rounds 3] [--short]

Both score the same token ids with the same model object in fp32. Equality to 1e-4 nats a token is asserted before
anything is timed, and the largest difference of a whole option printed.
lm-eval gets the best of several batch sizes. Rounds alternate, the median of each side counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from lm_eval.models.huggingface import HFLM

from midspec.core.checkpoint import Base, Checkpoint
from midspec.models.local import LocalModel, load
from midspec.models.logprob import Group, option_logprobs
from midspec.models.sources import digest_of, resolve
from midspec.models.template import encode_text

MODEL = "embedded/smollm2-135m-instruct"
BATCHES = (1, 4, 16)
PLACES = ("harbour", "library", "orchard", "workshop", "museum", "bakery", "garden", "station")
DUTIES = ("counts the crates", "mends the nets", "labels the shelves", "waters the rows", "writes the notices",
          "sweeps the yard", "checks the gate", "feeds the stove", "carries the post", "sharpens the tools",
          "airs the rooms", "oils the hinges")
NAMES = ("Ada", "Boris", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Imani", "Jonas", "Keiko", "Lars")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--items", type=int, default=24)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--short", action="store_true", help="prefixes of about 40 tokens, not 260")
    given = options.parse_args()
    model = _model()
    groups = [_group(model, n, given.short) for n in range(given.items)]
    peers = {size: HFLM(pretrained=model.model, tokenizer=model.tokenizer, batch_size=size, device="cpu")
             for size in BATCHES}
    ours, theirs = _ours(model, groups), _theirs(peers[BATCHES[0]], groups)
    gaps, lengths = [abs(a - b) for a, b in zip(ours, theirs, strict=True)], [len(o) for g in groups for o in g.options]
    assert all(gap < 1e-4 * n for gap, n in zip(gaps, lengths, strict=True)), f"options differ by up to {max(gaps)}"
    batch = min(BATCHES, key=lambda size: _seconds(lambda: _theirs(peers[size], groups[:8])))
    times = [(_seconds(lambda: _theirs(peers[batch], groups)), _seconds(lambda: _ours(model, groups)))
             for _ in range(given.rounds)]
    peer, own = (statistics.median(column) for column in zip(*times, strict=True))
    run = sum(len(g.prefix) + len(o) - 1 for g in groups for o in g.options)
    least = sum(len(g.prefix) + sum(len(o) - 1 for o in g.options) for g in groups)
    prefix = statistics.mean(len(g.prefix) for g in groups)
    option = statistics.mean(len(o) for g in groups for o in g.options)
    print(f"{given.items} items x 4 options, prefix {prefix:.0f} tokens, option {option:.1f}; fp32, "
          f"{torch.get_num_threads()} threads")
    print(f"largest difference of an option's log-probability: {max(gaps):.1e} nats")
    print(f"lm-eval, batch {batch}: {peer:.2f} s   midspec: {own:.2f} s   rounds: "
          + "  ".join(f"{a:.2f}/{b:.2f}={a / b:.2f}" for a, b in times))
    print(f"ratio {peer / own:.2f} (tokens alone would give {run / least:.2f}; floor 2.5, goal 3.5)")


def _model() -> LocalModel:
    folder = resolve(MODEL)
    return load(Checkpoint(Path("none"), Base(MODEL, None, digest_of(folder)), "assistant", "maker", ""))


def _group(model: LocalModel, n: int, short: bool) -> Group:
    """A made-up reading task; the numbers rotate the words so that no two items share more than a few tokens."""
    sentences = [f"At the {PLACES[(n + k) % 8]} by road {n * 7 + k}, {NAMES[(n * 5 + k * 3) % 12]} "
                 f"{DUTIES[(n * 7 + k) % 12]} before noon and then helps {NAMES[(n + k * 7 + 1) % 12]}."
                 for k in range(1 if short else 11)]
    asked = n % len(sentences)
    text = " ".join(sentences) + f"\nQuestion: who is helped by the person at the {PLACES[(n + asked) % 8]}?\nAnswer:"
    options = [f" {NAMES[(n + k * 7 + 1) % 12]}, as the text says" for k in range(4)]
    return Group(encode_text(model.tokenizer, text), [encode_text(model.tokenizer, option) for option in options])


def _ours(model: LocalModel, groups: list[Group]) -> list[float]:
    return [sum(tokens) for group in option_logprobs(model, groups) for tokens in group]


def _theirs(peer: HFLM, groups: list[Group]) -> list[float]:
    requests = [(("", ""), list(g.prefix), list(option)) for g in groups for option in g.options]
    return [float(value) for value, _ in peer._loglikelihood_tokens(requests, disable_tqdm=True)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
