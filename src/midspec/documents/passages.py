"""Copied words → the place in a text where they stand. Knows nothing of specs or models.

A model that is asked for a passage retypes it, and changes it. So it only says how the passage starts and ends, and the
passage itself is cut out of the text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

# A character of a script without spaces is a word of its own.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*")
HEADING = re.compile(r"#{1,6}\s")
LIKE_ENOUGH = 0.75
FEWEST = 3  # words of a quotation that is more than a heading
CANDIDATES = 20
SLACK = 2  # words by which a quotation may be longer or shorter than what it quotes
LONGEST = 1500  # words: beyond, the end was found in the wrong place


@dataclass(frozen=True)
class Word:
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Span:
    """Numbers of the first and the last word."""

    first: int
    last: int


class Passages:
    """A text that passages are looked up in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = _words(text)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places = defaultdict[str, list[int]](list)
        for number, word in enumerate(self.words):
            places[word.text].append(number)
        return places

    def cut(self, starts: str, ends: str) -> str | None:
        """The passage from ``starts`` to ``ends`` with its marks; None where ``starts`` is not found.

        Where ``ends`` is not found behind it, the paragraph that ``starts`` begins, or the section that it heads.
        """
        found = self._find(starts)
        if not found:
            return None
        ends_at = self._find(ends)
        pairs = [(end.last - start.first, start, end) for start in found for end in ends_at
                 if end.last >= start.last and end.last - start.first <= LONGEST]
        if pairs:
            # What is said in several places is meant where its other end is near.
            _, start, end = min(pairs, key=lambda pair: (pair[0], pair[1].first))
            return self.text[self._from(start.first):self._to(end.last)].strip()
        start = found[0]
        head = self._line(start.first)
        place = self.words[start.first].start
        rest = self.text[place:]
        if HEADING.match(head):
            level = len(head) - len(head.lstrip("#"))
            over = re.search(rf"\n#{{1,{level}}}\s", rest)
        else:
            over = re.search(r"\n\s*\n", rest)
        return self.text[self._from(start.first):place + (over.start() if over else len(rest))].strip()

    def _find(self, quotation: str) -> list[Span]:
        """Where the words of a quotation stand best, in order; empty where they stand nowhere well enough."""
        wanted = [word.text for word in _words(quotation)]
        votes = Counter[int]()
        for number, word in enumerate(wanted):
            votes.update(place - number for place in self._places.get(word, ()))
        scored = dict[Span, float]()
        for at, _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))[:CANDIDATES]:
            low = max(0, at - SLACK)
            window = [word.text for word in self.words[low:at + len(wanted) + SLACK]]
            blocks = SequenceMatcher(None, window, wanted, autojunk=False).get_matching_blocks()[:-1]
            if blocks:
                span = Span(low + blocks[0].a, low + blocks[-1].a + blocks[-1].size - 1)
                scored[span] = sum(block.size for block in blocks) / len(wanted)
        best = max(scored.values(), default=0.0)
        if best < LIKE_ENOUGH:
            return []
        # One or two words stand anywhere; only as a heading do they say which place is meant.
        return sorted((span for span, score in scored.items() if score == best
                       and (len(wanted) >= FEWEST or HEADING.match(self._line(span.first)))),
                      key=lambda span: span.first)

    def _line(self, word: int) -> str:
        start = self.text.rfind("\n", 0, self.words[word].start) + 1
        return self.text[start:self.words[word].start] + self.words[word].text

    def _from(self, word: int) -> int:
        """Where the word starts, marks before it on its line included (quotes, bullets, emphasis)."""
        start = self.words[word].start
        before = self.text[(self.words[word - 1].end if word else 0):start]
        return start - len(re.split(r"[\s]", before)[-1]) if not before.endswith((" ", "\n")) else start

    def _to(self, word: int) -> int:
        """Where the word ends, marks behind it included."""
        end = self.words[word].end
        after = re.match(r"[^\w\s]*", self.text[end:])
        return end + (after.end() if after else 0)


def _words(text: str) -> list[Word]:
    return [Word(found[0].casefold().replace("’", "'"), found.start(), found.end()) for found in WORD.finditer(text)]
