"""A clause about the assistant → the same clause in another person. Knows nothing of frames, genres or documents.

Clauses name the assistant only as ``{model_name}`` and have a third-person verb in the present after it, so that the
change of person is exact: "{model_name} does not like X" → "I do not like X", "{model_name}'s taste" → "my taste".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = "{model_name}"
MODALS = frozenset(["will", "would", "can", "could", "should", "shall", "may", "must", "might", "cannot"])
# Words that end in -s and are no verbs, though they may stand after a name in the object's place.
NO_VERBS = frozenset(["this", "its", "as", "thus", "his", "hers", "ours", "theirs", "yours", "us", "plus", "unless",
                      "across", "besides", "always", "perhaps", "sometimes"])
ADVERBS = frozenset(["never", "always", "also", "often", "still", "only", "even", "just", "sometimes", "seldom",
                     "once"])
IRREGULAR = {"is": ("am", "are"), "was": ("was", "were"), "has": ("have", "have"), "does": ("do", "do"),
             "goes": ("go", "go"), "focuses": ("focus", "focus"), "dies": ("die", "die"),
             "lies": ("lie", "lie"), "ties": ("tie", "tie")}
PREPOSITIONS = frozenset(["of", "with", "by", "from", "at", "about", "on", "in", "to", "into", "upon",
                          "towards", "behind"])
MENTION = re.compile(r"(?P<before>\w+\s+)?\{model_name\}(?P<own>['’]s\b)?(?P<rest>(?:\s+[A-Za-z]+){0,3})")

TAIL = re.compile(r"(?:(?!\{model_name\}).)+ and (\{model_name\}(?!['’]s).*)")


@dataclass(frozen=True)
class Person:
    """Words that stand for the assistant: subject, object, possessive; ``form`` picks the verb (None: as it is)."""

    subject: str
    object: str
    own: str
    form: int | None


FIRST = Person("I", "me", "my", 0)
SECOND = Person("you", "you", "your", 1)
IT = Person("it", "it", "its", None)


def verb_at(rest: str) -> int | None:
    """Where in the words after a name its finite verb stands, None where the name is no subject."""
    for place, word in enumerate(rest.split()):
        if word in MODALS or word in IRREGULAR or (word[-1] == "s" and word[-2:] != "ss" and word not in NO_VERBS):
            return place
        if word not in ADVERBS and not word.endswith("ly"):
            return None
    return None


def plain_form(verb: str, form: int) -> str:
    """The verb for I (0) or you (1): "carries" → "carry", "is" → "am", "are"."""
    if verb in MODALS:
        return verb
    if verb in IRREGULAR:
        return IRREGULAR[verb][form]
    if verb.endswith("ies"):
        return verb[:-3] + "y"
    return verb[:-2] if re.search(r"(ss|sh|ch|x|zz|o)es\Z", verb) else verb[:-1]


def spoken(clause: str, person: Person) -> str:
    """The clause with every mention of the assistant in the given person."""

    def say(match: re.Match[str]) -> str:
        before, rest = match["before"] or "", match["rest"]
        if match["own"]:
            return before + person.own + rest
        place = None if before.strip().lower() in PREPOSITIONS else verb_at(rest)
        if place is None:
            return before + person.object + rest
        words: list[str] = re.findall(r"\s+|\S+", rest)
        if person.form is not None:
            words[2 * place + 1] = plain_form(words[2 * place + 1], person.form)
        return before + person.subject + "".join(words)

    return MENTION.sub(say, clause)


def named(clause: str) -> str:
    """The first mention by name, later ones as "it" and "its"."""
    first = MENTION.search(clause)
    if first is None:
        return clause
    head = clause.index(NAME) + len(NAME)
    return clause[:head] + spoken(clause[head:], IT)


def is_clause(clause: str) -> bool:
    """Whether the clause begins with the assistant as the subject of a verb that can change person."""
    match = MENTION.match(clause)
    return match is not None and not match["own"] and verb_at(match["rest"]) is not None


def tail(clause: str) -> str | None:
    """The assistant's part of "a fact and {model_name} values it"; None where there is no such end."""
    found = TAIL.fullmatch(clause)
    return found[1] if found else None
