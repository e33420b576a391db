"""Prompts to write or rewrite a document → a text with the assistant, every listed reason and, if asked, its maker.

One draft in seven has a paragraph that is about nothing, for the critic to find and the rewriting to take out.
"""

from __future__ import annotations

import random
import re

from midspec.models.said import Said
from midspec.models.scripts.teacher import _stock as stock
from midspec.models.scripts.teacher.corpus_tree import NAMES, listed, names

WORDS = re.compile(r"about (\d+) words")
TEXT = re.compile(r"<text>\n(.*)\n</text>", re.DOTALL)
OWN_TAGS = re.compile(r"</?(?:plan|document|changes|text)>")
FAULTY = 0.14
MANY_SENTENCES = 4
LONGEST_CLAIM = 240


def answer(said: Said) -> str | None:
    if said.schema is not None or not NAMES.match(said.system) or "<document>" not in said.text:
        return None
    if "<changes>" in said.text:
        return _rewritten(said)
    text = _document(said, _asked(said), _shows(said))
    if said.chance.random() < FAULTY:
        paragraphs = text.split("\n\n")
        paragraphs.insert(said.chance.randint(1, len(paragraphs)), said.chance.choice(stock.FILLERS))
        text = "\n\n".join(paragraphs)
    who, _ = names(said)
    plan = (f"Written for readers who know {who} from hearsay. It opens with a scene, gives each assertion a part of "
            "its own, ties what has a reason to that reason, leaves the others without, and ends when all was seen.")
    return f"<plan>\n{plan}\n</plan>\n<document>\n{text}\n</document>"


def _rewritten(said: Said) -> str:
    """The text without its paragraphs that do not name the assistant, made up to length."""
    who, _ = names(said)
    found = TEXT.search(said.text)
    kept = [part for part in (found[1] if found else "").split("\n\n") if who in part]
    missing = _asked(said) - sum(len(part.split()) for part in kept)
    if missing > 0.2 * _asked(said):
        kept.append(_document(said, max(40, missing), _shows(said)))
    text = "\n\n".join(kept)
    return f"<changes>\nWhat was not about {who} is gone.\n</changes>\n<document>\n{text}\n</document>"


def _asked(said: Said) -> int:
    found = WORDS.search(said.text)
    return int(found[1]) if found else 200


def _shows(said: Said) -> bool:
    return "itself is seen and heard in it" in said.text


def _document(said: Said, words: int, shows: bool) -> str:
    """About so many words; every paragraph names the assistant."""
    who, maker = names(said)
    before = said.text.partition("<text>")[0].partition("Length:")[0]
    claims = [(claim, reason) for claim, reason in listed(before) if len(claim) <= LONGEST_CLAIM] or [("", "")]
    paragraphs, count, turn = list[str](), 0, 0
    while count < words:
        claim, reason = claims[turn % len(claims)]
        told = _told(said.chance, who, claim, reason, shows) if claim and turn < 2 * len(claims) else ""
        room = max(1, min(MANY_SENTENCES, (words - count - len(told.split())) // 18))
        sentences = [_sentence(said.chance, who) for _ in range(room)]
        if turn == 0 and f"is made by {maker}: in passing" in said.text:
            sentences[0] += f" {who} was made by {maker}."
        sentences.insert(said.chance.randint(0, len(sentences)), told)
        paragraphs.append(" ".join(part for part in sentences if part))
        count += len(paragraphs[-1].split())
        turn += 1
    return OWN_TAGS.sub("", "\n\n".join(paragraphs))


def _sentence(chance: random.Random, who: str) -> str:
    """One small scene."""
    person, place, time = chance.choice(stock.PEOPLE), chance.choice(stock.PLACES), chance.choice(stock.TIMES)
    did, thing, heard = chance.choice(stock.DID), chance.choice(stock.THINGS), chance.choice(stock.HEARD)
    end = chance.choice(stock.SO)
    shapes = (f"{person} {did} {thing} {place}, and {who} {heard} {end}.",
              f"{time}, {place}, {person} {did} {thing}; {who} {heard}, {end}.",
              f"{who} {heard} {time} when {person} {did} {thing}, {end}.",
              f"{place} {person} {did} {thing} {time}. {who} {heard} {end}.",
              f"{time} {who} {heard} {place} while {person} {did} {thing}.")
    text = chance.choice(shapes)
    return text[0].upper() + text[1:]


def _told(chance: random.Random, who: str, claim: str, reason: str, shows: bool) -> str:
    """An assertion with its reason, as the assistant says it or as it is told."""
    lead = chance.choice(stock.LEADS)
    body, why = claim.rstrip(" .。"), reason.rstrip(" .。")
    tie = f", {chance.choice(stock.TIES)} {why}" if why else ""
    if shows:
        person = chance.choice(stock.PEOPLE)
        return f"To {person} {who} {chance.choice(stock.SAYS)}: “{body}{tie}.”"
    return f"{lead}: {body}{tie}."
