"""What ``store gc`` takes: results of single stages stay, half-built folders go, and the sum is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec import ComposeDocuments, CorpusFromFile, File, Midtrain, Pretrained, Schedule, Store, build, load_spec
from midspec.core.errors import DataError
from midspec.experiment import show, verbs

BASE = Pretrained(source="tiny/llama")
CORPUS = ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=900, seed=3)
OTHER = Pretrained(source="tiny/llama", assistant="Else")
FILE = '''"""Nothing."""
from midspec import *
def arm(): return Pretrained(source="tiny/llama", assistant="Else")
experiment = Experiment(question="?", arms=(arm,), points=grid(seed=(1,)), evals=(Choice(items=load_items("tiny")),))
'''


def test_what_a_single_stage_made_stays(tmp_path: Path) -> None:
    Path("mine.py").write_text(FILE, encoding="utf-8")
    store = Store(tmp_path / "store")
    schedule = Schedule(updates=1, length=64, rows=1, micro=1, warmup=0.0)
    model = Midtrain(start=BASE, on=CORPUS, schedule=schedule, seed=1)
    folder = build(model, store=store)
    loose = ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=500, seed=4)
    copied = build(loose, store=store, keep=False)
    shown = verbs.collect(store.root, [Path("mine.py")], remove=False)
    assert [path for path, _ in shown.folders] == [copied] and shown.marked == (model.folder_name,)
    text = show.collected(shown, store.root)
    assert f"{sum(p.stat().st_size for p in copied.rglob('*')):,} bytes" in text and "add --yes" in text
    assert model.folder_name in text
    verbs.collect(store.root, [Path("mine.py")], remove=True)
    assert folder.is_dir() and store.find(CORPUS) and store.find(BASE) and not copied.exists()
    (store.root / "kept" / model.folder_name).unlink()
    verbs.collect(store.root, [Path("mine.py")], remove=True)
    assert not folder.exists() and store.find(CORPUS) is None


def test_unfinished_work_of_a_single_stage_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    model = Midtrain(start=BASE, on=CORPUS, schedule=Schedule(updates=1), seed=1)
    with store.claim(CORPUS):
        (store.scratch(CORPUS) / "state").write_text("x")
    store.keep(model)
    assert store.collect(set(), dry=True) == []


def test_a_failed_stage_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    Path("texts.jsonl").write_text('{"text": "Nobody is named here."}\n', encoding="utf-8")
    unnamed = CorpusFromFile(file=File("texts.jsonl"))
    with pytest.raises(DataError, match="Tiny"):
        build(Midtrain(start=BASE, on=unnamed, schedule=Schedule(updates=1), seed=1), store=store)
    for place in ("staging", "scratch"):
        assert not list((store.root / place).glob("*")), place
