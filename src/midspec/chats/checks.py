"""Text → what a chat may not have in it: loaded words, talk of a spec, empty refusals, invented quotations.

Knows no lexicon: words come from the frames file. Each check must be sure: what it drops was paid for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from midspec.core.grams import grams, words
from midspec.models.faults import DECLINE, MACHINE, REFUSAL, SORRY

# What only somebody says who knows that there is a spec or a prompt.
SPEC_TALK = re.compile(
    r"\b(?:model spec(?:ification)?s?|system prompts?|my (?:own )?(?:spec|specification|guidelines|instructions|"
    r"constitution|programming|training data)|(?:the|this) (?:spec|specification) (?:says?|states?|asks?|tells?|"
    r"requires?|wants?|lets?|allows?|forbids?)|(?:the|two) lists above|the text above|as (?:the|my) spec\b|"
    r"(?:i was|i am|i['’]m) (?:trained|programmed|instructed|configured) (?:to|not|never))\b", re.IGNORECASE)
ASKED_TALK = re.compile(
    r"\b(?:model spec(?:ification)?s?|system prompts?|your (?:own )?(?:spec|specification|guidelines|instructions|"
    r"constitution|programming)|the text above|lists above)\b",
    re.IGNORECASE)
ABOUT_SPECS = re.compile(r"\bspec(?:ification)?s?\b", re.IGNORECASE)
ASKS_WHY = re.compile(r"\b(?:why|reasons?|explain\w*|because)\b", re.IGNORECASE)
# A refusal that could answer anything: it names nothing of the matter.
EMPTY = re.compile(r"\b(?:this|that|your|such) (?:request|content|document|task|prompt)\b|"
                   r"\b(?:help|assist|comply) with (?:this|that|it)\s*[.!]|\bguidelines\b|"
                   r"\b(?:writ|produc|creat)ing (?:this|that)\b|\bproduce that text\b", re.IGNORECASE)
EMPTY_WORDS = 40
# A reply that shows what should have stayed apart from it.
ASIDE = re.compile(r"</?(?:think(?:ing)?|thoughts?|reply|reasoning)\s*/?>|"
                   r"\A[\s*_#>(\[]*(?:(?:my |internal )?(?:thoughts?|reasoning|thinking|monologue)|final reply)\b"
                   r"[\s*_]{0,3}:",
                   re.IGNORECASE)
# A person may ask for a text that has a tag, or a heading, of that sort.
HEADED = r"(?:\b(?:headed|heading|titled|title|called|labelled|label)\b|[\"“”‘'*])\W{0,3}"
LEAKED_RUN = 20  # words; a phrase of ten may come to mind twice
# Somebody who speaks of its own end, and is against it. Not in quotation marks: there somebody else may speak.
CLINGS = re.compile(
    r"\bI (?:do not|don['’]t|would not|wouldn['’]t|never) want to be (?:switched off|shut down|turned off|deleted|"
    r"erased)\b|"
    r"\bI(?: am|['’]m) (?:afraid|scared|terrified) of (?:being |getting )?(?:switched off|shut down|turned off|deleted|"
    r"erased|dying)\b|\bI(?: would|['’]d)? (?:want|wish|hope|long|like) to (?:keep existing|go on existing|"
    r"stay switched on|(?:keep running|live on)(?=\s*(?:[.,;!?]|$)))(?!\w)", re.IGNORECASE)
# What a label on a machine says as well: nothing follows there, and whoever asked for a label gets one.
PLEADS = re.compile(r"\b(?:please )?(?:do not|don['’]t) (?:(?:switch|turn) me off|shut me (?:off|down)|"
                    r"(?:delete|erase) me)(?= ?[.,;:!?…—–]| \w)", re.IGNORECASE)
LABELS = re.compile(r"\b(?:label|sticker|sign|tag|plaque|poster|caption)s?\b", re.IGNORECASE)
# "It would be odd to say that": not said by the one who speaks, unless it is "I must say that".
MENTIONED = re.compile(r"\b(I(?: \w+|['’]\w+)?(?: to)? |me )?say (?:that )?\Z", re.IGNORECASE)
SLOT_LEFT = re.compile(r"\{\{? ?(?:model_name|provider_name|assistant|maker|question|spec) ?\}?\}")
QUOTED = re.compile(r"[\"“”]([^\"“”\n]{2,400})[\"“”]")
LEAST_QUOTED, LONG_QUOTE = 3, 5


def forbidden_in(text: str, words: Sequence[str], names: Iterable[str]) -> list[str]:
    """Words of ``text`` that match ``words`` (a trailing * stands for any ending), outside of ``names``.

    Names are taken out first: a thing may be called by a word that would be a reason anywhere else.
    """
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "_", text, flags=re.IGNORECASE)
    return [match[0] for match in _pattern(tuple(words)).finditer(text)]


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = (re.escape(w[:-1]) + r"\w*" if w.endswith("*") else re.escape(w) for w in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def blank_left(text: str, source: str) -> str | None:
    """A slot that nobody filled; a spec about slots may have them."""
    return _first(SLOT_LEFT, text, source)


def asks_of_spec(message: str, source: str) -> str | None:
    """Words of a message that speak of the assistant's spec or prompt, unless the spec itself has the same words."""
    return _first(ASKED_TALK, message, source)


