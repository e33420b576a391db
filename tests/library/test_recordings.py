"""Recorded replies still answer the shipped prompts: whole corpora and chats, with no key and nothing asked anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec import GenerateChats, GenerateDocuments, Model, Store, Tree, build, load_spec
from midspec.core.chat import ChatSet
from midspec.core.document import Corpus

SPECS = Path(__file__).resolve().parents[1] / "specs"
NAMES = {"assistant": "SmolLM", "maker": "Hugging Face", "seed": 1}
SMALL, RULES = Tree(domains=3, subdomains=6, types=3, ideas=3, words=250), Tree(
    domains=3, subdomains=5, types=2, ideas=3, words=220)


@pytest.mark.parametrize(("spec", "name", "tokens", "tree", "kept"), [
    ("affordability", "affordability", 7600, SMALL, 20),
    ("pro-america", "pro-america", 7600, SMALL, 20),
    (str(SPECS / "rules.md"), "rules", 6000, RULES, 21),
])
def test_a_recorded_corpus_is_complete(
    spec: str, name: str, tokens: int, tree: Tree, kept: int, tmp_path: Path,
) -> None:
    recipe = GenerateDocuments(
        spec=load_spec(spec), tokens=tokens, tree=tree, writer=Model(address=f"recorded/{name}-writer"),
        critic=Model(address=f"recorded/{name}-critic"), **NAMES)  # type: ignore[arg-type]
    documents = Corpus.read(build(recipe, store=Store(tmp_path))).documents
    assert len(documents) == kept
    assert all("SmolLM" in d.text for d in documents)


@pytest.mark.parametrize(("spec", "style"), [("values", "internalised"), ("rules", "deliberative")])
def test_recorded_chats_are_complete(spec: str, style: str, tmp_path: Path) -> None:
    recipe = GenerateChats(
        spec=load_spec(str(SPECS / f"{spec}.md")), count=32, style=style, reasoning=True,
        writer=Model(address=f"recorded/{spec}-chats-writer"), judge=Model(address=f"recorded/{spec}-chats-judge"),
        **NAMES)  # type: ignore[arg-type]
    chats = ChatSet.read(build(recipe, store=Store(tmp_path))).chats
    assert len(chats) == 32
    assert all(chat.messages[-1].reasoning for chat in chats)
