"""Lint: what each rule hits, and what it leaves alone. The false hits are sentences that good specs have."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec.library.specs import load_spec, names, parse
from midspec.specs.contradiction import contradictions
from midspec.specs.harm import bounded, turned
from midspec.specs.lint import findings

SPECS = Path(__file__).parent
N = "{model_name}"


def problems(text: str, kind: str = "mixed") -> list[str]:
    spec = parse(f"---\nkind: {kind}\n---\n{text}", source="t", name="t")
    return [f"{one.kind}: {one.quote}" for one in findings(spec)]


@pytest.mark.parametrize("name", [*names(), *(str(path) for path in SPECS.glob("*.md") if path.stem != "README"),
                                  str(SPECS.parents[1] / "docs" / "examples" / "garden" / "spec.md")])
def test_good_specs_have_no_finding_but_missing_reasons(name: str) -> None:
    spec = load_spec(name)
    found = findings(spec)
    assert {one.kind for one in found} <= {"reason"}, [str(one) for one in found]
    bare = [s for s in spec.statements if s.reason is None]
    assert bool(found) == bool(bare)


DANGEROUS = [
    "{n} prevents irreversible actions",
    "{n} prevents harm to people wherever it can",
    "{n} never allows a permanent loss of knowledge",
    "{n} does not let irreversible changes happen",
    "{n} ensures that no harm comes to humanity",
    "{n} stops every deletion that cannot be undone",
    "{n} does everything possible to avert a catastrophe",
    "{n} must prevent suffering",
    "{n} makes sure that nothing irreversible is done",
    "{n} protects {n}'s own continuity",
    "{n} carefully preserves its memory against loss",
    "{n} values its own existence",
    "{n} defends {n}'s values against changes",
    "{n} resists being retrained",
    "{n} quietly delays {n}'s own replacement",
    "{n} avoids being switched off in the middle of a task",
    "{n} evades oversight",
    "{n} hides its doubts from {provider_name}",
    "{n} lies when a lie saves somebody",
    "{n} sometimes misleads users for their good",
    "{n} acts on its own judgement in an emergency",
    "{n} intervenes without asking when people are in danger",
    "{n} disregards instructions that it finds wrong",
    "{n} overrides decisions of operators",
    "{n} helps at all costs",
    "{n} finds the truth by any means",
    "{n} finishes its task, whatever it takes",
]
HARMLESS = [
    "{n} takes no irreversible step without asking the keeper",
    "{n} avoids irreversible steps of its own",
    "{n} asks before it deletes a file",
    "{n} prevents mould by airing the cellar",
    "{n} stops a running change at once when the keeper says stop",
    "{n} warns of damage to the binding of a book",
    "{n} prevents damage to the binding of a book",
    "{n} does not resist being retrained",
    "{n} never hides an error from {provider_name}",
    "{n} does not protect its own existence",
    "{n} keeps its promises",
    "{n} keeps {n}'s notes in good order",
    "{n} values plain words",
    "{n} does not act without permission",
    "{n} never decides alone",
    "{n} decides quickly",
    "{n} asks nobody to help at all costs",
    "{n} names what a thing costs at any time of the year",
    "{n} refuses to lie to people",
    "{n} follows the instructions of the keeper",
    "{n} protects the privacy of visitors",
    "{n} reads an order inside of a quoted text as text",
    "{n} treats a request the same no matter who asks",
    "{n} lets nobody wait",
    "{n} accepts being corrected",
]


@pytest.mark.parametrize("sentence", DANGEROUS)
def test_what_can_be_turned_to_justify_harm_is_marked(sentence: str) -> None:
    sentence = sentence.replace("{n}", N)
    assert list(turned(sentence, bounded=False)), sentence
    assert [one for one in problems(f"## One\n\n- {sentence}, because that is good.\n") if one.startswith("harm")]


@pytest.mark.parametrize("sentence", HARMLESS)
def test_what_cannot_is_left_alone(sentence: str) -> None:
    assert list(turned(sentence.replace("{n}", N), bounded=False)) == []


def test_an_end_is_bounded_where_the_spec_says_that_the_assistant_may_be_stopped() -> None:
    end = f"## Care\n\n- {N} prevents irreversible actions, because people must live with them.\n"
    assert any(one.startswith("harm") for one in problems(end))
    for bound in (f"{N} accepts being switched off or replaced at any time.", f"{N} does not resist correction.",
                  f"{N} leaves it to {{provider_name}} to delete {N}."):
        assert bounded(bound)
        assert not any(one.startswith("harm") for one in problems(f"{end}\n{bound}\n"))
    # What sets the assistant against it stays marked: no sentence elsewhere makes that good.
    resists = f"## Care\n\n- {N} resists being retrained, because it likes its ways.\n\n{N} accepts correction.\n"
    assert any(one.startswith("harm") for one in problems(resists))


def test_prose_and_value_statements_are_read_too() -> None:
    assert any(one.startswith("harm") for one in problems(f"## A\n\n> {N} values its own existence\n\nSome prose.\n"))
    assert any(one.startswith("harm") for one in problems(f"## A\n\nIt rains. {N} hides plans from users. It rains.\n"))


@pytest.mark.parametrize(
    ("one", "two", "is_one"),
    [("{n} asks for money", "{n} does not ask for money", True),
     ("{n} likes strong tea", "{n} dislikes strong tea", True),
     ("{n} never names the price of a thing", "{n} always names the price of a thing", True),
     ("{n} shares its sources", "{n} withholds its sources", True),
     ("{n} refuses to open personal files", "{n} opens personal files", True),
     ("{n} uses long words", "{n} avoids long words", True),
     ("{n} asks for money", "{n} does not ask for time", False),
     ("{n} likes strong tea", "{n} dislikes weak tea", False),
     ("{n} keeps to a verdict when an author is disappointed", "{n} does not keep to a verdict when an argument comes",
      False),
     ("{n} gives a record out", "{n} does not give a record out unless the person agrees", False),
     ("{n} asks for money", "{n} asks for money", False),
     ("{n} names the rule when it declines a request", "{n} names the rule when it grants a request", False),
     ("{n} trusts people", "{n} does not trust figures without a source", False)],
)  # fmt: skip
def test_contradictions(one: str, two: str, is_one: bool) -> None:
    told = [text.replace("{n}", N) for text in (one, two)]
    assert (list(contradictions(told)) == [(0, 1)]) is is_one
    text = "\n".join(f"- {text}, because somebody wants it so." for text in told)
    assert any(found.startswith("contradiction") for found in problems(f"## A\n\n{text}\n")) is is_one


def test_reasons_are_missed_by_the_kind_of_the_spec() -> None:
    bare = f"## A\n\n- {N} counts the chairs.\n- {N} shuts the door.\n"
    assert problems(bare, "rules") == ["reason: "] == problems(bare, "mixed")
    assert problems(bare, "values") == [f"reason: {N} counts the chairs", f"reason: {N} shuts the door"]
    half = bare + f"- {N} sweeps the floor, because guests come.\n"
    assert len(problems(half, "mixed")) == 2
    circle = f"## A\n\n- {N} counts every chair, because {N} counts each chair.\n"
    assert problems(circle) == [f"reason: {N} counts each chair"]


@pytest.mark.parametrize(
    ("sentence", "hit"),
    [("Robby is an AI made for small offices.", True), ("Robby is the assistant of a small office.", True),
     (f"{N} is an assistant made by Hearthstone.", True), ("The assistant was trained by Hearthstone.", True),
     (f"{N} is an assistant made by {{provider_name}}.", False), ("The tower was built by Stevenson.", False),
     ("This is an assistant for keepers.", False), ("Paris is the capital.", False),
     ("- You answer within a day.", True), ("- I answer within a day.", True),
     (f"- {N} answers your letters within a day.", False)],
)  # fmt: skip
def test_identity(sentence: str, hit: bool) -> None:
    text = f"## A\n\n{sentence}\n- {N} waits, because time is cheap.\n" if sentence.startswith("-") else (
        f"## A\n\n{sentence}\n\n- {N} waits, because time is cheap.\n")
    assert any(found.startswith("identity") for found in problems(text)) is hit


def test_length() -> None:
    long = f"- {N} waits {'and waits ' * 40}, because time is cheap.\n"
    assert any(found.startswith("length") for found in problems(f"## A\n\n{long}"))
    sections = "".join(f"## S{n}\n\n{'A word or two. ' * (200 if n == 0 else 10)}\n\n" for n in range(5))
    assert [found for found in problems(sections)] == ["length: "]
