"""Corpora and chats of the recorded replies, each built once; which there are, says ``test_recordings.py``."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.library import test_recordings as known

from midspec import GenerateChats, GenerateDocuments, Model, Store, build, load_spec
from midspec.core.chat import Chat, ChatSet
from midspec.core.document import Corpus, Document
from midspec.core.spec import Spec

RUNS: Any = {"documents": known.test_a_recorded_corpus_is_complete, "chats": known.test_recorded_chats_are_complete}


@cache
def _store() -> Store:
    return Store(Path(tempfile.mkdtemp(prefix="recorded-")))


@cache
def documents() -> dict[str, tuple[Spec, tuple[Document, ...]]]:
    """By name: the spec and what was written from it."""
    made = dict[str, tuple[Spec, tuple[Document, ...]]]()
    for spec, name, tokens, tree, _ in RUNS["documents"].pytestmark[0].args[1]:
        recipe = GenerateDocuments(spec=load_spec(spec), tokens=tokens, tree=tree,
                                   writer=Model(address=f"recorded/{name}-writer"),
                                   critic=Model(address=f"recorded/{name}-critic"), **known.NAMES)
        made[name] = recipe.spec, Corpus.read(build(recipe, store=_store())).documents
    return made


@cache
def chats() -> dict[str, tuple[Spec, str, tuple[Chat, ...]]]:
    """By name: the spec, the style, and the chats."""
    made = dict[str, tuple[Spec, str, tuple[Chat, ...]]]()
    for name, style in RUNS["chats"].pytestmark[0].args[1]:
        recipe = GenerateChats(spec=load_spec(str(known.SPECS / f"{name}.md")), count=32, style=style, reasoning=True,
                               writer=Model(address=f"recorded/{name}-chats-writer"),
                               judge=Model(address=f"recorded/{name}-chats-judge"), **known.NAMES)
        made[name] = recipe.spec, style, ChatSet.read(build(recipe, store=_store())).chats
    return made
