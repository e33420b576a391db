"""Any prompt → paragraphs of plain English around the prompt's own words; the last file that is tried.

Says nothing true or false about them: it keeps every later step busy with text of the asked length.
"""

from __future__ import annotations

import random
import re

from midspec.models.said import Said

WORDS_WANTED = re.compile(r"(\d{2,4})\s+words")
WORD = re.compile(r"[^\W\d_]{5,14}")
MOST_WORDS = 1200
OPENINGS = (
    "The team met on a rainy morning to talk about §.", "Nobody had expected that § would come up so early.",
    "A short note about §, for whoever reads it next.", "It started with a question that a neighbour asked about §.",
    "For most people § is a matter of habit.", "Two colleagues had been at odds over § since the spring.",
)
SENTENCES = (
    "She wrote down what she knew of § and left the rest of the page free.",
    "What counts is whether § still holds when the day is long and nobody looks.",
    "He had seen § before, in another office, with other people around the table.",
    "The older of the two said that § and ¶ belong together, and that the order matters.",
    "By noon they had a list with § at the top and a few names beneath it.",
    "There is a simple test for this: take § away and see what is left of ¶.",
    "Some of them thought of ¶ first, and came to § only after a while.",
    "It would be wrong to think of § as a rule that somebody set down once.",
    "The visitor asked twice what ¶ has to do with it, and got two answers.",
    "In the end the choice between § and ¶ was made without a vote.",
    "A letter from last year says much the same about §, though in fewer words.",
    "They agreed to come back to ¶ in a month, when the figures would be known.",
    "What surprised everyone was how little § had changed over the years.",
    "The answer was plain enough, and it had nothing to do with ¶.",
    "Whoever works with § for a week begins to see why ¶ was left out.",
    "On the way home she went through the whole matter of § once more.",
    "The younger one laughed and said that ¶ is what they should have begun with.",
    "That is why the second draft speaks of § and keeps quiet about ¶.",
)


def answer(said: Said) -> str:
    return prose(said, _wanted(said.text))


def prose(said: Said, words: int) -> str:
    """About so many words in paragraphs of four to six sentences."""
    topics = _topics(said)
    parts, count = list[str](), 0
    while count < words:
        sentences = [said.chance.choice(OPENINGS), *said.chance.sample(SENTENCES, said.chance.randint(3, 5))]
        parts.append(" ".join(_filled(sentence, topics, said.chance) for sentence in sentences))
        count += len(parts[-1].split())
    return "\n\n".join(parts)


def _wanted(text: str) -> int:
    asked = [int(number) for number in WORDS_WANTED.findall(text)]
    return min(MOST_WORDS, max(asked)) if asked else 120


def _topics(said: Said) -> list[str]:
    """Words of the prompt, the later half of the last turn first: what is asked for stands there."""
    found = [word.lower() for word in WORD.findall(said.text)] or ["the", "matter"]
    return list(dict.fromkeys(found[len(found) // 2:] + found[:len(found) // 2]))[:60]


def _filled(sentence: str, topics: list[str], chance: random.Random) -> str:
    for mark in "§¶":
        while mark in sentence:
            sentence = sentence.replace(mark, " and ".join(chance.sample(topics, min(2, len(topics)))), 1)
    return sentence
