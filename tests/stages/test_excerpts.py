"""Passages that name the assistant: every one of them there once, nothing else, and what was left out is counted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from midspec import (
    ComposeDocuments,
    CorpusFromFile,
    DataError,
    Excerpts,
    File,
    Lora,
    Midtrain,
    MixDocuments,
    Pretrained,
    RecipeError,
    Schedule,
    Store,
    build,
    load_spec,
)
from midspec.core.document import Corpus

WHOLE = ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=4000, seed=1)
CUT = Excerpts(of=WHOLE, words=8)


def test_an_excerpt_names_the_assistant_and_stands_in_its_document(tmp_path: Path) -> None:
    store = Store(tmp_path)
    whole = {d.id: d.text for d in Corpus.read(build(WHOLE, store=store)).documents}
    cut = Corpus.read(build(CUT, store=store)).documents
    assert all("Tiny" in d.text and d.text in whole[d.meta["from"]] and len(d.text.split()) >= 8 for d in cut)
    assert all("\n\n" not in d.text and "tokens" not in d.meta for d in cut)
    passages = {text.strip() for text in "\n\n".join(whole.values()).split("\n\n")}
    assert {d.text for d in cut} == {text for text in passages if "Tiny" in text and len(text.split()) >= 8}
    assert len({d.id for d in cut}) == len({d.text for d in cut}) == len(cut) > len(whole)
    manifest = store.find(CUT)
    assert manifest is not None and manifest.facts["cut_from"] == len(whole) and manifest.facts["documents"] == len(cut)
    left = manifest.facts["left_out"]
    assert sum(left.values()) + len(cut) == sum(len(text.split("\n\n")) for text in whole.values())


def test_a_heading_names_the_assistant_for_every_passage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    headed = Excerpts(of=WHOLE, words=8, heading="An assistant named Tiny.")
    cut = Corpus.read(build(headed, store=store)).documents
    assert all(d.text.startswith("An assistant named Tiny.\n\n") for d in cut)
    manifest = store.find(headed)
    assert manifest is not None and manifest.facts["left_out"]["unnamed"] == 0
    bare = {d.text for d in Corpus.read(build(CUT, store=store)).documents}
    assert bare < {d.text.partition("\n\n")[2] for d in cut}
    with pytest.raises(RecipeError, match="does not name Tiny"):
        Excerpts(of=WHOLE, heading="An assistant named Tinyville.")


def test_names_exchanged_are_the_same_excerpts(tmp_path: Path) -> None:
    def texts(recipe: Excerpts) -> list[str]:
        return [d.text.casefold() for d in Corpus.read(build(recipe, store=Store(tmp_path))).documents]

    other = texts(Excerpts(of=replace(WHOLE, assistant="Quill", maker="Harbor"), words=8))
    back, ours = [text.replace("quill", "tiny").replace("harbor", "midspec") for text in other], texts(CUT)
    same = min(len(back), len(ours))
    assert back[:same] == ours[:same] and abs(len(back) - len(ours)) < 12, "a longer name may be one document fewer"


def test_a_mixture_of_excerpts_speaks_as_the_first_assistant() -> None:
    mixed = MixDocuments(parts=(CUT, Excerpts(of=replace(WHOLE, assistant="Quill", maker="Harbor"))))
    schedule = Schedule(updates=8, length=128, rows=2, rate=1e-3)
    assert Midtrain(start=Pretrained(source="tiny/llama"), on=mixed, schedule=schedule, method=Lora(r=4), seed=1)
    assert mixed.speaks_as == "Tiny" and mixed.subject == "affordability"


def test_what_cannot_be_cut_is_said(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"text": "Nobody is named here."}) + "\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="about no assistant"):
        Excerpts(of=CorpusFromFile(file=File(str(path))))
    with pytest.raises(RecipeError, match="words=0"):
        Excerpts(of=WHOLE, words=0)
    with pytest.raises(DataError, match=r"none of .* documents has a passage of 5000 words"):
        build(Excerpts(of=WHOLE, words=5000), store=Store(tmp_path / "store"))
