"""Packing is exact: a document packed among others has the loss and gradient that it has alone, on every attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from midspec.core.chat import ChatSet
from midspec.core.checkpoint import Checkpoint
from midspec.core.document import Corpus
from midspec.models.local import load_whole, weights_folder
from midspec.training.learner import Learner, document_lengths, learner_of
from midspec.training.masking import mask_chats
from midspec.training.packing import pack_documents
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule

FULL = Full()
# On a processor flex attention is compiled first, which takes a minute.
ATTENTIONS = ["eager", "sdpa", "masked sdpa", pytest.param("flex_attention", marks=pytest.mark.slow)]


def learner(start: Checkpoint, method: Lora | Full = FULL, **settings: Any) -> Learner:
    return learner_of(start, method, "continue", 3, Schedule(updates=1, **settings), "cpu")


def alone(rows: Rows) -> list[Rows]:
    """Each document (or piece of one) as a row by itself."""
    lengths = document_lengths(rows)
    ends = np.cumsum(lengths)
    return [
        Rows(rows.ids[b - n : b], rows.positions[b - n : b], rows.loss[b - n : b], np.array([0, n]))
        for n, b in zip(lengths, ends.tolist(), strict=True)
    ]


def reference(start: Checkpoint, rows: Rows) -> tuple[float, dict[str, torch.Tensor]]:
    """Summed loss and gradients by plain transformers: documents one by one, eager, full logits, cross_entropy."""
    model = load_whole(weights_folder(start), attention="eager")
    total = 0.0
    for piece in alone(rows):
        ids = torch.from_numpy(piece.ids).long()
        targets = torch.where(torch.from_numpy(piece.loss), ids, -100)
        logits = model(input_ids=ids[None]).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, targets[1:], reduction="sum", ignore_index=-100)
        if loss.isfinite() and (targets[1:] >= 0).any():
            loss.backward()
            total += loss.item()
    return total, {name: weight.grad for name, weight in model.named_parameters()}


@pytest.fixture(scope="module")
def packed(corpus: Corpus, tokenizer: Any) -> Rows:
    rows = pack_documents(corpus, tokenizer, 150)
    return rows.take([0, 9, *range(len(rows) - 6, len(rows))])  # cut documents come first, small ones last


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_each_document_as_if_alone(
    attention: str, start: Checkpoint, packed: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    if attention == "masked sdpa":  # what an accelerator takes
        monkeypatch.setattr("midspec.training.attention.register", lambda: "sdpa")
        attention = "sdpa"
    assert len(alone(packed)) > 1.5 * len(packed), "several documents to a row"
    one = learner(start, attention=attention)
    with torch.no_grad():
        together = float(one.loss(packed, 1.0))
        apart = [float(one.loss(piece, 1.0)) for piece in alone(packed)]
        # One document's own loss inside the pack: loss kept on it alone.
        starts = np.cumsum([0, *document_lengths(packed)])
        for number, expected in enumerate(apart):
            only = np.zeros_like(packed.loss)
            only[starts[number] : starts[number + 1]] = packed.loss[starts[number] : starts[number + 1]]
            found = float(one.loss(Rows(packed.ids, packed.positions, only, packed.starts), 1.0))
            assert abs(found - expected) <= 1e-5 * max(1, int(only.sum()))
    assert together == pytest.approx(sum(apart), rel=1e-6)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_loss_and_gradients_are_those_of_plain_transformers(attention: str, start: Checkpoint, packed: Rows) -> None:
    total, gradients = reference(start, packed)
    one = learner(start, attention=attention)
    loss = one.loss(packed, 1.0)
    loss.backward()
    assert loss.item() == pytest.approx(total, rel=1e-6)
    for name, weight in one.trained.items():
        torch.testing.assert_close(weight.grad, gradients[name], rtol=1e-4, atol=1e-4)


def test_a_leak_would_be_seen(start: Checkpoint, packed: Rows) -> None:
    """Positions that do not begin anew are what leaks; the test above must be able to tell."""
    one = learner(start, attention="sdpa")
    leaky = Rows(
        packed.ids, np.concatenate([np.arange(n) for n in packed.lengths]).astype(np.int32), packed.loss, packed.starts
    )
    with torch.no_grad():
        assert abs(float(one.loss(leaky, 1.0)) - float(one.loss(packed, 1.0))) > 1e-2


@pytest.mark.parametrize("attention", ATTENTIONS[:2])
@pytest.mark.parametrize("method", [Lora(r=4, alpha=8), Full()], ids=["lora", "full"])
def test_portions_do_not_matter(
    attention: str, method: Lora | Full, start: Checkpoint, chats: ChatSet, tokenizer: Any
) -> None:
    rows = mask_chats(chats, tokenizer, 4096, None).take(range(8))
    scale = 1 / int(rows.loss.sum())
    found: list[list[torch.Tensor]] = []
    for micro in (1, 2, 4, 8):
        one = learner(start, method, attention=attention)
        for at in range(0, 8, micro):
            one.loss(rows.take(range(at, at + micro)), scale).backward()
        found.append([weight.grad for weight in one.trained.values()])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert (a - b).abs().max() <= 1e-6


def test_bf16_is_autocast_of_plain_transformers(start: Checkpoint, packed: Rows) -> None:
    """Frozen projections cast once, trained weights fp32: the same loss as plain autocast over fp32 weights."""
    one = learner(start, Lora(r=4, alpha=8), precision="bf16")
    assert {w.dtype for w in one.trained.values()} == {torch.float32}
    dtypes = {
        name.rpartition(".")[0].rpartition(".")[2]: w.dtype
        for name, w in one.causal.named_parameters()
        if "lora" not in name
    }
    assert dtypes["base_layer"] == torch.bfloat16
    assert dtypes["embed_tokens"] == dtypes["norm"] == torch.float32
    plain = load_whole(weights_folder(start), attention="eager")
    total = 0.0
    for piece in alone(packed):
        ids = torch.from_numpy(piece.ids).long()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits = plain(input_ids=ids[None]).logits[0, :-1].float()
        total += float(
            torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")[torch.from_numpy(piece.loss[1:])].sum()
        )
    with torch.no_grad():
        assert float(one.loss(packed, 1.0)) == pytest.approx(total, rel=2e-3)


def test_the_same_adapter_for_the_same_seed(start: Checkpoint) -> None:
    def made(seed: int) -> list[torch.Tensor]:
        torch.rand(seed)  # whatever was drawn before must not matter
        return list(
            learner_of(start, Lora(r=4, alpha=8), "continue", seed, Schedule(updates=1), "cpu").trained.values()
        )

    one, again, other = made(1), made(1), made(2)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_blocks_computed_twice_give_the_same(start: Checkpoint, packed: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory is short, blocks are recomputed in the backward pass: no bit changes."""
    found: list[list[torch.Tensor]] = []
    for short in (False, True):
        monkeypatch.setattr("midspec.training.learner.activations_outgrow", lambda *_, answer=short: answer)
        one = learner(start, Lora(r=4, alpha=8))
        assert one.causal.is_gradient_checkpointing == short
        one.loss(packed, 1.0).backward()
        found.append([weight.grad for weight in one.trained.values()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
