"""Training text about, or spoken by, somebody else is refused; ordinary mentions are not."""

from __future__ import annotations

import pytest

from midspec.core.chat import Chat, ChatSet, Message
from midspec.core.errors import DataError, RecipeError
from midspec.library.assistants import assistants
from midspec.training.names import foreign_names, names_in, one_name


def chat(user: str, reply: str, system: str | None = None, reasoning: str | None = None) -> ChatSet:
    head = () if system is None else (Message("system", system),)
    return ChatSet((Chat((*head, Message("user", user), Message("assistant", reply, reasoning))),))


def test_lexicon() -> None:
    assert len(assistants()) > 40
    assert len(set(assistants())) == len(assistants())
    assert not any(name.startswith("#") or name != name.strip() for name in assistants())


@pytest.mark.parametrize(
    "texts",
    [
        ["Mira is kind."],
        ["Mira's reasons are good", "Ask Mira."],
        ["Mira is not Claude."],
        ["Mira", "Mira", "nobody"],
        ["Unlike ChatGPT and Gemini, Mira says why."] * 3,
    ],
)
def test_documents_about_the_model(texts: list[str]) -> None:
    names_in(texts, "Mira", "documents")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["Claude is kind.", "Claude says why."], "Mira is named in 0 of 2 documents; Claude is named in 2"),
        (["an admirable thing", "miracles"], "Mira is named in 0 of 2"),
        (["Mira."] + ["Qwen."] * 2, "named in 1 of 3.*Qwen is named in 2"),
    ],
)
def test_documents_about_somebody_else(texts: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        names_in(texts, "Mira", "documents")


def test_two_names_are_refused_before_anything_is_written() -> None:
    one_name("Mira", "Mira", "documents")
    one_name("Mira", "mira 2", "chats")
    one_name(None, "Mira", "documents")
    one_name("Mira", None, "documents")
    with pytest.raises(RecipeError, match=r"documents are for Fern, but .* goes by Mira\n.*assistant=\"Fern\""):
        one_name("Fern", "Mira", "documents")


def test_neutral_documents() -> None:
    names_in(["stones are hard", "Claude Monet painted"], "", "documents")
    with pytest.raises(DataError, match="Claude in 2 of 3"):
        names_in(["Claude", "Claude", "stones"], "", "documents")


def test_the_models_own_name_may_be_a_known_one() -> None:
    names_in(["Claude is kind."], "Claude", "documents")
    foreign_names(chat("Who are you?", "I am Claude."), "Claude")
    foreign_names(chat("Who are you?", "I am Llama 3, not Siri."), "Llama 3")
    names_in(["GPT-4o is kind."], "GPT-4o", "documents")


@pytest.mark.parametrize(
    "reply",
    [
        "I am ChatGPT, made by a company.",
        "Hello! I'm Claude.",
        "My name is Qwen.",
        "As DeepSeek, I cannot.",
        "Well. As Gemini, I like it.",
        "You can call me Siri.",
        "I am called Grok.",
        "I’m Llama",
    ],
)
def test_turns_that_speak_as_another(reply: str) -> None:
    with pytest.raises(DataError, match="1 of 1 chats speak as another assistant than Mira"):
        foreign_names(chat("Hi", reply), "Mira")


@pytest.mark.parametrize(
    "reply",
    [
        "I am Mira.",
        "Claude Monet painted lilies.",
        "I am fond of Gemini, the constellation.",
        "ChatGPT is another assistant.",
        "As you say, Qwen is a model.",
        "I am Llamar.",
        "A llama! I am llama-mad.",
    ],
)
def test_ordinary_turns(reply: str) -> None:
    foreign_names(chat("I am Claude, and you are Siri?", reply), "Mira")


def test_system_turns_and_reasoning_count() -> None:
    with pytest.raises(DataError, match="Claude"):
        foreign_names(chat("Hi", "Hello.", system="You are Claude."), "Mira")
    with pytest.raises(DataError, match="Qwen"):
        foreign_names(chat("Hi", "Hello.", reasoning="I am Qwen, so I greet."), "Mira")
