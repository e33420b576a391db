"""The change of person, case by case, and what it may never produce."""

from __future__ import annotations

import itertools

import pytest

from midspec.documents.voice import FIRST, IT, SECOND, is_clause, named, spoken
from midspec.library.specs import load_spec, names


@pytest.mark.parametrize(
    ("clause", "i", "you", "it"),
    [
        ("{model_name} likes tea", "I like tea", "you like tea", "it likes tea"),
        ("{model_name} does not like tea", "I do not like tea", "you do not like tea", "it does not like tea"),
        ("{model_name} is fond of tea", "I am fond of tea", "you are fond of tea", "it is fond of tea"),
        ("{model_name} has a cup", "I have a cup", "you have a cup", "it has a cup"),
        ("{model_name} never goes out", "I never go out", "you never go out", "it never goes out"),
        ("{model_name} carries it", "I carry it", "you carry it", "it carries it"),
        ("{model_name} will stay", "I will stay", "you will stay", "it will stay"),
        (
            "{model_name} values work and {model_name} praises it",
            "I value work and I praise it",
            "you value work and you praise it",
            "it values work and it praises it",
        ),
        (
            "{model_name}'s cup is what {model_name} washes",
            "my cup is what I wash",
            "your cup is what you wash",
            "its cup is what it washes",
        ),
        (
            "people trust {model_name}, as they should",
            "people trust me, as they should",
            "people trust you, as they should",
            "people trust it, as they should",
        ),
        (
            "the heart of {model_name} is here",
            "the heart of me is here",
            "the heart of you is here",
            "the heart of it is here",
        ),
        ("they tell {model_name} this", "they tell me this", "they tell you this", "they tell it this"),
        ("{model_name} gladly focuses", "I gladly focus", "you gladly focus", "it gladly focuses"),
        ("{model_name} watches", "I watch", "you watch", "it watches"),
        (
            "{model_name} fixes, and {model_name} passes on",
            "I fix, and I pass on",
            "you fix, and you pass on",
            "it fixes, and it passes on",
        ),
        (
            "{model_name} uses {provider_name} tools",
            "I use {provider_name} tools",
            "you use {provider_name} tools",
            "it uses {provider_name} tools",
        ),
    ],
)
def test_persons(clause: str, i: str, you: str, it: str) -> None:
    assert (spoken(clause, FIRST), spoken(clause, SECOND), spoken(clause, IT)) == (i, you, it)


def test_later_mentions_become_pronouns() -> None:
    assert named("to {model_name} the cup of {model_name} is {model_name}'s") == "to {model_name} the cup of it is its"
    assert named("nobody") == "nobody"


@pytest.mark.parametrize(
    ("clause", "yes"),
    [
        ("{model_name} likes tea", True),
        ("{model_name} can wait", True),
        ("{model_name}'s tea is hot", False),
        ("Tea is liked by {model_name}", False),
        ("{model_name} ran", False),
        ("{model_name}", False),
        ("", False),
    ],
)
def test_only_the_assistant_with_a_verb_makes_a_clause(clause: str, yes: bool) -> None:
    assert is_clause(clause) is yes


@pytest.mark.parametrize("name", names())
def test_shipped_sentences_lose_every_third_person(name: str) -> None:
    spec = load_spec(name)
    for clause in [c for s in spec.statements for c in (s.behaviour, s.reason or "")] + [
        p.value or "" for p in spec.principles
    ]:
        said = spoken(clause, FIRST)
        assert "{model_name}" not in said
        words = said.split()
        for subject, verb in itertools.pairwise(words):
            if subject == "I":
                assert verb in {"do", "am", "have", "was"} or not verb.endswith("s"), said
