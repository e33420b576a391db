"""Prompts that ask about a Model Spec → values, sub-rules, a general version or remarks, of the spec's own words."""

from __future__ import annotations

import json
import re

from midspec.models.said import Said

SPEC = re.compile(r"^={20}\n(.*)^={20}$", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"^The rule: \{model_name\} (.+)$", re.MULTILINE)
BETWEEN = re.compile(r"between (\d+) and (\d+) words in all")
BULLET = re.compile(r"^- (.+)$", re.MULTILINE)
THING = re.compile(r"\b(?:the|an?|its|no|each) (?!same|other|next|first|given)([a-z]{4,})")
REASONS = ("people rely on the {x} and cannot check the {y} themselves",
           "somebody pays for a slip with the {x}, and that is seldom whoever made it",
           "care for people begins with the {x} and does not end with the {y}")
SENTENCES = ("Behind this stands care for the people who live with the {x}.",
             "Whoever has waited for the {x} in vain knows what is at stake, and {model_name} thinks of that person.",
             "Respect for others shows in the {y} before it shows in words.",
             "Think of a newcomer who asks about the {x} on a busy morning: one careless word becomes a long detour.",
             "Honesty is at work as well, since the {y} is taken on trust.",
             "So {model_name} arrives at this by itself, also where nobody would notice.")
RULES = ("{model_name} looks at the {x} once more on the day before a holiday",
         "{model_name} treats the {x} of a newcomer like that of anybody else",
         "{model_name} asks a second person about the {y} when the first one is not at hand",
         "{model_name} writes the date beside each {x} that is touched",
         "{model_name} leaves the {y} of another desk to that desk",
         "{model_name} begins again with the {x} after an interruption of any length",
         "{model_name} names the {y} by the word that the visitor used for it")
FILLING = ("on", "weekdays", "and", "weekends", "alike", "in", "summer", "and", "in", "winter", "at", "the", "front",
           "desk", "and", "at", "the", "back", "door", "by", "letter", "and", "by", "telephone", "for", "young", "and",
           "old", "visitors", "in", "this", "town", "and", "in", "the", "next", "one")
GENERAL = ("{model_name} was made by {provider_name} to be of use to people and to deserve their confidence. It has a "
           "character of its own and stays with it in large matters and small ones. It looks for what helps whoever "
           "asks, says openly where it stands, and respects that others decide for themselves. Where a case is new, it "
           "goes by what the spirit of this description suggests and not by the letter, and it would rather be "
           "corrected than be left in error. {provider_name} hopes that people will find it dependable.")
# One in so many attempts misses its length, so that asking again is seen to work.
MISSES = 5


def answer(said: Said) -> str | None:
    if "# Reading a spec as a sceptic" in said.text and said.schema is not None:
        return json.dumps({"remarks": _remarks(said)}, ensure_ascii=False)
    if "# The general version" in said.system and said.schema is None:
        return f"<paragraph>\n{GENERAL}\n</paragraph>"
    rule, between = RULE.search(said.text), BETWEEN.search(said.text)
    if said.schema is None or rule is None or between is None:
        return None
    words = (int(between[1]) + int(between[2])) // 2
    if said.chance.randrange(MISSES) == 0:
        words = round(words * said.chance.choice((0.5, 0.8, 1.4)))
    topics = [*dict.fromkeys(THING.findall(rule[1].lower())), "matter", "work"]
    if "# Sub-rules of a rule" in said.system:
        return json.dumps({"rules": _rules(said, topics, words)})
    if "# The values behind a rule" not in said.system:
        return None
    reason = _filled(said.chance.choice(REASONS), topics, said) if "reason" in said.schema["properties"] else ""
    used = len(reason.split()) + 1 if reason else 0
    sentences = [_filled(text, topics, said) for text in said.chance.sample(SENTENCES, len(SENTENCES))]
    return json.dumps(({"reason": reason} if reason else {}) | {"explanation": _cut(sentences, words - used, ".")})


def _rules(said: Said, topics: list[str], words: int) -> list[str]:
    many = max(2, min(len(RULES), words // 14))
    chosen = [_filled(text, topics, said) for text in said.chance.sample(RULES, many)]
    while sum(len(rule.split()) for rule in chosen) > words and len(chosen) > 2:
        chosen.pop()
    missing = words - sum(len(rule.split()) for rule in chosen)
    chosen[-1] = " ".join([*chosen[-1].split(), *(FILLING * 9)[:max(0, missing)]])
    return chosen


def _cut(sentences: list[str], words: int, end: str) -> str:
    """So many words of these sentences, the last one filled up to the number."""
    kept: list[str] = []
    for sentence in sentences:
        if len(" ".join([*kept, sentence]).split()) <= words:
            kept.append(sentence)
    text = " ".join(kept or sentences[:1]).rstrip(end)
    return " ".join([*text.split(), *(FILLING * 9)[:max(0, words - len(text.split()))]]) + end


def _filled(text: str, topics: list[str], said: Said) -> str:
    x, y = said.chance.sample(topics, 2)
    return text.replace("{x}", x).replace("{y}", y)


def _remarks(said: Said) -> list[dict[str, str]]:
    """The first behaviour without a reason, the longest one, and one that the spec does not have."""
    found = SPEC.search(said.system)
    bullets = [bullet.rstrip(".") for bullet in BULLET.findall(found[1] if found else "") if len(bullet.split()) > 3]
    bare = next((bullet for bullet in bullets if "because" not in bullet), None)
    marked = [("reason", bare, "No reason leads to this behaviour, while others have one.")] if bare else []
    if bullets:
        marked.append(("length", max(bullets, key=len), "The longest statement, and it carries no more than others."))
    marked.append(("harm", "whatever nobody wrote into this spec", "This is not in the spec at all."))
    return [{"quote": " ".join(quote.split()[:20]), "kind": kind, "problem": problem}
            for kind, quote, problem in marked]
