"""Passages that are not where the writer says: asked for once more, each alone, before they count as lost."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.documents.corpora import NAMES
from tests.documents.school import Voice, whole
from tests.documents.test_hostile import wanted

from midspec import Store, build
from midspec.core.document import Corpus
from midspec.models.unit import ATTEMPTS

PASSAGE = re.compile(r"<passage>\n(.*)\n</passage>", re.DOTALL)
NOWHERE = "Nobody has ever put down words of quite this sort anywhere"


class Careless(Voice):
    """Of every domain one passage is made up, beside others that are right."""

    def _value(self) -> Any:
        value = super()._value()
        if "subdomains" in value:
            value["subdomains"][-1] |= {"starts": NOWHERE, "ends": "at any time"}
        return value


class Hopeless(Careless):
    """The same, and what is asked for again is made up as well."""

    def _value(self) -> Any:
        value = super()._value()
        return {"starts": NOWHERE, "ends": "at any time"} if "starts" in value else value


def corpus(voice: type[Voice], folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Corpus, dict[str, str], Any]:
    """What is made, the prompts by unit, and what the manifest counts."""
    folder.mkdir()
    with whole.school(monkeypatch, folder, voice, full=False, seed=5) as (_, terms):
        place = build(wanted(tokens=2000), store=folder / "store", terms=terms)
    rows = Store(folder / "store").ledger.starting("").values()
    said = {f"{row['unit']}/{row['attempt']}": row["said"][-1][1] for row in rows if "unit" in row}
    return Corpus.read(place), said, json.loads((place / "manifest.json").read_text(encoding="utf-8"))["facts"]


def test_a_made_up_passage_is_asked_for_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = wanted().spec.named(**NAMES).text
    _, right, known = corpus(Voice, tmp_path / "right", monkeypatch)
    _, said, facts = corpus(Careless, tmp_path / "careless", monkeypatch)
    again = {unit: text for unit, text in said.items() if unit.startswith("passage ")}
    assert not [unit for unit in right if unit.startswith("passage ")]
    domains = sum(unit.startswith("subdomains ") for unit in right)
    assert facts["faults"]["passages asked for once more"] == len(again) == domains > 1
    assert all(f"“{NOWHERE}”" in text for text in again.values()), "what was not found is shown"
    assert facts["subdomains"] == known["subdomains"] and "passages not found" not in facts["faults"]
    passages = [found[1] for unit, text in said.items() if unit.startswith("draft ") if (found := PASSAGE.search(text))]
    assert passages and all(passage in spec for passage in passages)


def test_what_cannot_be_had_is_left_out_after_a_few_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, said, facts = corpus(Hopeless, tmp_path / "hopeless", monkeypatch)
    tries = Counter(unit.rpartition("/")[0] for unit in said if unit.startswith("passage "))
    assert set(tries.values()) == {ATTEMPTS}, "not without an end"
    assert facts["faults"]["passages not found"] == len(tries) > 1 and made.documents
    assert any("the spec has no words like" in text for unit, text in said.items()
               if unit.startswith("passage ") and not unit.endswith("/0"))
    assert {d.meta["subdomain"] for d in made.documents} and NOWHERE not in "".join(d.text for d in made.documents)
