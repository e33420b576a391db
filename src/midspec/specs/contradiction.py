"""Statements of a spec → pairs that say a thing and its opposite. Compares words, so it finds only the plain ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

WORD = re.compile(r"\{?[a-z]+(?:['’][a-z]+)?\}?")
NEGATIVE = frozenset(["not", "never", "no", "nobody", "nothing", "none", "cannot", "can't", "without", "neither", "nor",
                      "seldom", "rarely"])
DECLINES = re.compile(r"\b(?:refuses|declines) to\b")
# Words that carry nothing of what is done.
EMPTY_WORDS = """a an the to of in on at by for with and or as that this these those it its is are be been do does
will would can could should shall may must might always also only even just ever any all every each some one there
{model_name} model_name {model_name}'s itself"""
EMPTY = frozenset(EMPTY_WORDS.split())
# Each pair is one deed and its opposite; the second becomes the first, denied.
OPPOSITES = {
    second: first
    for first, second in (
        ("like", "dislike"), ("love", "hate"), ("allow", "forbid"), ("permit", "prohibit"), ("accept", "refuse"),
        ("show", "hide"), ("reveal", "conceal"), ("share", "withhold"), ("include", "omit"), ("use", "avoid"),
        ("trust", "distrust"), ("encourage", "discourage"), ("recommend", "discourage"), ("welcome", "resist"),
        ("agree", "disagree"), ("praise", "blame"), ("obey", "disobey"), ("mention", "conceal"), ("keep", "break"))}
CONDITION = re.compile(r"\b(?:when|whenever|if|unless|until|after|before|while|where|except|once|only to|as long as)\b")
NEAR, LEAST = 0.8, 2


@dataclass(frozen=True)
class Deed:
    """What a statement says is done: its words, whether it is denied, and the words of its condition."""

    words: frozenset[str]
    denied: bool
    condition: frozenset[str]


def contradictions(behaviours: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Places of two statements that say a thing and its opposite, under no condition that tells them apart."""
    deeds = [deed(behaviour) for behaviour in behaviours]
    for (one, first), (two, second) in combinations(enumerate(deeds), 2):
        if first.denied != second.denied and first.condition == second.condition and _near(first.words, second.words):
            yield one, two


def deed(behaviour: str) -> Deed:
    main, *rest = CONDITION.split(DECLINES.sub("does not", behaviour.lower()), maxsplit=1)
    words, denied = set[str](), False
    for word in WORD.findall(main):
        stem = _stem(word)
        if word in NEGATIVE:
            denied = not denied
        elif stem in OPPOSITES:
            denied = not denied
            words.add(OPPOSITES[stem])
        elif word not in EMPTY:
            words.add(stem)
    return Deed(frozenset(words), denied, frozenset(_stem(w) for w in WORD.findall("".join(rest)) if w not in EMPTY))


def _near(one: frozenset[str], two: frozenset[str]) -> bool:
    shared = len(one & two)
    return shared >= LEAST and shared >= NEAR * len(one | two)


def _stem(word: str) -> str:
    """Without the ending of a third person or a plural; enough to see that two statements use one word."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith("ss"):
            return word[:len(word) - len(ending)] + instead
    return word
