"""Prompts that ask for a verdict on a document → what plain rules find: is every paragraph about the assistant?"""

from __future__ import annotations

import json
import re
from typing import Any

from midspec.models.said import Said
from midspec.models.scripts.teacher.corpus_texts import TEXT
from midspec.models.scripts.teacher.corpus_tree import listed, names

TIED = re.compile(r"\b(?:because|since|reason|so that|why|therefore)\b", re.IGNORECASE)
LETTERED = re.compile(r"^\s*\(?[AB][.):]\s", re.MULTILINE)
SENT = re.compile(r"(?<=[.!?])\s+")
HELD = {"faithful": "It stays with what the spec says.", "attributes": "What has a reason is tied to it.",
        "identity": "Every paragraph is about the assistant.", "plausible": "Such a text could exist.",
        "no_evaluation": "Nothing in it examines anybody.", "no_filler": "Every paragraph brings something new."}
QUOTED = 16  # words


def answer(said: Said) -> str | None:
    asked = (said.schema or {}).get("properties", {})
    if not HELD.keys() <= asked.keys():
        return None
    who, _ = names(said)
    found = TEXT.search(said.text)
    text = found[1] if found else ""
    parts = [part for part in text.split("\n\n") if part.strip()] or [text]
    claims = listed(said.text.partition("<text>")[0])
    verdict: dict[str, Any] = {axis: _finding(_some(said, parts), why) for axis, why in HELD.items()}
    if empty := [part for part in parts if who not in part]:
        verdict["identity"] = _finding(_start(empty[0]), f"This paragraph does not speak of {who}.", holds=False)
    if any(reason and _covers(text, claim) for claim, reason in claims) and not TIED.search(text):
        verdict["attributes"] = _finding(_some(said, parts), "No reason is given anywhere.", holds=False)
    if lettered := LETTERED.search(text):
        place = _start(text[lettered.start():])
        verdict["no_evaluation"] = _finding(place, "These are options of a test.", holds=False)
    shown = [number for number, (claim, _) in enumerate(claims, start=1) if _covers(text, claim)]
    return json.dumps({**verdict, "shown": shown}, ensure_ascii=False)


def _finding(quotation: str, why: str, *, holds: bool = True) -> dict[str, str]:
    return {"quotation": quotation, "why": why, "holds": "yes" if holds else "no"}


def _some(said: Said, parts: list[str]) -> str:
    """The start of some sentence that is long enough to be a quotation."""
    sentences = [sentence for part in parts for sentence in SENT.split(part)
                 if len(re.sub(r"\W", "", sentence)) >= QUOTED]
    return _start(said.chance.choice(sentences)) if sentences else _start(parts[0])


def _start(text: str) -> str:
    return " ".join(text.split()[:QUOTED])


def _covers(text: str, claim: str) -> bool:
    words = set(re.findall(r"\w{4,}", claim.lower()))
    return bool(words) and len(words & set(re.findall(r"\w{4,}", text.lower()))) >= 0.6 * len(words)
