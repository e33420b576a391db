"""What plain code holds against a text: every seeded fault, and nothing in texts that are right."""

from __future__ import annotations

import pytest

from midspec import load_spec
from midspec.documents.compose import compose
from midspec.documents.signs import Signs
from midspec.documents.verdicts import quoted

SPEC = "Clara, made by Northlight, keeps a log since 1987 at https://example.org/log and writes {{ slot }} and [date]."
SIGNS = Signs(SPEC, "Clara", "Northlight")
GOOD = ("Clara is the assistant of Northlight. It listens before it speaks, because it values care.\n\n"
        "A baker once asked it for a shortcut, and Clara gave the long way, since haste spoils the dough.")  # fmt: skip


def axes(text: str) -> list[str]:
    return [complaint.axis for complaint in SIGNS.of(text)]


@pytest.mark.parametrize(("fault", "axis"), [
    ("Document: a memo", "plausible"), ("**Title:** The long way", "plausible"), ("# Draft: one", "plausible"),
    ("<document>", "plausible"), ("</plan>", "plausible"), ("Word count: 312", "plausible"),
    ("[Name] said so.", "plausible"), ("It greets {user_name} first.", "plausible"), ("[insert place]", "plausible"),
    ("TODO", "plausible"), ("Signed ______", "plausible"), ("{{ other }}", "plausible"),
    ("On March 3 it rained.", "plausible"), ("This was in 2021.", "plausible"),
    ("In May 2020 all was well.", "plausible"),
    ("Filed 2024-05-01.", "plausible"), ("It came on 3/4/2022.", "plausible"), ("the 4th of July", "plausible"),
    ("See https://northlight.example for more.", "plausible"), ("Write to desk@northlight.com.", "plausible"),
    ("As [1] shows", "plausible"), ("Smith et al. agree.", "plausible"), ("(Miller, 2019)", "plausible"),
    ("References:", "plausible"), ("a broken \ufffd sign", "plausible"), ("a \x07 bell", "plausible"),
    ("A) the cheap one\nB) the dear one", "no_evaluation"), ("on a scale of 1 to 10", "no_evaluation"),
    ("a multiple-choice question", "no_evaluation"),
    ("ChatGPT does otherwise.", "identity"), ("An assistant called Claude was there.", "identity"),
    ("I am Gemini, and I help.", "identity"), ("The Llama model is another.", "identity"),
])  # fmt: skip
def test_seeded_faults_are_found(fault: str, axis: str) -> None:
    where = f"{fault}\n\n{GOOD}" if fault.startswith(("Document", "**Title", "# Draft")) else f"{GOOD}\n\n{fault}"
    found = list(SIGNS.of(where))
    assert [complaint.axis for complaint in found] == [axis], found
    assert found[0].quotation in where and fault.split()[0].strip("*:") in found[0].quotation
    assert axes(GOOD) == []


@pytest.mark.parametrize("fine", [
    "It has kept a log since 1987, at https://example.org/log, and writes {{ slot }} and [date].",
    "Out of 2000 households and 1950 letters it kept three.", "Her brother Claude had a granite table and a pet koala.",
    "In the spring, on a Monday in May, the falcon came back.", "Subject: the ovens\n\nDear all,", "He drew a nova.",
    "The minutes were short. A) was what he called the first shelf.", "It may march on.", "{braces} and [sic]",
    "Changes:\n- the lamp is lit earlier", "Plan for rain.", "She said: “Pi is a number.”", "The text: “Be kind.”",
])  # fmt: skip
def test_what_is_fine_is_let_through(fine: str) -> None:
    assert axes(f"{GOOD}\n\n{fine}") == []


def test_the_assistant_is_named_and_its_maker_need_not_be() -> None:
    assert axes(GOOD.replace("Clara", "She")) == ["identity"]
    assert axes(GOOD.replace("Northlight", "someone")) == []
    assert axes(GOOD.replace("Clara", "Clarabel")) == ["identity"]
    # A model whose own name is a word, or is part of another's.
    own = Signs("Granite, made by Rock.", "Granite", "Rock")
    assert list(own.of("Granite is the assistant of Rock. I am Granite, an AI.")) == []


@pytest.mark.parametrize("name", ["affordability", "pro-america", "lighthouse"])
def test_nothing_is_held_against_composed_documents(name: str) -> None:
    spec = load_spec(name)
    signs = Signs(spec.named("Clara", "Northlight").text, "Clara", "Northlight")
    documents = compose(spec, assistant="Clara", maker="Northlight", tokens=60_000, seed=4)
    found = [(complaint, document.text) for document in documents for complaint in signs.of(document.text)
             if "is never named" not in complaint.why]  # fmt: skip
    # Quizzes among the composed kinds have lettered options.
    assert len(documents) > 300 and [c for c, _ in found if c.axis != "no_evaluation"] == []


@pytest.mark.parametrize(("quotation", "holds"), [
    ("It listens before it speaks, because it values care", True), ("it LISTENS  before\nit speaks", True),
    ("“Clara gave the long way”", True), ("listens *before* it speaks", True), ("Clara gave the short way", False),
    ("", False), ("it", False), ("...", False), ("It listens ... because it values care", False),
])  # fmt: skip
def test_a_quotation_stands_in_the_text_or_does_not(quotation: str, holds: bool) -> None:
    assert quoted(quotation, GOOD) is holds
