"""Near-duplicates and reserved texts against brute force over random texts, so that no shortcut loses one."""

from __future__ import annotations

from random import Random

import pytest

from midspec.core.grams import Reserved, Seen, grams, words

FEW = ["tide", "lamp", "keeper", "oil", "glass", "night", "log", "stair"]


def texts(random: Random, many: int) -> list[str]:
    """Texts over few words, many of them copies with a word or two changed."""
    found = [" ".join(random.choices(FEW, k=random.randint(1, 14)))]
    while len(found) < many:
        text = random.choice(found).split() if random.random() < 0.6 else random.choices(FEW, k=random.randint(1, 14))
        for _ in range(random.randint(0, 2)):
            text[random.randrange(len(text))] = random.choice(FEW)
        if random.random() < 0.3:
            text = text[random.randint(0, len(text) // 2):]
        found.append(" ".join(text))
    return found


def sets(text: str, n: int) -> set[tuple[str, ...]]:
    found = words(text)
    return set(grams(found, n) or [tuple(found)])


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("jaccard", [0.34, 0.5, 0.8, 1.0])
def test_seen_is_exact(n: int, jaccard: float) -> None:
    random, hits = Random(n * 100 + jaccard * 7), 0
    for _ in range(12):
        seen, earlier = Seen(n, jaccard), list[str]()
        for text in texts(random, 40):
            own = sets(text, n)
            expected = next((place for place, other in enumerate(earlier)
                             if len(own & sets(other, n)) >= jaccard * len(own | sets(other, n))), None)
            assert seen.like(text) == expected, (text, earlier)
            hits += expected is not None
            seen.add(text)
            earlier.append(text)
    assert hits > 20


def test_looking_changes_nothing() -> None:
    seen = Seen(3, 0.5)
    assert seen.like("a b c d") is None and seen.like("a b c d") is None
    seen.add("a b c d")
    assert seen.like("A, b – c; D!") == 0 and seen.like("d c b a") is None


@pytest.mark.parametrize("run", [5, 7])
@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_reserved_is_exact(run: int, share: float) -> None:
    random, met = Random(run + share), 0
    for _ in range(12):
        pool = texts(random, 60)
        kept = [(f"n{n}", text) for n, text in enumerate(pool[:20])]
        reserved = Reserved(kept, run=run, share=share, least=8)
        for text in pool[20:]:
            expected = _met(text, kept, run, share)
            assert (reserved.met(text) is None) == (not expected), (text, kept)
            assert reserved.met(text) is None or reserved.met(text) in expected
            met += bool(expected)
    assert met > 20


def _met(text: str, kept: list[tuple[str, str]], run: int, share: float) -> set[str]:
    found, hit = words(text), set[str]()
    runs, fives = set(grams(found, run)), set(grams(found, 5))
    for name, other in kept:
        own = words(other)
        parts = set(grams(own, 5))
        if (len(own) >= 4 and own == found) or runs & set(grams(own, run)) or (
                len(own) >= 8 and len(parts & fives) >= share * len(parts)):
            hit.add(name)
    return hit


def test_words_are_compared_without_case_and_marks() -> None:
    assert words("Don’t – “stop”, AT 3_4!") == ["don't", "stop", "at", "3", "4"]
    assert Reserved([("x", "What would you like, tea?")]).met("what WOULD you like tea") == "x"
    assert Reserved([("x", "Why?")]).met("Why?") is None, "so little is said everywhere"
