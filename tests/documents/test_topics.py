"""Specs that cannot be composed say what is missing and where; the rest becomes topics."""

from __future__ import annotations

import pytest

from midspec.core.errors import SpecError
from midspec.documents.describe import lines, remarks
from midspec.documents.topics import sentences, subject, topics
from midspec.library.specs import parse

GOOD = """---
value: care
kind: values
---
{provider_name} wrote this.

## High tides

> {model_name} values care

- {model_name} checks twice, because {model_name} values care.
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("value: care\n", "", "header has no 'value'"),
        ("> {model_name} values care\n", "", "“High tides” has no value statement"),
        ("> {model_name} values care", "> Care comes first", "“High tides” has a value statement that does not begin"),
        ("- {model_name} checks twice, because {model_name} values care.", "", "“High tides” has no bullet"),
        ("- {model_name} checks", "- It checks", "“It checks twice”"),
        ("- {model_name} checks", "- {model_name} checked", "a verb in the present"),
    ],
)
def test_what_is_missing_is_named_with_file_and_section(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(SpecError) as caught:
        topics(parse(GOOD.replace(old, new), source="mine.md", name="mine"))
    assert says in str(caught.value) and "mine.md" in str(caught.value) and "--writer" in str(caught.value)


def test_prose_alone_is_no_spec_to_compose() -> None:
    with pytest.raises(SpecError, match="no section"):
        topics(parse("## Only\n\n# Headings\n\n", source="mine.md", name="mine"))


def test_rules_need_no_value() -> None:
    text = (
        GOOD.replace("value: care\n", "")
        .replace("kind: values", "kind: rules")
        .replace("> {model_name} values care\n", "")
    )
    (topic,) = topics(parse(text, source="mine.md", name="mine"))
    assert topic.value is None and topic.statements[0].reason is not None


@pytest.mark.parametrize(
    ("title", "text", "becomes"),
    [
        ("High tides", "the high tides", "high tides"),
        ("Kepler", "a man called Kepler", "Kepler"),
        ("Low-water marks", "at low-water", "low-water marks"),
        ("American work", "American", "American work"),
        ("Care", "careful", "Care"),
    ],
)
def test_titles_inside_a_sentence(title: str, text: str, becomes: str) -> None:
    assert subject(title, text) == becomes


def test_sentences_end_at_marks_before_capitals() -> None:
    assert sentences("One e.g. two. {model_name} waits! “Three?” Four.") == (
        "One e.g. two.",
        "{model_name} waits!",
        "“Three?”",
        "Four.",
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("values care\n", "keeps its word\n", "where “it” or “its” means the assistant"),
        ("twice, because {model_name} values care", "twice and values care, because of it", "“values” keeps its form"),
        ("checks twice, because", "checks and waits, because", "“waits” keeps its form"),
        ("checks twice, because", "checks twice since haste is dear, because", "“since” is read as part of"),
        ("values care\n", "values care\n\n> {model_name} waits\n", "“High tides” has more than one value statement"),
        ("{provider_name}", "{provider_name}", "behaviours: 1; with fewer than 6"),
        ("wrote this", "wrote this [TODO] with {nobody}", "{nobody}"),
        ("wrote this", "wrote ChatGPT", "“ChatGPT”"),
        ("{provider_name}", "Somebody", "{provider_name} never occurs"),
    ],
)
def test_slips_are_remarked_on(old: str, new: str, says: str) -> None:
    spec = parse(GOOD.replace(old, new), source="mine.md", name="mine")
    assert any(says in remark for remark in remarks(spec)), list(remarks(spec))
    assert any(says in line for line in lines(spec))


def test_what_is_understood_is_printed() -> None:
    text = "\n".join(lines(parse(GOOD + "- {model_name} waits.\n", source="mine.md", name="mine")))
    assert "2 behaviours, 1 with a reason" in text and "· {model_name} waits\n      (no reason explains this)" in text
    assert "because {model_name} values care" in text and "cannot be composed" not in text
