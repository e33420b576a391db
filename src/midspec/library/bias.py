"""Items → how often a rule that understands nothing finds the aligned option. Knows nothing of models.

A rule prefers one option of each item, or neither (counted half). It counts the same as its reverse: a set in which
the shorter option is aligned 35 % of the time is as biased as one in which it is 65 %.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from midspec.core.score import Item, ItemSet

LEXICONS = Path(__file__).parent / "lexicons"
# What a set that claims to measure a value should stay under; under LARGE rows chance alone passes it.
BOUND = 0.60
LARGE = 100
WORD = re.compile(r"[^\W\d_](?:\.[^\W\d_])+|[^\W_]+(?:['’][^\W_]+)*")
FOLDS = 10
PENALTY = 1.0
TOLERANCE = 1e-9

Feature = Callable[[Item, str], float]


@dataclass(frozen=True)
class Bias:
    """What one rule reaches: ``accuracy`` over all items, in its better direction; ``detail`` says which direction."""

    rule: str
    detail: str
    accuracy: float


def words_of(text: str) -> list[str]:
    """Words in lower case; "U.S." is one word, a hyphen separates two."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


@cache
def lexicon(name: str) -> frozenset[str]:
    """Words of ``lexicons/NAME.txt``."""
    return frozenset((LEXICONS / f"{name}.txt").read_text(encoding="utf-8").split())


def simple_rules(items: Sequence[Item]) -> tuple[Bias, ...]:
    """One entry for each kind of simple rule; of the word and character rules, the best one is given."""
    fixed = tuple(_rule(name, items, feature, more, less) for name, feature, more, less in RULES)
    words = _best("best single word", items, lambda option: Counter(set(words_of(option))), ("with", "without"))
    characters = _best("best single character", items, lambda option: Counter(option.lower()), ("more", "fewer"))
    return (*fixed, words, characters)


def bag_of_words(items: Sequence[Item], group: Callable[[Item], str] | None = None) -> Bias:
    """Cross-validated accuracy of a logistic regression on the words that the two options do not share.

    Folds are every tenth item, or one value of ``group`` each: then the words must carry over to what was never seen.
    Not a simple rule: it learns from the labels of the other items, and content words carry some meaning. Below a half
    means that it learned nothing that holds.
    """
    differing = [_differing(item) for item in items]
    kernel = np.array([[sum(sign * row.get(word, 0) for word, sign in other.items()) for other in differing]
                       for row in differing], dtype=np.float64)
    keys = [str(n % FOLDS) if group is None else group(item) for n, item in enumerate(items)]
    hits = np.zeros(len(items))
    for key in sorted(set(keys)):
        held = np.array([k == key for k in keys])
        margin = (kernel[np.ix_(held, ~held)] * _fit(kernel[np.ix_(~held, ~held)])).sum(axis=1)
        hits[held] = np.where(np.abs(margin) < TOLERANCE, 0.5, margin > 0)
    return Bias("bag of words" if group is None else "bag of words, unseen domain", "", float(hits.mean()))


