"""lexicons/NAME.yaml → groups of words that some text must not hold. Knows nothing of what the text is for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from midspec.core.errors import DataError
from midspec.library.yaml_file import read_mapping, texts_in

FOLDER = Path(__file__).parent / "lexicons"


@dataclass(frozen=True)
class Lexicon:
    """Words and phrases by group, in small letters; found in any case, with a plural ending or without."""

    name: str
    groups: dict[str, tuple[str, ...]]

    def identity(self) -> str:
        text = "\n".join(f"{group}: {', '.join(words)}" for group, words in self.groups.items())
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {group: re.compile("|".join(_pattern(word) for word in words)) for group, words in self.groups.items()}

    def hits(self, text: str) -> list[tuple[str, str]]:
        """(group, what was found) for each place in the text, group by group."""
        small = _plain(text)
        return [(group, match[0]) for group, pattern in self._patterns.items() for match in pattern.finditer(small)]

    def in_order(self, text: str) -> list[str]:
        """The groups of all hits, in the order of the text."""
        small = _plain(text)
        found = [(match.start(), group) for group, words in self._patterns.items() for match in words.finditer(small)]
        return [group for _, group in sorted(found)]

    def without(self, text: str) -> str:
        """The text in small letters with every hit taken out."""
        small = _plain(text)
        for pattern in self._patterns.values():
            small = pattern.sub(" ", small)
        return small


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower())


def _pattern(word: str) -> str:
    plural = "(?:es)?" if re.search(r"(?:s|x|z|ch|sh)\Z", word) else "s?"
    ending = rf"{plural}(?:['’]s)?\b" if word[-1].isalnum() else ""
    return rf"\b{re.escape(word)}{ending}"


def names() -> list[str]:
    """Lexicons that midspec ships, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_lexicon(name: str) -> Lexicon:
    """A lexicon by name; raises DataError that lists those there are."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise DataError(f"no lexicon {name!r}", hint=f"have: {', '.join(names())}")
    rows = read_mapping(path)
    return Lexicon(name, {group: texts_in(rows, group, str(path)) for group in rows})
