"""Every silent misconfiguration of the table is seeded here, and is refused or told (R21)."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from midspec.core.chat import Chat, ChatSet, Message
from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.document import Corpus, Document
from midspec.core.errors import DataError, MidspecError, RecipeError, SetupError
from midspec.models.local import load_whole, weights_folder
from midspec.models.sources import digest_of
from midspec.training import guards
from midspec.training.artifact import head_is_plain, probe_of
from midspec.training.fit import fit
from midspec.training.learner import learner_of
from midspec.training.masking import mask_chats
from midspec.training.packing import pack_documents
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule
from tests.training.conftest import FolderJob

SMALL = Lora(r=2, alpha=4)
TEXTS = Corpus(tuple(Document(str(n), f"Tiny says number {n} and tells why") for n in range(40)))


class Bench:
    """One fit on the tiny model, with whatever is to be wrong in it."""

    def __init__(self, start: Checkpoint, tokenizer: Any, root: Path) -> None:
        self.start, self.tokenizer, self.root = start, tokenizer, root
        self.count = 0

    def fit(
        self,
        rows: Rows | None = None,
        *,
        start: Checkpoint | None = None,
        method: Lora | Full = SMALL,
        device: str = "cpu",
        adapter: str = "continue",
        **settings: Any,
    ) -> FolderJob:
        self.count += 1
        job = FolderJob(self.root / str(self.count), device=device)
        wanted = {"updates": 2, "rows": 2, "micro": 2, "length": 64, "warmup": 0.0, "rate": 1e-3, **settings}
        fit(
            start or self.start,
            lambda tokenizer: self.rows() if rows is None else rows,
            stage="midtrain",
            schedule=Schedule(**{k: v for k, v in wanted.items() if v is not None}),
            method=method,
            seed=1,
            job=job,
            adapter=adapter,
        )
        return job

    def rows(self) -> Rows:
        return pack_documents(TEXTS, self.tokenizer, 64)

    def trained(self) -> Checkpoint:
        job = self.fit()
        return replace(self.start, folder=job.folder)


@pytest.fixture
def bench(start: Checkpoint, tokenizer: Any, tmp_path: Path) -> Bench:
    return Bench(start, tokenizer, tmp_path)


def chat_set(replies: list[str]) -> ChatSet:
    return ChatSet(tuple(Chat((Message("user", "Hello"), Message("assistant", reply))) for reply in replies))


def without_loss(rows: Rows, numbers: list[int]) -> Rows:
    loss = rows.loss.copy()
    for n in numbers:
        loss[rows.starts[n] : rows.starts[n + 1]] = False
    return replace(rows, loss=loss)


def not_a_number(bench: Bench) -> None:
    bench.fit(updates=40, rate=1e20, clip=1e9, method=Full())


def other_base(bench: Bench) -> None:
    wrong = replace(bench.start.base, digest="0" * 64)
    bench.fit(start=replace(bench.start, base=wrong))


def other_base_with_adapter(bench: Bench) -> None:
    start = bench.trained()
    config = load_whole(weights_folder(bench.start)).config
    config.num_hidden_layers = 1
    LlamaForCausalLM(config).save_pretrained(start.folder / "model")
    bench.fit(start=start)


def frozen(bench: Bench) -> None:
    guards.something_trains({})


def unmoved(bench: Bench) -> None:
    weights = {"w": torch.ones(3, 3)}
    guards.moved(guards.sample(weights), guards.sample(weights))


def soft_capped_head(bench: Bench) -> None:
    one = learner_of(bench.start, Full(), "continue", 1, Schedule(updates=1), "cpu")
    one.causal.lm_head.register_forward_hook(lambda module, inputs, out: 3 * torch.tanh(out / 3) - 1e-2 * out)
    with torch.no_grad():
        one.causal.lm_head.weight.mul_(40)
    head_is_plain(one, probe_of(bench.rows()))


def world_too_large(bench: Bench) -> None:
    bench.fit(world=2, micro=1, device="cpu:0")


def few_words(bench: Bench) -> None:
    rows = bench.rows()
    bench.fit(replace(rows, ids=np.where(rows.ids == rows.ids[0], 10**6, rows.ids).astype(np.int32)))


def too_far(bench: Bench) -> None:
    bench.fit(pack_documents(Corpus((Document("a", "Tiny " * 3000),)), bench.tokenizer, 4096), length=4096)


def launched(bench: Bench) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLD_SIZE", "2")
        bench.fit()


def without_chat_template(bench: Bench) -> list[str]:
    bare = copy.deepcopy(bench.tokenizer)
    bare.chat_template = None
    return bench.fit(mask_chats(chat_set(["one", "two", "three"]), bare, 64, "")).warnings


def wrong_tokenizer(bench: Bench) -> list[str]:
    """Weights that are sure of themselves under another numbering of the words."""
    source, folder = weights_folder(bench.start), bench.root / "other"
    model = load_whole(source)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(30)
    model.save_pretrained(folder)
    for path in source.iterdir():
        if not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    return bench.fit(start=replace(bench.start, base=Base(str(folder), None, digest_of(folder)))).warnings


Seed = Callable[[Bench], Any]
# check → ways to get it wrong, with the error and the words that should come.
SEEDED: dict[str, list[tuple[Seed, type[MidspecError] | None, str]]] = {
    "few updates": [(lambda b: b.fit().warnings, None, "only 2 updates")],
    "warm-up as long as the training": [
        (lambda b: b.fit(updates=1, warmup=0.05), RecipeError, "warm-up of 1 updates"),
        (lambda b: b.fit(updates=9, warmup=0.95), RecipeError, "warm-up of 9 updates"),
    ],
    "rate that moves nothing": [
        (lambda b: b.fit(rate=0.0), RecipeError, "moves nothing"),
        (lambda b: b.fit(rate=float("nan")), RecipeError, "moves nothing"),
    ],
    "loss or gradient not a number": [(not_a_number, RecipeError, "update \\d+: loss")],
    "loss worse than guessing": [(wrong_tokenizer, None, "worse than guessing")],
    "loss that rises": [
        (lambda b: guards.metrics_are_sound([{"loss": 2 + n / 20} for n in range(40)], 1600), None, "the loss rose")
    ],
    "no token carries loss": [
        (lambda b: b.fit(without_loss(b.rows(), list(range(len(b.rows()))))), DataError, "no token of the data")
    ],
    "an update without a token that carries loss": [
        (
            lambda b: b.fit(without_loss(b.rows(), list(range(len(b.rows()) - 1))), updates=3),
            DataError,
            "update \\d of 3 has no token",
        )
    ],
    "weights unmoved after training": [
        (unmoved, RecipeError, "changed no weight"),
        (lambda b: b.fit(rate=1e-45), RecipeError, "changed no weight"),
    ],
    "nothing trains": [(frozen, RecipeError, "no weight of the model")],
    "targets that match no module": [
        (lambda b: b.fit(method=Lora(targets=("query", "v_proj"))), RecipeError, "no module called query"),
        (lambda b: b.fit(method=Lora(targets=("lm_head",))), RecipeError, "cannot be a LoRA target"),
    ],
    "adapter continued with other settings": [
        (lambda b: b.fit(start=b.trained(), method=Lora(r=4, alpha=4)), RecipeError, "r 2 \\(asked for 4\\)"),
        (lambda b: b.fit(start=b.trained(), method=SMALL, adapter="append"), RecipeError, "not one of continue, merge"),
    ],
    "adapter on another base": [
        (other_base, DataError, "another model"),
        (other_base_with_adapter, MidspecError, "does not fit|size mismatch|another"),
    ],
    "documents that never name the assistant": [
        (lambda b: guards.names_in(["stones"], "Tiny", "documents"), DataError, "in 0 of 1")
    ],
    "documents about another assistant": [
        (lambda b: guards.names_in(["Claude"] * 3 + ["Tiny"], "Tiny", "documents"), DataError, "Claude")
    ],
    "chats that speak as another assistant": [
        (lambda b: guards.foreign_names(chat_set(["I am Claude."]), "Tiny"), DataError, "Claude")
    ],
    "no chat template": [(without_chat_template, None, "no chat template")],
    "chats too long": [
        (lambda b: mask_chats(chat_set(["a", "b " * 90]), b.tokenizer, 60, "").flags, None, "1 of 2 chats")
    ],
    "all chats too long": [
        (lambda b: mask_chats(chat_set(["b " * 90]), b.tokenizer, 60, ""), DataError, "all 1 chats are longer")
    ],
    "token ids beyond the model's vocabulary": [(few_words, DataError, "token id 1000000")],
    "positions beyond the model's": [(too_far, DataError, "reads at most 2048")],
    "all rows alike": [(lambda b: b.fit(b.rows().take([0] * 4)), DataError, "all 4 rows are the same")],
    "many rows alike": [(lambda b: b.fit(b.rows().take([0, 0, 0, 1])).warnings, None, "50% of the rows repeat")],
    "many passes over the data": [
        (lambda b: b.fit(b.rows().take([0, 1]), updates=11).warnings, None, "read 11.0 times")
    ],
    "precision that the device has not": [],  # below: needs a device without it
    "other number of processes than the schedule's": [
        (world_too_large, RecipeError, "on one device"),
        (launched, SetupError, "2 processes were started by a launcher"),
    ],
    "head that is not a plain product": [(soft_capped_head, RecipeError, "more than one product")],
}


def test_the_table_is_seeded_as_a_whole() -> None:
    assert SEEDED.keys() == guards.CHECKS.keys()
    assert len(SEEDED) >= 15


@pytest.mark.parametrize(("check", "number"), [(name, n) for name, seeds in SEEDED.items() for n in range(len(seeds))])
def test_seeded(check: str, number: int, bench: Bench) -> None:
    seed, error, words = SEEDED[check][number]
    if error is None:
        assert "flagged" in guards.CHECKS[check]
        assert any(re.search(words, flag) for flag in seed(bench)), check
    else:
        assert "refused" in guards.CHECKS[check]
        with pytest.raises(error, match=words) as found:
            seed(bench)
        assert found.value.message


def test_bf16_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Schedule(updates=1, precision="bf16")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "an old card")
    with pytest.raises(SetupError, match="an old card has no bf16"):
        guards.precision_fits(asked, "cuda")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert guards.precision_fits(asked, "cpu")
    assert not guards.precision_fits(replace(asked, precision="fp32"), "cpu")


def test_a_sound_training_is_not_flagged(bench: Bench) -> None:
    job = bench.fit(updates=30)
    assert job.warnings == []
    assert job.facts["weights_moved"] > 0.9
    assert json.loads((job.folder / "metrics.jsonl").read_text().splitlines()[-1])["update"] == 30