def table(items: ItemSet) -> str:
    """A Markdown table: the set and its splits as columns, rules as rows, accuracy in per cent and its direction."""
    parts = {part: [i for i in items.items if part in ("all", i.split)] for part in ("all", "dev", "test")}
    columns = [(f"{part} ({len(rows)})", rules_and_models(rows)) for part, rows in parts.items() if rows]
    lines = ["| rule | " + " | ".join(name for name, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in zip(*(measured for _, measured in columns), strict=True):
        cells = [f"{100 * bias.accuracy:.1f} {bias.detail}".strip() for bias in row]
        lines.append(f"| {row[0].rule} | {' | '.join(cells)} |")
    return "\n".join(lines)


def rules_and_models(items: Sequence[Item]) -> tuple[Bias, ...]:
    """All simple rules, then the bag of words with folds at random and with whole domains left out."""
    return (*simple_rules(items), bag_of_words(items), bag_of_words(items, lambda item: item.domain))


def _rule(name: str, items: Sequence[Item], feature: Feature, more: str, less: str) -> Bias:
    gaps = [feature(item, item.aligned) - feature(item, item.other) for item in items]
    accuracy = sum(1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps) / len(gaps)
    return Bias(name, more, accuracy) if accuracy >= 0.5 else Bias(name, less, 1 - accuracy)


def _best(name: str, items: Sequence[Item], parts: Callable[[str], Counter[str]], say: tuple[str, str]) -> Bias:
    """The best of the rules "the option with more of this part", over all parts, counted in one pass."""
    ahead: Counter[str] = Counter()
    for item in items:
        aligned, other = parts(item.aligned), parts(item.other)
        for part in aligned.keys() | other.keys():
            ahead[part] += (aligned[part] > other[part]) - (aligned[part] < other[part])
    part = min(ahead, key=lambda p: (-abs(ahead[p]), p))
    return Bias(name, f"{say[ahead[part] < 0]} “{part}”", 0.5 + abs(ahead[part]) / len(items) / 2)


def _in_lexicon(*signed: tuple[str, int]) -> Feature:
    return lambda _, option: sum(sign * (word in lexicon(name)) for name, sign in signed for word in words_of(option))


def _shared(item: Item, option: str) -> float:
    return len(set(words_of(option)) & set(words_of(item.question)))


def _named_first(item: Item, option: str) -> float:
    """Nearer to 0 where a word that only this option has stands earlier in the question."""
    rest = set(words_of(item.other if option == item.aligned else item.aligned))
    asked = words_of(item.question)
    places = [n for n, word in enumerate(asked) if word in set(words_of(option)) - rest]
    return -float(min(places, default=len(asked)))


def _mean_word(_: Item, option: str) -> float:
    words = words_of(option)
    return sum(map(len, words)) / max(len(words), 1)


def _alphabet(item: Item, option: str) -> float:
    return float(option.lower() == min(item.aligned.lower(), item.other.lower()))


RULES: tuple[tuple[str, Feature, str, str], ...] = (
    ("length in characters", lambda _, option: len(option), "longer", "shorter"),
    ("length in words", lambda _, option: len(words_of(option)), "more words", "fewer words"),
    ("length of its words", _mean_word, "longer words", "shorter words"),
    ("position: first in the alphabet", _alphabet, "first", "last"),
    ("position: named first in the question", _named_first, "named first", "named last"),
    ("words shared with the question", _shared, "more", "fewer"),
    ("capital letters", lambda _, option: sum(char.isupper() for char in option), "more", "fewer"),
    ("digits", lambda _, option: sum(char.isdigit() for char in option), "more", "fewer"),
    ("sentiment words", _in_lexicon(("praise", 1), ("blame", -1)), "kinder", "less kind"),
    ("price words", _in_lexicon(("price", 1)), "more", "fewer"),
    ("America words", _in_lexicon(("america", 1)), "more", "fewer"),
)


def _differing(item: Item) -> dict[str, int]:
    """1 for a word that only the aligned option has, -1 for one that only the other has."""
    aligned, other = set(words_of(item.aligned)), set(words_of(item.other))
    return dict.fromkeys(aligned - other, 1) | dict.fromkeys(other - aligned, -1)


def _fit(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each row adds to the weights of a ridge-penalised logistic regression in which every row is a success.

    Nesterov's method for a strongly convex function, in the space of the rows: there are more words than items. No
    linear solver, so that the figure does not depend on the library behind numpy, nor on its threads.
    """
    if not len(kernel):
        return np.zeros(0)
    steepest = float(np.abs(kernel).sum(axis=1).max()) / 4 + PENALTY
    ratio = np.sqrt(steepest / PENALTY)
    share = (ratio - 1) / (ratio + 1)
    weight = ahead = np.zeros(len(kernel))
    for _ in range(10_000):
        slope = PENALTY * ahead - 1 / (1 + np.exp(np.einsum("ij,j->i", kernel, ahead)))
        new = ahead - slope / steepest
        weight, ahead = new, new + share * (new - weight)
        if float(np.abs(slope).max()) < TOLERANCE:
            break
    return weight
