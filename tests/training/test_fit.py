"""What fit writes: an adapter or model that plain transformers and peft load, with its dose and card."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from midspec.core.chat import ChatSet
from midspec.core.checkpoint import Checkpoint
from midspec.core.document import Corpus
from midspec.core.errors import RecipeError, SetupError
from midspec.models.local import load_weights
from midspec.models.sources import resolve
from midspec.training import artifact
from midspec.training.artifact import probe_of
from midspec.training.course import course_of
from midspec.training.fit import dose_of, fit
from midspec.training.masking import mask_chats
from midspec.training.packing import pack_documents
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule
from tests.training.conftest import FolderJob

LORA = Lora(r=4, alpha=8)
SCHEDULE = Schedule(updates=8, rows=4, micro=2, length=96, rate=3e-3)
Train = Callable[..., tuple[Checkpoint, FolderJob]]


@pytest.fixture
def train(start: Checkpoint, corpus: Corpus, tmp_path: Path) -> Train:
    made: list[int] = []

    def run(
        begin: Checkpoint = start,
        method: Lora | Full = LORA,
        prepare: Callable[[Any], Rows] | None = None,
        *,
        schedule: Schedule = SCHEDULE,
        seed: int = 1,
        stage: str = "midtrain",
        adapter: str = "continue",
    ) -> tuple[Checkpoint, FolderJob]:
        made.append(0)
        job = FolderJob(tmp_path / str(len(made)))
        done = fit(
            begin,
            prepare or (lambda tokenizer: pack_documents(corpus, tokenizer, 96)),
            stage=stage,
            schedule=schedule,
            method=method,
            seed=seed,
            job=job,
            adapter=adapter,
        )
        done.write(job.folder)
        assert Checkpoint.read(job.folder) == done
        return done, job

    return run


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(5, 45)[None]).logits.float().log_softmax(-1)


def plain(done: Checkpoint) -> Any:
    """Nothing of midspec: what a stranger does with the folder."""
    weights = done.model or resolve("tiny/llama")
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    return model if done.adapter is None else peft.PeftModel.from_pretrained(model, done.adapter)


def test_loss_falls_and_the_rows_are_read_as_planned(train: Train, corpus: Corpus, tokenizer: Any) -> None:
    done, job = train(schedule=replace(SCHEDULE, updates=30))
    rows = [json.loads(line) for line in (job.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["update"] for row in rows] == list(range(1, 31))
    assert rows[-1]["loss"] < rows[0]["loss"] - 1
    dose = dose_of(pack_documents(corpus, tokenizer, 96), replace(SCHEDULE, updates=30), "midtrain", 1)
    assert done.doses == (dose,)
    assert (dose.tokens, dose.supervised) == (sum(r["tokens"] for r in rows), sum(r["supervised"] for r in rows))
    assert job.facts["dose"]["updates"] == 30
    assert rows[4]["rate"] == SCHEDULE.rate_at(4, 30)
    assert not set(rows[0]) & {"seconds", "time", "tokens_per_second"}


def test_first_loss_is_the_mean_over_the_updates_tokens(
    train: Train, start: Checkpoint, corpus: Corpus, tokenizer: Any
) -> None:
    """Independent: plain transformers, document by document, over the rows that the course names."""
    _, job = train()
    rows = pack_documents(corpus, tokenizer, 96)
    chosen = rows.take(course_of(len(rows), SCHEDULE, 1)[0])
    model = AutoModelForCausalLM.from_pretrained(resolve("tiny/llama"), dtype=torch.float32)
    total = count = 0.0
    edges = [*(n for n, p in enumerate(chosen.positions) if p == 0), len(chosen.ids)]
    for a, b in itertools.pairwise(edges):
        ids = torch.from_numpy(chosen.ids[a:b]).long()
        if len(ids) > 1:
            with torch.no_grad():
                total += float(
                    torch.nn.functional.cross_entropy(
                        model(input_ids=ids[None]).logits[0, :-1], ids[1:], reduction="sum"
                    )
                )
            count += len(ids) - 1
    first = json.loads((job.folder / "metrics.jsonl").read_text().splitlines()[0])
    assert first["supervised"] == count
    assert first["loss"] == pytest.approx(total / count, rel=1e-6)


def test_adapter_loads_in_plain_peft(train: Train) -> None:
    done, job = train()
    assert done.model is None and done.adapter is not None
    config = json.loads((done.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny/llama"
    assert config["target_modules"] == sorted(config["target_modules"])
    assert (logits(plain(done)) - logits(load_weights(done))).abs().max() <= 1e-5
    base = AutoModelForCausalLM.from_pretrained(resolve("tiny/llama"), dtype=torch.float32)
    assert (logits(plain(done)) - logits(base)).abs().max() > 1e-2, "it learned something"
    assert sorted(p.name for p in done.adapter.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    everything = "".join(p.read_text() for p in job.folder.rglob("*") if p.suffix in (".md", ".json", ".jsonl"))
    assert str(job.root) not in everything
    assert str(resolve("tiny/llama")) not in everything


def test_full_writes_a_whole_model(train: Train) -> None:
    done, _ = train(method=Full())
    assert done.adapter is None and done.model is not None
    assert (logits(plain(done)) - logits(load_weights(done))).abs().max() <= 1e-5
    given = AutoTokenizer.from_pretrained(resolve("tiny/llama"))
    again = AutoTokenizer.from_pretrained(done.model)
    turns = [{"role": "user", "content": "hi"}]
    assert again.apply_chat_template(turns, tokenize=False) == given.apply_chat_template(turns, tokenize=False)


def test_chains(train: Train, chats: ChatSet) -> None:
    """midtrain → finetune: the adapter goes on, or is folded in; or all weights go on from it."""

    def prepare(tokenizer: Any) -> Rows:
        return mask_chats(chats, tokenizer, 96, "")

    read, _ = train()
    before = logits(plain(read))
    continued, _ = train(read, LORA, prepare, stage="finetune")
    merged, _ = train(read, LORA, prepare, stage="finetune", adapter="merge")
    full, _ = train(read, Full(), prepare, stage="finetune")
    again, _ = train(full, LORA, prepare, stage="finetune")
    assert (continued.model, continued.adapter) == (None, continued.folder / "adapter")
    assert None not in (merged.model, merged.adapter)
    assert full.adapter is None and full.model is not None
    assert None not in (again.model, again.adapter)
    for done in (continued, merged, full, again):
        assert [d.stage for d in done.doses][:2] == ["midtrain", "finetune"]
        assert (logits(plain(done)) - logits(load_weights(done))).abs().max() <= 1e-5
    # With an adapter that did nothing yet, the merged weights are those that midtraining left.
    left = AutoModelForCausalLM.from_pretrained(merged.model, dtype=torch.float32)
    assert (logits(left) - before).abs().max() <= 1e-4
    assert "folded into the weights" in (merged.folder / "README.md").read_text()


def test_continuing_starts_where_the_adapter_ended(train: Train) -> None:
    first, one = train()
    _, two = train(first, seed=1)
    _, fresh = train(seed=1)
    losses = [
        json.loads((job.folder / "metrics.jsonl").read_text().splitlines()[0])["loss"] for job in (one, two, fresh)
    ]
    assert losses[1] < losses[0] - 0.1
    assert losses[2] == losses[0]


def test_portions_and_precision_of_the_same_training(train: Train) -> None:
    ends = {}
    for name, schedule in {
        "micro 4": replace(SCHEDULE, micro=4),
        "micro 1": replace(SCHEDULE, micro=1),
        "eager": replace(SCHEDULE, attention="eager"),
        "bf16": replace(SCHEDULE, precision="bf16"),
    }.items():
        ends[name] = train(schedule=schedule)[1].facts["last_loss"]
    assert ends["micro 4"] == pytest.approx(ends["micro 1"], abs=1e-4)
    assert ends["micro 4"] == pytest.approx(ends["eager"], abs=1e-4)
    assert ends["micro 4"] == pytest.approx(ends["bf16"], abs=0.1)


def test_a_spoiled_artifact_is_not_published(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    real = artifact.save

    def spoiled(learner: Any, *args: Any) -> None:
        real(learner, *args)
        with torch.no_grad():
            for weight in learner.trained.values():
                weight.add_(0.05)

    monkeypatch.setattr("midspec.training.task.save", spoiled)
    with pytest.raises(SetupError, match="loaded again"):
        train()


def test_probe_is_one_document(corpus: Corpus, tokenizer: Any) -> None:
    rows = pack_documents(corpus, tokenizer, 96)
    probe = probe_of(rows.take([len(rows) - 1]))
    assert (probe.positions == range(len(probe.ids))).all()
    assert probe.loss.sum() == len(probe.ids) - 1


@pytest.mark.parametrize("method", [LORA, pytest.param(Full(), marks=pytest.mark.slow)], ids=["lora", "full"])
def test_two_processes_give_what_one_gives(method: Lora | Full, train: Train, corpus: Corpus, tokenizer: Any) -> None:
    """The last of four updates has one row, so that one process has nothing to read for it."""
    schedule = replace(SCHEDULE, updates=None, passes=12.5 / len(pack_documents(corpus, tokenizer, 96)), micro=1)
    one, alone = train(method=method, schedule=schedule)
    two, shared = train(method=method, schedule=replace(schedule, world=2))
    rows = [
        [json.loads(line) for line in (job.folder / "metrics.jsonl").read_text().splitlines()]
        for job in (alone, shared)
    ]
    assert len(rows[0]) == 4
    assert rows[0][-1]["tokens"] < rows[0][0]["tokens"]
    for a, b in zip(*rows, strict=True):
        assert {k: a[k] for k in ("update", "rate", "tokens", "supervised")} == {
            k: b[k] for k in ("update", "rate", "tokens", "supervised")
        }
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["grad_norm"] == pytest.approx(b["grad_norm"], rel=1e-4)
    assert (logits(plain(one)) - logits(plain(two))).abs().max() <= 1e-3
    assert one.doses == two.doses


def test_trouble_in_a_process_comes_home(train: Train) -> None:
    with pytest.raises(RecipeError, match=r"update \d+: loss"):
        train(method=Full(), schedule=replace(SCHEDULE, updates=40, rate=1e20, clip=1e9, micro=1, world=2, warmup=0.0))
