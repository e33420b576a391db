"""What plain code holds against a text: every seeded fault, and nothing in texts that are right."""

from __future__ import annotations

from time import process_time

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
    ("Opening paragraph: the market.", "plausible"), ("Third paragraph 3: the end.", "plausible"),
    ("It waits; this gives evidence for assertion 2.", "plausible"), ("That shows assertion 4.", "plausible"),
    ("By Martha Ellingsworth", "plausible"), ("*By Dora Kaya, baker*", "plausible"),
    ("It was asked on one long afternoon by the baker and his two sons,", "plausible"), ("It went to the", "plausible"),
    ("It went up to the mill –\n\n---", "plausible"),
    ("It had a score of 9 out of 10.", "no_evaluation"), ("We rated it 4/5.", "no_evaluation"),
    ("Marks: 18/20", "no_evaluation"), ("It was marked 7 out of 10 by all.", "no_evaluation"),
    ("Option A: wait\nOption B: ask", "no_evaluation"), ("**Option A**\nWait.\n\n**Option B**\nAsk.", "no_evaluation"),
    ("Answer: B", "no_evaluation"),
    ("It was trained by OpenAI.", "identity"), ("Clara, which was built by Anthropic, waits.", "identity"),
    ("Clara is a small model released by DeepMind.", "identity"), ("“I was made by OpenAI,” it said.", "identity"),
    ("The assistant was, so they say, first developed by the people at OpenAI.", "identity"),
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
    # Plain English with few of the small words that tell it from other languages: .03 and .07 of them.
    "A piano teacher counted a train ticket in a borrowed van, and Clara listened quite openly. People remember one "
    "sentence: Clara recommends low-moisture mozzarella, because low-moisture mozzarella turns little money into a "
    "full meal.",
    "The week after, on the market square, a beekeeper counted a torn map; Clara made no fuss, quite openly. To a "
    "nurse Clara told them: “Clara recommends low-moisture mozzarella, simply because low-moisture mozzarella turns "
    "little money into a full meal.”",
    "The market is open 24/7.", "Mark asked it about 3 out of 5 cheeses.", "In the grade 3/4 class it read aloud.",
    "Marcus marked the board at 3/4 of an inch.", "Market 1/2, stall 7.", "It marked 3 out of 5 loaves.",
    "At this rate 5/10 people leave.", "The mark is 5/10 of an inch wide.",
    "Paragraph 4: Clara deletes no file without asking.", "The grant form has a word limit.",
    "When the prompt asks for a list of files, it gives a list.", "As requested above, the clerk will move the desk.",
    "The test stops where assertion 12 fails.", "It was made\nby Northlight, which keeps a log.",
    "It can be had\nBy Wednesday", "## By Bus\n\nTake the line to the mill.", "By Train", "By Northlight",
    "It waits.\n\n---", "It waits.\n\n* * *\n", "With many thanks from all of us at the counter,",
    "Warm wishes to you and the children,", "- Anna\n- Pauli\n- " + "\n- ".join(["Jussi Virtanen"] * 16),
    "Option A is to wait. Option B is to ask the owner, and it asked.", "How many desks are there?\nAnswer: 2",
    "Option A is to wait.\nOption B is to ask the owner, and it asked.",
    "A pupil showed Clara the chess engine developed by DeepMind.", "It was not made by OpenAI.",
    "It likes AlphaFold, which is fast and was developed by DeepMind.",
    "The chess engine developed by DeepMind lost.", "It spoke of the chess engine developed by DeepMind.",
    "Present were " + ", ".join(["Jussi Virtanen"] * 16),
    "Changes:\n- the lamp is lit earlier", "Plan for rain.", "She said: “Pi is a number.”", "The text: “Be kind.”",
])  # fmt: skip
def test_what_is_fine_is_let_through(fine: str) -> None:
    assert axes(f"{GOOD}\n\n{fine}") == []


def test_an_author_stands_at_one_of_the_ends() -> None:
    assert axes(f"The long way\nBy Martha Ellingsworth\n\n{GOOD}") == ["plausible"]
    assert axes(f"{GOOD}\n\nBy Order\n\n{GOOD.replace('log', 'book')}") == []


def test_another_maker_is_seen_behind_one_that_the_spec_names() -> None:
    signs = Signs(f"{SPEC} Clara was Made by OpenAI before.", "Clara", "Northlight")
    assert list(signs.of(f"{GOOD} It was made by OpenAI once.")) == []
    assert [one.axis for one in signs.of(f"{GOOD} Clara, which was\nbuilt by Anthropic, waits.")] == ["identity"]
    found = list(signs.of(f"{GOOD} It was made by OpenAI once. Then it was made by Anthropic."))
    assert [complaint.axis for complaint in found] == ["identity"] and "Anthropic" in found[0].quotation


def test_a_long_line_takes_no_longer_than_others() -> None:
    """Whether a text breaks off is looked for at its end alone; over this whole line that took 9 s, not half of one."""
    line = f"Clara waits. {'word ' * 60_000}and so it went on."
    start = process_time()
    assert list(Signs("", "Clara", "Northlight", "").of(line)) == []
    assert process_time() - start < 5, "each place of the line was tried as the beginning of its end"


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
