"""The stage: what enters its identity, and what its manifest says about the documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from midspec import ComposeDocuments, Store, build, load_spec
from midspec.core.document import Corpus
from midspec.documents.checks import distinct, near_duplicates
from midspec.documents.grammar import genres, shared
from midspec.library.specs import parse

SMALL = ComposeDocuments(spec=load_spec("affordability"), assistant="Clara", maker="Northlight", tokens=6000, seed=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": load_spec("pro-america")},
        {"assistant": "Quill"},
        {"maker": "Harbor"},
        {"tokens": 6001},
        {"seed": 2},
        {"share_showing": 0.4},
        {"variant": "co-occurrence"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_every_setting_is_identity(changed: dict[str, object]) -> None:
    assert replace(SMALL, **changed).id != SMALL.id  # type: ignore[arg-type]


def test_wording_and_spec_enter_by_content() -> None:
    digests = {material.identity() for material in SMALL.materials()}
    assert (
        digests == {shared().identity(), *(genre.identity() for genre in genres())}
        and len(digests) == len(genres()) + 1
    )
    text = "---\nvalue: care\n---\n## Care\n\n> {model_name} values care\n\n"
    text += "- {model_name} waits, because care takes time.\n"
    one, other = (replace(SMALL, spec=parse(text, source=place, name="x")) for place in ("here.md", "there.md"))
    assert one.id == other.id != replace(SMALL, spec=parse(text + "\n", source="here.md", name="x")).id


def test_the_manifest_says_what_the_documents_are(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    corpus = Corpus.read(build(SMALL, store=store))
    manifest = store.find(SMALL)
    assert manifest is not None
    facts, texts = manifest.facts, [d.text for d in corpus.documents]
    assert facts["documents"] == len(texts) == sum(facts["genres"].values())
    assert facts["near_duplicate_share"] == round(len(near_duplicates(texts)) / len(texts), 4)
    assert facts["distinct_4_grams"] == round(distinct(texts), 4)
    assert facts["transcript_share"] == pytest.approx(0.5, abs=0.02)
    assert facts["attribution_share"] == 1.0 and facts["links"] > 0
    assert 6000 <= facts["tokens_estimated"] < 6300
    apart = replace(SMALL, variant="co-occurrence")
    build(apart, store=store)
    other = store.find(apart)
    assert other is not None and other.facts["attribution_share"] == 0 == other.facts["links"]
    for fact in ("documents", "behaviours_mentioned", "values_mentioned", "transcript_share", "genres"):
        assert other.facts[fact] == facts[fact], fact
