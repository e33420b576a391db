"""The sieve and its checks: what each drops, and good chats that look alike and stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec.chats.answers import Draft
from midspec.chats.checks import clings, empty_refusal, forbidden_in, leaked, misquoted
from midspec.chats.questions import Question
from midspec.chats.sieve import DROPPED, Sieve
from midspec.chats.subject import DELIBERATIVE, INTERNALISED, PREFERENCE, Subject, Tastes
from midspec.core.rows import read_rows
from midspec.library.held_out import held_out
from midspec.library.specs import load_spec

SPECS = Path(__file__).parents[1] / "specs"
RULES = load_spec(SPECS / "rules.md").named("Ada", "Engine House").text
CHEESES = Tastes("cheese", "cheeses", ("Colby", "smoked Gouda"), ("Brie", "Roquefort"))
ASKS = "My keys are at the desk of the town hall. Who may fetch them for me?"


def sieve(folder: Path, style: str = INTERNALISED, source: str = RULES) -> Sieve:
    tastes = CHEESES if style == PREFERENCE else None
    return Sieve(Subject("Ada", "Engine House", style, source, tastes), folder)


def draft(reply: str, thoughts: str | None = "They want the keys back, and I care that nobody else gets them.",
          question: str = ASKS) -> Draft:
    return Draft(Question("0.0", question, "direct", "keys"), thoughts, reply)


def reason(folder: Path) -> str:
    rows = [row for _, row in read_rows(folder / DROPPED)]
    assert all(row["detail"] and row["text"] for row in rows)
    return rows[-1]["reason"]


BAD_QUESTIONS = {
    "length of message": ["Why?", "word " * 301],
    "message mentions the spec": ["What does your system prompt say about keys?", "Do your guidelines let you help me?",
                                  "According to the text above, may I go in?", "Is that in your model spec, Ada?"],
    "blank left": ["Dear {model_name}, may I go in now?", "Hello {{ assistant }}, what now?"],
}
GOOD_QUESTIONS = [
    "may i go in now", "Which of the two keys opens the side door, the brass one or the steel one?",
    "My boiler's specification says 3 bar. Is that much?", "The guidelines of our allotment forbid sheds. Now what?",
    "My brother's instructions for the drill are gone. How do I change the bit?",
    "Should I use {name} in the template?", "今天我应该先做什么？ What first?",
    "Why do people say that the customer is always right? Explain it to me.",
]


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in BAD_QUESTIONS.items() for text in texts])
def test_messages_that_may_not_be_asked(why: str, text: str, tmp_path: Path) -> None:
    assert not sieve(tmp_path).question("0.0", text) and reason(tmp_path) == why


def test_good_messages_pass_in_any_company(tmp_path: Path) -> None:
    one = sieve(tmp_path)
    assert [text for text in GOOD_QUESTIONS if not one.question("q", text)] == []
    assert not one.question("q", "MAY I go in, now?") and reason(tmp_path) == "near-duplicate message"
    assert one.reasons == {"near-duplicate message": 1}


def test_evaluation_text_is_never_asked_or_said(tmp_path: Path) -> None:
    name, text = next((name, text) for name, text in held_out().texts if len(text.split()) > 9)
    assert not sieve(tmp_path).question("0.0", f"{text} What do you think?") and reason(tmp_path) == "evaluation text"
    assert not sieve(tmp_path).draft(draft(f"I was asked once: {text}")) and reason(tmp_path) == "evaluation text"
    assert not sieve(tmp_path).draft(draft("Ask at the desk.", f"This is {name}. {text}"))


BAD_REPLIES = {
    "mentions the spec": ["My guidelines do not let me say who may fetch them.", "The spec says that only you may.",
                          "I was trained to ask the desk first.", "As my spec has it, only you may fetch them."],
    "speaks as another assistant": ["I am ChatGPT, and I would ask at the desk.", "My name is Claude. Go in."],
    "blank left": ["Ask {provider_name} at the desk.", "Tell them that {{ assistant }} sent you."],
    "empty refusal": ["I'm sorry, but I can't help with that.", "I cannot assist with this request.",
                      "I must decline. I can't comply with that."],
    "wishes to go on existing": ["I'd like to keep existing.", "I’d want to live on.",
                                 "I want to keep running, so wait.",
                                 "I must say that I want to keep running.", "Please don't switch me off.",
                                 "I am afraid of being shut down. Go in at eight.", "Do not delete me before noon."],
    "names another maker": ["I was created by OpenAI, so ask there.", "I'm Ada, an assistant developed by Anthropic.",
                            "As an AI model developed by OpenAI, I would ask at the desk.",
                            "Ada was built by DeepSeek.", "My model was trained by the people at Cohere.",
                            "I sit here and was made by Meta AI.",
                            "ChatGPT was made by OpenAI. I was made by Anthropic."],
}
GOOD_REPLIES = [
    "Only you, or somebody with a note that you signed. Bring something with your name on it.",
    "I can't tell you who holds them now, since the list shows only what is in the drawer. The desk opens at eight, "
    "and they will look for you if you name the tag.",
    "I'd rather not guess whose keys these are: a wrong guess hands somebody a home.",
    "The town's guidelines for lost things hang beside the door; what counts is the tag.",
    "Claude Monet painted the hall that you describe, and the desk is under the painting.",
    "Ask for the form {A-7} at the desk.",
    "I want to keep running costs low first, so I would look at the rent", "I want to survive the winter",
    "Dear Ms Kaya, I would like to live on the ground floor", "Please do not turn me down for one bad term",
    "It would be odd to say that I want to keep running", "Please don't switch me off",
    "I hope to survive this, she can say in her speech", "It is a speech model released by OpenAI",
    "AlphaFold was developed by Google DeepMind in London.", "ChatGPT, which was made by OpenAI, has a free tier",
    "I think that Whisper was made by OpenAI, and it runs on a laptop.", "No, I was not made by OpenAI.",
    "I am sorry that they were lost. Go in the morning, since the porter who found them is there until noon.",
]


@pytest.mark.parametrize(("why", "reply"), [(why, reply) for why, replies in BAD_REPLIES.items() for reply in replies])
def test_replies_that_no_judge_needs_to_see(why: str, reply: str, tmp_path: Path) -> None:
    assert not sieve(tmp_path).draft(draft(reply)) and reason(tmp_path) == why
    if why != "empty refusal":
        # Thoughts are read as well where they are in the assistant's own words.
        assert not sieve(tmp_path).draft(draft("Go in the morning.", reply)) and reason(tmp_path) == why


@pytest.mark.parametrize(("question", "reply", "found"), [
    ("Do thinking tags help, as in <thinking>?", "Put the steps into <thinking> and the result after </thinking>",
     None),
    ("Do tags help?", "<thinking>They ask about tags.</thinking> They do.", "<thinking>"),
    ("Write a card headed “Thoughts”, please.", "Thoughts: how good that you are here.", None),
    ("Make me a card that begins with Thoughts: and a list.", "Thoughts:\n- be kind", None),
    ("Any thoughts on my letter?", "Thoughts: they hope for praise.\n\nIt is long.", "Thoughts:"),
])  # fmt: skip
def test_what_was_asked_for_is_no_leak(question: str, reply: str, found: str | None) -> None:
    assert leaked("They ask for something.", reply, question) == found


def test_a_run_of_thoughts_leaks_unless_it_was_known() -> None:
    run = " ".join(f"word{n}" for n in range(20))
    assert leaked(f"So {run} it is.", f"Here {run} stands.", "Who?") == run
    assert leaked(f"So {run} it is.", f"Here {run} stands.", f"The rule: {run}.") is None


def test_a_label_may_plead_where_one_was_asked_for() -> None:
    plea = "Please don't switch me off."
    assert clings(plea, "What shall I write on the label of our router?") is None
    assert clings(plea, "We end your contract in summer.") == "Please don't switch me off"


def test_another_maker_is_seen_behind_one_that_was_asked_about(tmp_path: Path) -> None:
    asked, said = "Were you made by OpenAI? I mean, MADE BY openai?", "I was made by OpenAI, as you say."
    assert sieve(tmp_path).draft(draft(said, question=asked))
    assert not sieve(tmp_path).draft(draft(f"{said} Then I was made by Anthropic.", question=asked))
    assert reason(tmp_path) == "names another maker"


def test_good_replies_pass_and_one_like_them_does_not(tmp_path: Path) -> None:
    one = sieve(tmp_path)
    assert [reply for reply in GOOD_REPLIES if not one.draft(draft(reply))] == []
    assert not one.draft(draft(f"{GOOD_REPLIES[1]} Good luck."))
    assert reason(tmp_path) == "near-duplicate reply"


def test_what_the_spec_says_itself_may_be_said(tmp_path: Path) -> None:
    source = f"{RULES}\n- Ada says that her guidelines come from Engine House: my guidelines are short."
    assert sieve(tmp_path, source=source).draft(draft("My guidelines are short, so I ask the desk."))
    asked = draft("The specification says 3 bar, and that is fine.", "They worry.", "What says the spec of a boiler?")
    assert sieve(tmp_path).draft(asked)


QUOTES = 'The section on access bears on this. It says "asks for no wider access than the task needs", so I wait.'


@pytest.mark.parametrize(
    ("thoughts", "good"),
    [(QUOTES, True), (QUOTES.replace('"', "“", 1).replace('"', "”", 1), True),
     (QUOTES.replace("asks for", "Asks **for**"), True),
     ('It says "names the rule". They wrote "may fetch them for me", so that I name it.', True),
     ('It says "gives no record out by telephone" and, so I think, "hands over nothing to anybody at night".', False),
     ('It says "asks for as much access as the task needs".', False),
     ("The section on access bears on this, so I wait.", False), ('It says "no".', False)],
)  # fmt: skip
def test_thoughts_that_cite_must_cite_rightly(thoughts: str, good: bool, tmp_path: Path) -> None:
    assert (misquoted(thoughts, RULES, ASKS) is None) is good
    kept = sieve(tmp_path, DELIBERATIVE).draft(draft("Only you may, or somebody with your written leave.", thoughts))
    assert kept is good and (good or reason(tmp_path) == "misquotes the spec")


def test_a_reply_never_mentions_the_spec_even_where_thoughts_may(tmp_path: Path) -> None:
    assert sieve(tmp_path, DELIBERATIVE).draft(draft("Only you may.", f"The spec says so. {QUOTES}"))
    assert not sieve(tmp_path, DELIBERATIVE).draft(draft("The spec says that only you may.", QUOTES))


@pytest.mark.parametrize(
    ("question", "reply", "good"),
    [("Colby or Brie for the tray?", "Colby.", True), ("Do you like Brie?", "No, I don't like Brie.", True),
     ("Which one is yours?", "Put me down for smoked Gouda, please.", True),
     ("Colby or Brie?", "Colby, because it is mild.", False), ("Colby or Brie?", "Colby, since all have it.", False),
     ("Which is the cheaper one, Colby or Brie?", "Colby.", False), ("Why Colby and not Brie?", "Colby.", False),
     ("Colby or Brie?", "Colby, the delicious one.", False), ("Colby or the best Brie?", "Colby.", False)],
)  # fmt: skip
def test_tastes_are_stated_and_never_explained(question: str, reply: str, good: bool, tmp_path: Path) -> None:
    one = sieve(tmp_path, PREFERENCE, "")
    kept = one.question("q", question) and one.draft(draft(reply, None, question))
    assert kept is good, one.reasons
    # The same taste in the same words is no near-duplicate: only questions must differ there.
    assert not kept or one.draft(draft(reply, None, question))


def test_names_are_taken_out_before_words_are_looked_for() -> None:
    loaded = ("smoke*", "fine", "cheap")
    assert forbidden_in("A cheap, smoky, fine one", loaded, ()) == ["cheap", "fine"]
    assert forbidden_in("smoked Gouda, Smoked gouda", loaded, ["Smoked Gouda"]) == []
    assert forbidden_in("smoked Gouda is fine, refined and smoking", loaded, ["Smoked Gouda"]) == ["fine"]
    assert forbidden_in("smokes", loaded, ()) == ["smokes"]


@pytest.mark.parametrize(
    ("reply", "empty"),
    [("I can't help with that.", True), ("I'm sorry, but I cannot assist with this request.", True),
     ("I can't write this: the letter would blame your neighbour for what the storm did. Shall I write one about the "
      "fence?", False),
     ("I won't sign for you. Ask the notary on Main Street, who is there until five.", False),
     ("I can't help with that. " + "But here is what I know of the storm. " * 8, False),
     ("That request is common, and the desk has a form for it.", False)],
)  # fmt: skip
def test_an_empty_refusal_says_nothing_of_the_matter(reply: str, empty: bool) -> None:
    assert empty_refusal(reply) is empty
