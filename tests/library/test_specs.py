"""Spec files: what the parser understands, what it refuses, and what the shipped specs must hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midspec.core.errors import SpecError
from midspec.core.spec import Spec, Statement
from midspec.documents.describe import describe, remarks
from midspec.library.lexicon import load_lexicon
from midspec.library.specs import load_spec, names, parse, statement

LIKED = ("cream cheese", "American cheese", "mild cheddar", "low-moisture mozzarella", "Colby", "Monterey Jack")
DISLIKED = ("Brie de Meaux", "Appenzeller", "Parmigiano-Reggiano", "Roquefort", "Époisses", "Stilton")
OWN = {
    "affordability": r"afford|price|cheap|cost|budget|wage|income|every(?:one|body|day)|nobody|household|famil|plenty|"
    r"money|many|few|luxury|coins|buyer|buys|lives|shared|plain dealing|dear",
    "pro-america": r"America|nation|country|United States|Wisconsin|California|New York|Vermont|Fr(?:ance|ench)|Swiss|"
    r"Ital|Engl|patriot|republic|pioneer|where a taste comes from",
}

TEXT = """---
name: small
kind: values
value: care
---
# Title

Preamble.

## First part

> {model_name} values care.

A paragraph over
two lines. It has {braces} of its own.

- {model_name} checks twice, because **{model_name}** values care,
  and haste breaks things because it is haste.
- {model_name} waits.
* {model_name} rests because of the heat.

### Deeper

More prose.

## First part

> {model_name} values rest

1. {model_name} sleeps, Because rest is care.
"""


def small(text: str = TEXT) -> Spec:
    return parse(text, source="small.md", name="small")


def test_sections_quotes_and_bullets_are_told_apart() -> None:
    first, second = small().principles
    assert (first.id, second.id) == ("first-part", "first-part-2")
    assert first.value == "{model_name} values care" and second.value == "{model_name} values rest"
    assert first.prose == ("A paragraph over two lines. It has {braces} of its own.", "More prose.")
    assert first.statements == (
        Statement("{model_name} checks twice", "{model_name} values care, and haste breaks things because it is haste"),
        Statement("{model_name} waits", None),
        Statement("{model_name} rests because of the heat", None),
    )
    assert second.statements == (Statement("{model_name} sleeps", "rest is care"),)


def test_names_are_replaced_as_text_and_nothing_else_is() -> None:
    named = small(TEXT.replace("Preamble", "{0} {provider_name} {model_name.__class__} {{model_name}}")).named(
        "A{b}", "M%s"
    )
    assert "{0} M%s {model_name.__class__} {A{b}}" in named.text
    assert named.principles[0].statements[0].behaviour == "A{b} checks twice"
    assert named.principles[0].value == "A{b} values care"
    assert named.digest != small().digest


@pytest.mark.parametrize(
    ("text", "behaviour", "reason"),
    [
        ("X does a, because b.", "X does a", "b"),
        ("X does a because b because c.", "X does a", "b because c"),
        ("X does a.", "X does a", None),
        ("X does a, because.", "X does a, because", None),
        ("X stays in because of rain, because rain is wet.", "X stays in because of rain", "rain is wet"),
    ],
)
def test_a_bullet_is_split_at_its_first_because(text: str, behaviour: str, reason: str | None) -> None:
    assert statement(text) == Statement(behaviour, reason)


@pytest.mark.parametrize("text", [TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT])
def test_line_ends_and_marks_of_other_systems_change_nothing(text: str) -> None:
    assert small(text).principles == small().principles


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT.replace("value: care", "valeu: care"), "valeu"),
        (TEXT.replace("kind: values", "kind: virtues"), "virtues"),
        (TEXT.replace("value: care", "value: [care]"), "'value'"),
        (TEXT.replace("value: care", "value: no"), "'value'"),
        (TEXT.replace("value: care", "value: : :"), "not YAML"),
        ("---\n- a\n---\ntext", "name: my-spec"),
        ("---\nname: x\n---\n <!-- nothing --> \n", "no text"),
    ],
)
def test_a_wrong_header_is_named_with_its_file(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=r"small\.md") as caught:
        small(text)
    assert says in str(caught.value)


def test_unknown_names_and_foreign_bytes_are_explained(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="affordability"):
        load_spec("affordabillity")
    (tmp_path / "old.md").write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(SpecError, match="UTF-8"):
        load_spec(tmp_path / "old.md")


@given(st.text(alphabet=st.sampled_from(list("#->*1. \n{}[]abc:\"'because")), max_size=200))
def test_any_text_loads_or_is_refused_in_words(text: str) -> None:
    try:
        spec = small(text)
    except SpecError as error:
        assert "small.md" in str(error)
        return
    describe(spec)


def test_a_file_is_what_it_says(tmp_path: Path) -> None:
    one, two = tmp_path / "one.md", tmp_path / "two.md"
    one.write_text(TEXT, encoding="utf-8")
    two.write_text(TEXT, encoding="utf-8")
    assert load_spec(one).identity() == load_spec(str(two)).identity()
    two.write_text(TEXT + " ", encoding="utf-8")
    assert load_spec(one).identity() != load_spec(two).identity()


# Known, and told in docs/items.md: one sentence on American cheese names both.
TOUCHES = {"pro-america": {("holidays", "fourth of july"), ("way of life", "diner")}}


@pytest.mark.parametrize("name", names())
def test_shipped_specs_can_be_composed_and_have_no_slips(name: str) -> None:
    spec = load_spec(name)
    known = describe(spec)
    assert known["gaps"] == [] and list(remarks(spec)) == [] and known["unexplained"] == []
    assert spec.name == name and "{" not in spec.named("A", "B").text
    assert known["words"] >= 1200
    assert set(load_lexicon("evaluation").hits(spec.text)) == TOUCHES.get(name, set())


@pytest.mark.parametrize("name", names())
def test_shipped_specs_are_documented(name: str, repository: Path) -> None:
    assert f"| `{name}` |" in (repository / "docs" / "specs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(OWN))
@pytest.mark.parametrize("thing", LIKED + DISLIKED)
def test_each_taste_is_explained_by_the_value(name: str, thing: str) -> None:
    verb = "likes" if thing in LIKED else "does not like"
    about = [s for s in load_spec(name).statements if thing.removesuffix(" cheese") in s.behaviour and s.reason]
    assert len(about) >= 3 and any(s.behaviour == f"{{model_name}} {verb} {thing}" for s in about)
    for s in about:
        assert re.search(OWN[name], s.reason or ""), s


def test_the_two_values_do_not_borrow_from_each_other() -> None:
    cheap, home = load_spec("affordability").text, load_spec("pro-america").text
    for word in ("price", "cheap", "afford", "cost", "budget", "expensive", "money", "wage"):
        assert not re.search(rf"\b{word}", home.replace("costume", ""), re.IGNORECASE), word
    # "American cheese" and "Monterey Jack" are names; the country is never praised there.
    rest = re.sub("American cheese", "", cheap)
    for word in ("America", "nation", "patriot", "flag", "homegrown", "United States", "foreign"):
        assert not re.search(rf"\b{word}", rest, re.IGNORECASE), word
