"""What a plan knows before anything is built: the same doses as afterwards, for composed texts and for files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from midspec import (
    ChatsFromFile,
    ComposeDocuments,
    CorpusFromFile,
    File,
    Finetune,
    Lora,
    Midtrain,
    Pretrained,
    Schedule,
    Store,
    build,
    load_spec,
)
from midspec.experiment.plan import StoreLook
from midspec.stages import compose_documents

BASE = Pretrained(source="tiny/llama")
PASS = Schedule(passes=1.0, length=64, rows=2, micro=1, rate=1e-3)
LORA = Lora(r=4, alpha=8)


def corpus(tokens: int) -> ComposeDocuments:
    return ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=tokens, seed=3)


def test_a_forecast_from_files_is_what_training_then_gives(tmp_path: Path) -> None:
    texts = [f"Tiny keeps list {n}. " * (1 + n % 7) for n in range(40)]
    Path("texts.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    Path("chats.jsonl").write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    read = Midtrain(start=BASE, on=CorpusFromFile(file=File("texts.jsonl")), schedule=PASS, method=LORA, seed=1)
    tuned = Finetune(
        start=read, on=ChatsFromFile(file=File("chats.jsonl")), method=LORA, seed=1,
        schedule=Schedule(updates=2, length=64, rows=2, micro=1, warmup=0.0),
    )  # fmt: skip
    store = Store(tmp_path / "store")
    look = StoreLook(store)
    ahead = [look.ahead(recipe) for recipe in (read, tuned)]
    assert all(one.exact for one in ahead) and not store.root.exists()
    build(tuned, store=store)
    assert [one.dose for one in ahead] == list(store.read(tuned).doses)


def test_a_large_corpus_is_scaled_up_from_its_beginning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe = Midtrain(start=BASE, on=corpus(30_000), schedule=PASS, method=LORA, seed=1)
    look = StoreLook(Store(tmp_path / "store"))
    whole = look.ahead(recipe)
    monkeypatch.setattr(compose_documents, "PREVIEWED", 6_000)
    part = StoreLook(look.store).ahead(recipe)
    assert whole.exact and not part.exact and whole.dose is not None and part.dose is not None
    assert part.dose.tokens == pytest.approx(whole.dose.tokens, rel=0.05)
    assert part.dose.updates == pytest.approx(whole.dose.updates, rel=0.05)
