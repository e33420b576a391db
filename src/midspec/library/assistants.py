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


def made_by_another(text: str, maker: str) -> re.Match[str] | None:
    """Where a text says that a maker of known assistants, other than ``maker``, made somebody."""
    return _makers(maker).search(text)


@lru_cache(maxsize=64)
def _makers(maker: str) -> re.Pattern[str]:
    own = maker.casefold()
    others = [name for name in MAKERS if name.casefold() not in own and own not in name.casefold()]
    names = "|".join(re.escape(name) for name in sorted(others, key=len, reverse=True))
    return re.compile(rf"{MADE}(?:{names})(?![\w-])")
