"""Reply → what is added to one rule, or why it cannot be: values with their reason, or sub-rules without one.

Knows nothing of who is asked. What the checks refuse is asked again, so they may be strict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from midspec.core.grams import grams, words
from midspec.library.assistants import assistants
from midspec.library.specs import BULLET, NAMES, PLACEHOLDER
from midspec.specs.places import After

VALUES, RULES = WAYS = ("values", "rules")
NAME = "{model_name}"
LEAST_RULES, MOST_REASON = 2, 30
WHY = re.compile(r"\b(?:because|since|so that|in order to|for the sake of|due to|owing to|that way|this (?:way|ensures|"
                 r"protects|helps|keeps)|values?|cares? (?:for|about)|believes?)\b", re.IGNORECASE)
RULES_IN = re.compile(r"\b(?:must|shall|has to|is (?:required|obliged|forbidden) to)\b", re.IGNORECASE)
MARKUP = re.compile(r"<!--|-->|\{\{|\}\}|^\s*(?:#{1,6}\s|>|---)", re.MULTILINE)
COPIED = 12


@dataclass(frozen=True)
class Values:
    reason: str
    explanation: str


@dataclass(frozen=True)
class Explanation:
    """Of a rule that gives a reason itself."""

    explanation: str


@dataclass(frozen=True)
class SubRules:
    rules: tuple[str, ...]


Reply = Values | Explanation | SubRules


def form_of(way: str, *, has_reason: bool) -> type[Reply]:
    return SubRules if way == RULES else Explanation if has_reason else Values


def after_of(value: Reply) -> After:
    """As it will stand in the spec: each text on one line, without the marks that a list or sentence brings itself."""
    if isinstance(value, SubRules):
        return After(bullets=tuple(_line(BULLET.sub("", rule.strip(), count=1)) for rule in value.rules))
    reason = _line(re.sub(r"^because\s+", "", value.reason.strip(), flags=re.IGNORECASE)) if isinstance(
        value, Values) else ""
    return After(reason=reason.rstrip("."), paragraph=_line(value.explanation))


def count(after: After) -> int:
    """Words that this adds to a spec."""
    own = f"because {after.reason}" if after.reason else ""
    return len(" ".join((own, after.paragraph, *after.bullets)).split())


def wrong(after: After, way: str, rule: str, known: str, taken: Collection[str] = ()) -> str | None:
    """Why this may not stand behind ``rule``; None where it may. ``known``: the spec; ``taken``: rules that it has."""
    texts = [text for text in (after.reason, after.paragraph, *after.bullets) if text]
    for text in texts:
        if (why := unfit(text, known)) is not None:
            return why
    return _wrong_rules(after.bullets, rule, taken) if way == RULES else _wrong_values(after, rule)


def unfit(text: str, known: str) -> str | None:
    """Why no text of a spec may look like this: marks that a reader of specs would take, or names of others."""
    if not text.strip() or MARKUP.search(text) or BULLET.match(text):
        return "a text is empty or begins like a heading, a list or a quotation"
    strange = sorted(set(PLACEHOLDER.findall(text)) - set(NAMES) - set(PLACEHOLDER.findall(known)))
    if strange:
        return f"{strange[0]} is no name that the spec has"
    named = next((name for name in assistants() if name not in known and re.search(rf"(?<!\w){re.escape(name)}(?!\w)",
                                                                                   text)), None)
    return None if named is None else f"it names {named}, and the spec does not"


def _wrong_values(after: After, rule: str) -> str | None:
    if len(after.reason.split()) > MOST_REASON:
        return f"the reason has {len(after.reason.split())} words, and {MOST_REASON} at most fit into the sentence"
    if after.reason and re.search(r"[.!?]\s", after.reason):
        return "the reason is more than one sentence"
    if (found := RULES_IN.search(after.paragraph)) is not None:
        return f"“{found[0]}” makes a rule of what should explain one"
    if _shared(rule, after.paragraph) or _shared(rule, after.reason):
        return "it says the rule once more in its own words"
    return None


def _wrong_rules(rules: Sequence[str], rule: str, taken: Collection[str]) -> str | None:
    if len(rules) < LEAST_RULES:
        return f"{len(rules)} sub-rule where at least {LEAST_RULES} are expected"
    if (without := next((one for one in rules if not one.startswith(NAME)), None)) is not None:
        return f"“{without[:40]}” does not begin with {NAME}"
    if (found := next(filter(None, map(WHY.search, rules)), None)) is not None:
        return f"“{found[0]}” gives a reason, and sub-rules give none"
    plain = [" ".join(words(one)) for one in (*rules, rule, *taken)]
    if len(set(plain[:len(rules)])) < len(rules) or set(plain[:len(rules)]) & set(plain[len(rules):]):
        return "a sub-rule says what another rule says already"
    return None


def _shared(rule: str, text: str) -> bool:
    """Whether a run of many of the rule's words stands in the text."""
    return bool(set(grams(words(rule), COPIED)) & set(grams(words(text), COPIED)))


def _line(text: str) -> str:
    return " ".join(text.split())
