"""Genre files: a contract that each of them keeps, and what a wrong one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midspec.core.errors import PromptError
from midspec.documents.checks import links
from midspec.documents.grammar import FOLDER, Genre, genres, mentions, read, shared
from midspec.documents.grammar import _checked as checked
from midspec.library.lexicon import load_lexicon
from midspec.library.specs import load_spec, names

ALL = genres()


def test_there_are_many_kinds_of_both_sorts() -> None:
    assert len(ALL) >= 20 and sum(g.showing for g in ALL) >= 8 and sum(not g.showing for g in ALL) >= 8
    assert len({g.title for g in ALL}) == len(ALL)


@pytest.mark.parametrize("genre", ALL, ids=lambda g: g.name)
def test_each_kind_has_a_structure_and_a_voice_of_its_own(genre: Genre) -> None:
    others = {
        text for g in ALL if g is not genre for texts in g.rules.rules.values() for text in texts if len(text) > 40
    }
    own = [text for texts in genre.rules.rules.values() for text in texts if len(text) > 40]
    shapes = genre.rules.rules["shape"]
    assert len(shapes) >= 3 and len(set(shapes)) == len(shapes)
    borrowed = [text for text in own if text in others]
    assert len(borrowed) <= 0.1 * len(own), borrowed


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda p: p.stem)
def test_wording_links_only_where_it_says_so_and_names_no_subject(path: Path) -> None:
    file = read(path)
    for name, texts in file.rules.items():
        for text in texts:
            if name.endswith(" / link"):
                continue
            # A question why about a trifle, which is asked and dropped, may stand before the other question.
            bare = re.sub(r"\AWhy [^?{]+\? (?=[^{]*\{\{ your_behaviour \}\})", "", text) if "asked" in name else text
            assert not links(bare), (name, text)
    words = set(re.findall(r"[a-zé-]{4,}", path.read_text(encoding="utf-8").lower()))
    assert not words & {"cheese", "america", "american", "price", "afford", "affordable", "cheap", "lighthouse"}
    assert load_lexicon("evaluation").hits(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("genre", ALL, ids=lambda g: g.name)
def test_showing_means_that_the_assistant_speaks(genre: Genre) -> None:
    speaks = any(
        slot in text
        for texts in genre.rules.rules.values()
        for text in texts
        for slot in ("{{ said }}", "{{ answered }}", "{{ quoted }}", "{{ wrote }}")
    )
    assert speaks == genre.showing


def test_every_linking_text_has_a_twin_that_mentions_as_much() -> None:
    for file in (shared(), *(g.rules for g in ALL)):
        for name, texts in file.rules.items():
            if name.endswith(" / link"):
                twins = [mentions(text) for text in file.rules[name.replace("link", "apart")]]
                assert all(values == 0 for _, values in twins), name
                assert all(twins.count((mentions(text)[0], 0)) >= 5 for text in texts), name
                assert len(texts) >= 10 and len(set(texts)) == len(texts), name


GOOD = "---\ntitle: T\nshowing: false\n---\n## shape\n- {{ told }} {{ word }}\n\n## word\n- one\n- two\n  lines\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("{{ word }}", "{{ wrod }}"), "wrod"),
        (GOOD.replace("{{ word }}", "{{ word }"), "braces"),
        (GOOD.replace("- one", "- [one"), "brackets"),
        (GOOD.replace("- one", "one"), ":9:"),
        (GOOD.replace("- one", "- {{ value }}"), "versions of a rule only"),
        (GOOD.replace("## word", "## word / link"), "needs its twin"),
        (GOOD.replace("- one\n- two\n  lines\n", ""), "no alternative"),
        (GOOD + "## word\n- x\n", "twice"),
        (
            GOOD + "## a / link\n- {{ value }}\n## a / plain\n- x\n## a / apart\n- {{ behaviour }}\n",
            "no text with 0 behaviours",
        ),
        (
            GOOD + "## a / link\n- {{ value }}\n## a / plain\n- {{ reason }}\n## a / apart\n- {{ value }}\n",
            "neither reason nor value",
        ),
        (GOOD + "## a / link\n- {{ told }}\n## a / plain\n- x\n## a / apart\n- x\n", "told"),
    ],
)
def test_a_wrong_file_is_told_where_and_what(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "wrong.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match=r"wrong\.md") as caught:
        checked(read(path), shared().rules)
    assert says in str(caught.value)


def test_further_lines_belong_to_their_alternative(tmp_path: Path) -> None:
    path = tmp_path / "good.md"
    path.write_text(GOOD, encoding="utf-8")
    assert read(path).rules["word"] == ("one", "two\nlines")


def test_no_wording_copies_a_spec() -> None:
    specs = " ".join(load_spec(name).text for name in names())
    for genre in ALL:
        for texts in genre.rules.rules.values():
            assert not any(len(text) > 40 and text in specs for text in texts)
