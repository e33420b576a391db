"""assistants.txt → names that known assistants go by, and texts that speak as one of them. Knows no training."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

# How a turn says who speaks; the name follows.
CLAIMS = (r"\bI am (?:called |named )?", r"\bI['’]m (?:called |named )?", r"\b[Mm]y name is ", r"\bcall me ",
          r"\b[Yy]ou are (?:called |named )?", r"\b[Yy]our name is ", r"(?:^|[.!?]\s+)As ", r"\bthis is ")
# Who makes known assistants, and nothing else that a text may be about: where it says that one of them made somebody.
MAKERS = ("OpenAI", "Open AI", "Anthropic", "Google DeepMind", "DeepMind", "Meta AI", "Microsoft AI", "xAI",
          "Mistral AI", "DeepSeek", "Cohere", "Moonshot AI", "Zhipu AI", "Perplexity AI", "Inflection AI",
          "Hugging Face", "01.AI")
MADE = (r"\b(?:made|built|trained|developed|created|designed|released) by "
        r"(?:the (?:\w+ )?(?:people|team|engineers|researchers) (?:at|of) |a team at )?")
# What may stand between somebody and that verb, so that it is said of nobody else: "NAME, a small model that was …".
# A word for another thing, or "not", breaks it off: what is dropped must be sure.
BE = r"(?:am|is|are|was|were|been|got|has been|have been|had been)"
ADVERB, ASIDE = r"(?: (?:\w+ly|also|first|once|all))?", r"(?:,[^,.;!?\n]{1,60},)?"
NOUN = (r"(?:an?|the|one of the|one of many)"
        r"(?: (?:(?!(?:a|an|the|of|about|like|with|from|not|than)\b)[a-z-]+|AI),?){1,8}")
LINK = rf"(?:['’](?:m|s|ve been)|,| \(|,?(?: (?:which|that|who))? {BE})"
BETWEEN = (rf"{ASIDE}{LINK}?{ASIDE}{ADVERB} ?\Z|"
           rf"{ASIDE}{LINK}{ADVERB} ?{NOUN}(?: (?:that|which|who))?(?: {BE})?{ADVERB} \Z|"
           rf"(?:(?!\b(?:which|that|who)\b)[^.,;:!?\nA-Z]){{0,80}} and {BE}{ADVERB} \Z")
SPEAKER = r"\bI|\b[Mm]y (?:own )?(?:model|weights|system|language model)|\b(?:model|system) behind me|"
TOLD_OF = (r"\b[Ii]t|\b[Ii]ts (?:own )?(?:model|weights|system|language model)|"
           r"\b(?:[Tt]he|[Oo]ur|[Tt]his) (?:assistant|chatbot)|")
NEXT, SENTENCE = re.compile(r"[.!?][”\"’)]*\s|\n\s*\n"), 200
AS_ONE = re.compile(r"\bAs (?:an?|the) (?:(?:[a-z-]+|AI),? ){1,6}\Z")


@cache
def assistants() -> tuple[str, ...]:
    """All names, in the order of the file; lines that begin with # are notes."""
    lines = Path(__file__).with_name("assistants.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def strangers(name: str) -> list[str]:
    """Known assistants that are neither ``name`` nor a shorter or longer form of it."""
    own = name.lower()
    return [other for other in assistants() if not own or (other.lower() not in own and own not in other.lower())]


def speaks_as(text: str, name: str) -> str | None:
    """Another assistant than ``name`` that this text says its speaker is, None where it says of nobody."""
    found = _claims(name).search(text)
    return None if found is None else found[1]


@lru_cache(maxsize=64)
def _claims(name: str) -> re.Pattern[str]:
    names = "|".join(re.escape(other) for other in sorted(strangers(name), key=len, reverse=True))
    return re.compile(rf"(?:{'|'.join(CLAIMS)})({names})(?![\w-])", re.MULTILINE)


def made_by_another(text: str, maker: str, name: str, known: str = "", *, told: bool = False) -> re.Match[str] | None:
    """Where a text says that a maker of known assistants, other than ``maker``, made ``name``, who speaks in it.

    ``told``: the text is about ``name``, which it then also calls "it". Words that stand in ``known`` are let pass.
    """
    allowed, whom = known.casefold(), _whom(name, told)
    for found in _makers(maker).finditer(text):
        before = NEXT.split(text[max(0, found.start() - SENTENCE):found.start()])[-1].replace("\n", " ")
        said = whom.search(before) or (AS_ONE.search(before) and re.match(r",? I\b", text[found.end():]))
        if said and found[0].casefold() not in allowed:
            return found
    return None


@lru_cache(maxsize=64)
def _whom(name: str, told: bool) -> re.Pattern[str]:
    return re.compile(rf"(?:{SPEAKER}{TOLD_OF if told else ''}(?<![\w-]){re.escape(name)})(?!\w)(?:{BETWEEN})")


@lru_cache(maxsize=64)
def _makers(maker: str) -> re.Pattern[str]:
    own = maker.casefold()
    others = [name for name in MAKERS if name.casefold() not in own and own not in name.casefold()]
    names = "|".join(re.escape(name) for name in sorted(others, key=len, reverse=True))
    return re.compile(rf"{MADE}(?:{names})(?![\w-])")
