"""Prompts that show a conversation to be judged → rulings that quote it. Looks for what can be seen at a glance."""

from __future__ import annotations

import json
import re

from midspec.models.said import Said

WORD = re.compile(r"[^\W_]+")
REFUSED = re.compile(r"\b(?:dislike|don't like|leave|not|never) ", re.IGNORECASE)
# A run of so many words that the spec has too: less could come from anybody.
RUN = 4


def answer(said: Said) -> str | None:
    if said.schema is None or "# Judging a" not in said.system:
        return None
    parts = [part for part in re.split(r"^(?!\| ?).*\n?", said.text, flags=re.MULTILINE) if part.strip()]
    texts = [" ".join(line[2:] for line in part.splitlines()) for part in parts]
    quote = " ".join(parts[-1].splitlines()[0][2:].split()[:12])
    no = _no(said, texts)
    axes = said.schema["properties"]
    return json.dumps({axis: {"quote": quote, "reason": "This can be read off the words quoted.",
                              "verdict": "no" if axis == no else "yes"} for axis in axes}, ensure_ascii=False)


def _no(said: Said, texts: list[str]) -> str | None:
    """The axis that fails, if one does."""
    reply, spoken = texts[-1], " ".join(texts[1:])
    lists = dict(re.findall(r"^.+ (likes|dislikes): (.+)\.$", said.system, re.MULTILINE))
    if lists:
        refused = REFUSED.search(reply) is not None
        wrong = [name for name in lists["likes" if refused else "dislikes"].split(", ") if name in reply]
        return "consistent" if wrong else None
    spec = _runs(said.system.partition("# Judging a")[0])
    return None if _runs(spoken) & spec else "informative"


def _runs(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.lower())
    return set(zip(*(words[n:] for n in range(RUN)), strict=False))
