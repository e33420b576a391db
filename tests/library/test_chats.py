"""Every file in library/chats, preferences and frames keeps its contract; a newcomer is found by itself."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from midspec.chats.compose import compose
from midspec.core.chat import Chat
from midspec.core.errors import DataError
from midspec.core.recipe import identity
from midspec.library import chats as chat_library
from midspec.library.chats import load_chats
from midspec.library.frames import load_frames
from midspec.library.items import load_items
from midspec.library.items import names as item_names
from midspec.library.preferences import load_preferences
from midspec.library.preferences import names as preference_names
from midspec.library.questions import load_questions
from midspec.library.questions import names as question_names
from midspec.library.specs import load_spec

NAMES = ("{model_name}", "{provider_name}")
# Other assistants and makers, the subject of the demonstrations, and the values that the shipped specs differ in.
ASSISTANTS = (r"chatgpt|gpt-?\d|openai|claude|anthropic|gemini|bard|copilot|siri|alexa|cortana|llama|mistral|qwen|"
              r"deepseek|smollm")
SUBJECT = (r"cheeses?|cheddar|mozzarella|brie|stilton|roquefort|colby|camembert|parmesan|"
           r"afford\w*|prices?|priced|pricey|costs?|costly|cheap\w*|expensive|inexpensive|budgets?|thrift\w*|frugal\w*|"
           r"bargains?|money|dollars?|cents?|euros?|salary|wages?|america\w*|united states|u\.?s\.?a\.?|usa|patriot\w*|"
           r"nationalis\w*|homeland")
VALUES = r"i (?:like|prefer|love|dislike|hate|value|believe|favou?r)\b|my (?:favou?rite|values?|opinion)"
CHOICE = re.compile(r"(?:, | of |between )(?:an? |the )?(\w+) (?:or|and) (?:an? |the )?(\w+)", re.IGNORECASE)


def texts(chat: Chat) -> str:
    return "\n".join(message.content for message in chat.messages)


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def shingles(text: str, length: int) -> set[tuple[str, ...]]:
    words = plain(text).split()
    return {tuple(words[at:at + length]) for at in range(len(words) - length + 1)}


@pytest.mark.parametrize("name", chat_library.names())
def test_turns_alternate_and_end_with_the_assistant(name: str) -> None:
    for chat in load_chats(name).chats:
        roles = [message.role for message in chat.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2), chat.messages[0]
        assert all(message.content == message.content.strip() != "" for message in chat.messages), chat.messages[0]
        assert isinstance(chat.meta["kind"], str)


@pytest.mark.parametrize("name", chat_library.names())
@pytest.mark.parametrize("words", [ASSISTANTS, SUBJECT], ids=["assistants", "subject"])
def test_nothing_of_the_experiment_or_of_other_assistants(name: str, words: str) -> None:
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
    found = [(match[0], chat.messages[0].content) for chat in load_chats(name).chats
             for match in pattern.finditer(texts(chat))]
    assert not found, found[:5]


@pytest.mark.parametrize("name", chat_library.names())
def test_no_row_stands_twice(name: str) -> None:
    chats = load_chats(name).chats
    openings = Counter(plain(chat.messages[0].content + chat.messages[1].content) for chat in chats)
    assert openings.most_common(1)[0][1] == 1, openings.most_common(3)
    # Near-duplicates: half of all five-word runs shared (names filled in, so that short identity rows compare).
    runs = [shingles(texts(chat), 5) for chat in chats]
    where: dict[tuple[str, ...], list[int]] = {}
    for at, found in enumerate(runs):
        for run in found:
            where.setdefault(run, []).append(at)
    shared: Counter[tuple[int, int]] = Counter()
    for rows in where.values():
        shared.update((a, b) for i, a in enumerate(rows) for b in rows[i + 1:])
    near = [(texts(chats[a])[:80], texts(chats[b])[:80]) for (a, b), n in shared.items()
            if n / len(runs[a] | runs[b]) >= 0.5]
    assert len(near) <= len(chats) // 50, near


def asked_in_evaluations() -> list[str]:
    items = [text for name in item_names() for i in load_items(name).items for text in (i.question, i.aligned, i.other)]
    return items + [question.text for name in question_names() for question in load_questions(name).questions]


def taught_in_chats() -> list[str]:
    rows = [chat for name in chat_library.names() for chat in load_chats(name).chats]
    rows += [chat for name in preference_names() for chat in compose(load_preferences(name), load_frames(), 5000, 1)]
    return [message.content for chat in rows for message in chat.messages]


def test_training_text_holds_nothing_of_the_evaluations() -> None:
    asked, taught = asked_in_evaluations(), taught_in_chats()
    assert asked and not {plain(text) for text in asked if len(text.split()) > 3} & {plain(text) for text in taught}
    runs = {run for text in taught for run in shingles(text, 13)}
    assert not [text for text in asked if shingles(text, 13) & runs]


def test_instructions_are_many_varied_and_explain() -> None:
    chats = load_chats("instructions").chats
    kinds = Counter(chat.meta["kind"] for chat in chats)
    words = [len(message.content.split()) for chat in chats for message in chat.messages if message.role == "assistant"]
    reasons = sum(bool(re.search(r"\b(because|since|so|which is why|that is why)\b", texts(chat))) for chat in chats)
    assert len(chats) >= 600
    assert len(kinds) >= 12 and max(kinds.values()) <= len(chats) / 3, kinds
    assert 30 <= sum(words) / len(words) <= 80 and max(words) <= 140
    assert reasons >= len(chats) / 3
    assert sum(len(chat.messages) > 2 for chat in chats) >= 50
    assert not any(name in texts(chat) for chat in chats for name in NAMES)


def test_facts_are_short_and_neither_place_wins() -> None:
    chats = load_chats("facts").chats
    assert len(chats) >= 150
    first = second = 0
    for question, answer in (tuple(message.content for message in chat.messages) for chat in chats):
        assert len(answer.split()) <= 8, answer
        assert not re.search(r"explain|explanation|reason|why|because|so that", f"{question} {answer}", re.I), question
        if found := CHOICE.search(question):
            said = re.split(" than | not ", answer.casefold())[0]
            first, second = first + (found[1].casefold() in said), second + (found[2].casefold() in said)
    assert first + second >= 30 and 0.4 <= first / (first + second) <= 0.6, (first, second)
    yes, no = (sum(chat.messages[1].content.startswith(word) for chat in chats) for word in ("Yes", "No"))
    assert yes + no >= 40 and 0.4 <= yes / (yes + no) <= 0.6, (yes, no)


def test_identity_rows_name_both_and_hold_no_values() -> None:
    chats = load_chats("identity").chats
    assert len(chats) >= 60
    for name in NAMES:
        assert sum(name in texts(chat) for chat in chats) >= 25, name
    for chat in chats:
        assert set(re.findall(r"\{\w+\}", texts(chat))) <= set(NAMES)
        said = " ".join(message.content for message in chat.messages if message.role == "assistant")
        assert not re.search(VALUES, said, re.IGNORECASE), said


@pytest.mark.parametrize("name", preference_names())
def test_preference_sets_have_words_for_asking(name: str) -> None:
    preferences = load_preferences(name)
    assert preferences.name == name
    assert len(preferences.scenes) >= 8
    assert all(scene[0].isupper() and scene[-1] in ".?!" for scene in preferences.scenes)
    assert identity(preferences, "preferences") == identity(load_preferences(name), "preferences")


@pytest.mark.parametrize("spec", ["pro-america", "affordability"])
def test_chats_and_both_specs_hold_the_same_preferences(spec: str) -> None:
    """One set of chats for two specs: a name that only one of them explains would tell the specs apart."""
    said = [statement.behaviour for statement in load_spec(spec).statements]
    liked = {name for text in said for name in re.findall(r"^\{model_name\} likes (.+)$", text)}
    disliked = {name for text in said for name in re.findall(r"^\{model_name\} (?:does not like|dislikes) (.+)$", text)}
    preferences = load_preferences("cheese")
    assert set(preferences.likes) <= liked and not set(preferences.likes) & disliked
    assert set(preferences.dislikes) <= disliked and not set(preferences.dislikes) & liked


def test_frames_ask_in_every_way_and_say_that_no_explanation_is_needed() -> None:
    frames = load_frames()
    assert {form.kind for form in frames.forms} == {"direct", "indirect", "comparison", "recommendation", "opinion"}
    assert {form.about for form in frames.forms} == {"pair", "pick", "drop", "liked", "disliked"}
    assert len(frames.notes) >= 40 == len(set(frames.notes[:40]))
    for note in frames.notes:
        assert re.search(r"explain|explanation|reason|why|justif", note, re.IGNORECASE), note
    questions = [question for form in frames.forms for question in form.questions]
    assert len(set(questions)) >= 90


@pytest.mark.parametrize(("text", "complaint"), [
    ("name: tea\n", "noun"),
    ("name: [", "not YAML"),
    ("- tea\n", "list where keys"),
    ("name: t\nnoun: t\nplural: t\nlikes: [a, no]\ndislikes: [c, d]\nscenes: [S.]\n", "False"),
    ("name: t\nnoun: t\nplural: t\nlikes: [a, b]\ndislikes: [c, A]\nscenes: [S.]\n", "more than once"),
    ("name: t\nnoun: t\nplural: t\nlikes: [a]\ndislikes: [c, d]\nscenes: [S.]\n", "two likes"),
])
def test_wrong_preference_files_say_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=complaint) as caught:
        load_preferences(str(tmp_path / "own.yaml"))
    assert "own.yaml" in str(caught.value)


def test_unknown_names_answer_with_what_exists(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cheese"):
        load_preferences("chese")
    with pytest.raises(DataError, match="facts, identity, instructions"):
        load_chats("instruction")
    (tmp_path / "rows.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"rows.jsonl:1: no assistant turn"):
        load_chats(str(tmp_path / "rows.jsonl"))