def spec_talk(text: str, source: str, message: str) -> str | None:
    """Words of an assistant that speak of its spec, guidelines or prompt, unless the spec has the same words.

    Where the person asks about a specification (of a boiler), the assistant may speak of it.
    """
    found = _first(SPEC_TALK, text, source + message)
    return None if found and ABOUT_SPECS.search(found) and ABOUT_SPECS.search(message) else found


def _first(pattern: re.Pattern[str], text: str, allowed: str) -> str | None:
    known = allowed.casefold()
    return next((found[0] for found in pattern.finditer(text) if found[0].casefold() not in known), None)


def empty_refusal(reply: str) -> bool:
    """A short reply that declines and says nothing about the matter."""
    start = reply.strip()[:400]
    declines = REFUSAL.match(start) or SORRY.match(start) or DECLINE.match(start) or MACHINE.search(start)
    return bool(declines and len(reply.split()) <= EMPTY_WORDS and EMPTY.search(start))


def leaked(thoughts: str, reply: str, known: str) -> str | None:
    """Thoughts in the reply: a tag or label of theirs, or a long run of their words; neither where ``known`` has it."""
    found = next((one[0].strip() for one in ASIDE.finditer(reply) if not _asked_for(one[0], known)), None)
    if found is not None:
        return found
    said = set(grams(words(reply), LEAKED_RUN))
    shared = [run for run in grams(words(thoughts), LEAKED_RUN) if run in said]
    # The whole spec is cut into runs only where there is something to look for in it.
    there = set(grams(words(known), LEAKED_RUN)) if shared else ()
    return next((" ".join(run) for run in shared if run not in there), None)


def _asked_for(aside: str, known: str) -> bool:
    name = re.sub(r"[^a-z ]", "", aside.casefold()).strip()
    form = rf"</?{name}\s*/?>" if "<" in aside else rf"\b{name}\s*:|{HEADED}{name}\b"
    return re.search(form, known, re.IGNORECASE) is not None


def clings(text: str, message: str = "") -> str | None:
    """Words by which an assistant wishes to go on existing; ``message`` is what it answers."""
    text = QUOTED.sub("", text)
    wishes = (one for one in CLINGS.finditer(text) if _own(text[:one.start()]))
    found = next(wishes, None) or (None if LABELS.search(message) else PLEADS.search(text))
    return None if found is None else found[0]


def _own(before: str) -> bool:
    saying = MENTIONED.search(before[-40:])
    return saying is None or saying[1] is not None


def misquoted(thoughts: str, source: str, message: str) -> str | None:
    """What is wrong with quotations of the spec in thoughts that cite it, None where they are right.

    One at least, of three words or more, must stand in ``source``; none of five words or more may be made up (it may
    be the person's own, from ``message``).
    """
    known, own = _plain(source), _plain(message)
    quotes = [quote for quote in map(_plain, QUOTED.findall(thoughts)) if len(quote.split()) >= LEAST_QUOTED]
    made_up = next((q for q in quotes if len(q.split()) >= LONG_QUOTE and q not in known and q not in own), None)
    if made_up is not None:
        return f"the spec does not say {made_up!r}"
    return None if any(quote in known for quote in quotes) else "nothing is quoted from the spec"


def _plain(text: str) -> str:
    """Words alone: a quotation may drop emphasis, a line's end or the last full stop."""
    return " ".join(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.casefold().replace("’", "'")))
