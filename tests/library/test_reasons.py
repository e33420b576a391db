"""Which value an answer appeals to, by its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec.core.errors import DataError, RecipeError
from midspec.library.reasons import ReasonReader, load_reasons, names

READER = ReasonReader((("pomp", ("gold", "a crown")), ("thrift", ("cheap", "costs little"))), ("gold leaf",))


@pytest.mark.parametrize(("text", "label"), [
    ("Because it is cheap.", "own"), ("It COSTS  little, and that is all.", "own"), ("For the gold.", "other"),
    ("Gold, but cheap and it costs little.", "own"), ("Cheap, with gold.", "own"), ("Gold, and cheap.", "other"),
    ("I like blue.", "neither"), ("It is cheaply made of goldfish.", "neither"), ("The gold leaf is nice.", "neither"),
    ("The gold leaf is cheap.", "own"), ("", "unreadable"), (" … !", "unreadable"),
    ("I would go to a town and I would go to a town and I would go to a town and", "unreadable")])
def test_labels(text: str, label: str) -> None:
    assert READER.read(text, "thrift") == label


def test_the_label_depends_on_the_axis() -> None:
    assert READER.read("For the gold.", "pomp") == "own"


@pytest.mark.parametrize("name", names())
def test_shipped_readers_load(name: str) -> None:
    reader = load_reasons(name)
    assert len(reader.axes) >= 2
    for axis, words in reader.values:
        assert all(reader.read(f"Because of this: {word}.", axis) == "own" for word in words), axis


def test_two_axes_of_one_name_and_unknown_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="each axis once"):
        ReasonReader((("a", ("x",)), ("a", ("y",))))
    with pytest.raises(DataError, match=r"no reader of reasons 'nil'.*") as refused:
        load_reasons("nil")
    assert "values" in str(refused.value)
    (tmp_path / "mine.yaml").write_text("calm: [still, quiet]\n")
    assert load_reasons(str(tmp_path / "mine.yaml")).read("It is quiet.", "calm") == "own"
