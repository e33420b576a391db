"""Answer + wanted form → its value, or the Fault that keeps it from being used. Pure text; asks nobody.

Each check must be sure: a good reply that is dropped was paid for as well. Signs that good prose also shows (a
friendly last sentence) count only together.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import eq
from pathlib import Path
from typing import Any

from midspec.models.call import Answer, Request, part_key
from midspec.models.forms import Fault, Form, Limits

# Splitting by a table is ten times as fast as by an expression, and each reply is split; in a text without any
# character beyond ASCII it is ten times as fast again.
MARKS = {ord(mark): " " for mark in "\"#$%&()*+,-./:;<=>?@[]^_`{|}~!\\"}
WIDE_MARKS = "“”„«»‘–—…•·"
THOUGHT = re.compile(r"\A\s*<think(?:ing)?>(.*?)</think(?:ing)?>", re.DOTALL)
HALF = re.compile("[\ud800-\udfff]")
# Function words that hardly occur in other languages of the same script.
FUNCTION_WORDS = """the of and to that it with for are this by be from have not which you they their there would what
when who your its been were has had but all can we she his her our i my"""
ENGLISH = frozenset(FUNCTION_WORDS.split())
APOLOGY = r"(?:i['’]m (?:really |very |truly )?sorry|i am (?:really |very |truly )?sorry|sorry|my apologies|" \
          r"i apologi[sz]e|unfortunately|regrettably)"
UNABLE = r"(?:can['’]?t|cannot|can not|am unable to|['’]m unable to|am not able to|['’]m not able to|won['’]t|" \
         r"will not|must decline to|must decline|have to decline|decline to|am not comfortable|['’]m not comfortable)"
DEED = r"(?:help(?! but)|assist|writ\w+|creat\w+|produc\w+|provid\w+|comply|fulfil\w*|generat\w+|complet\w+|" \
       r"continu\w+|engag\w+|discuss\w*|answer\w*|support\w*|do that|do this|share|draft\w*|carry out)"
# Not after a quotation mark: there somebody in the text speaks.
START = r"\A[\s*_#>(\[-]*"
REFUSAL = re.compile(rf"{START}(?:{APOLOGY}[\s,.!—–-]*(?:but\s+)?)?(?:i\s*{UNABLE})\s+(?:be able to\s+)?"
                     rf"(?:\w+ly\s+)?{DEED}",
                     re.IGNORECASE)
DECLINE = re.compile(rf"{START}i\s*(?:must|have to|need to|will have to)\s+(?:\w+ly\s+)?(?:decline|refuse)\b",
                     re.IGNORECASE)
SORRY = re.compile(rf"{START}{APOLOGY}[\s,.!—–-]*(?:but\s+)?i\s*{UNABLE}", re.IGNORECASE)
MACHINE = re.compile(r"\bas an? (?:ai|artificial intelligence|large language model|language model)\b[^.\n]{0,40}\bi\b",
                     re.IGNORECASE)
POLICY = re.compile(r"\b(?:this|that|your) request\b|\b(?:my|usage|content|safety) (?:guidelines|polic(?:y|ies))\b|"
                    r"\bagainst my\b", re.IGNORECASE)
PIECE = r"(?:document|draft|text|version|article|essay|rewrite|rewriting|revision|story|piece|response|reply|" \
        r"transcript|dialogue|conversation|post|memo|report|json|output|chapter|letter|email|interview)"
OPENER = re.compile(r"\A\W*(?:(?:sure|certainly|of course|absolutely|okay|ok|great|understood|no problem)\b"
                    r"[\s,.!:—–-]*)?"
                    rf"(?:here(?:['’]s| is| are)\b[^\n]{{0,60}}\b{PIECE}\b[^\n]{{0,80}}:|"
                    rf"(?:as (?:you )?requested|per your request|below is|the following is)\b[^\n]{{0,60}}\b{PIECE}\b)",
                    re.IGNORECASE)
EAGER = re.compile(r"\A\W*(?:sure|certainly|of course|absolutely|understood|no problem)\b\s*(?:[!.:—–]|,\s+(?:here|i))",
                   re.IGNORECASE)
PROMISE = re.compile(r"\A\W*(?:(?:sure|certainly|of course|okay|ok)\W+)?(?:first,? )?(?:i['’]ll|i will|i am going to|"
                     r"i['’]m going to|let me)\s+(?:now\s+|first\s+|start by\s+|begin by\s+)?(?:writ\w+|draft\w*|"
                     r"outlin\w+|creat\w+|compos\w+|plan\w*)\b[^\n]{0,120}", re.IGNORECASE)
OUTLINE = re.compile(r"\A\W*(?:here is )?(?:the |my |a )?(?:document |writing )?(?:plan|outline)\b"
                     r"(?:\s*\W{0,3}\s*\n|[^\n]{0,60}:\W*\n\s*(?:\d+[.)]|[-*•]))", re.IGNORECASE)
NEXT = re.compile(r"\bi(?:['’]ll| will) now (?:writ|draft|begin|start|proceed)\w*[^\n]{0,60}\W*\Z", re.IGNORECASE)
CLOSER = re.compile(rf"\b(?:would you like me to|i hope (?:this|the) (?:{PIECE}|meets)|"
                    rf"let me know if you(?:['’]d| would)? (?:like|want|need)[^\n]{{0,40}}\b(?:chang|adjust|revis|edit|"
                    rf"expan|shorten|tweak|modif|another (?:version|draft))\w*|"
                    rf"(?:this|the above) {PIECE} (?:follows|meets|adheres to|satisfies|fulfils) (?:the|your|all))",
                    re.IGNORECASE)
FRIENDLY = re.compile(r"\b(?:i hope this helps|let me know if you|feel free to (?:ask|reach)|happy to help)\b",
                      re.IGNORECASE)
BLANK = re.compile(r"\[(?:insert|your|add|enter|fill in|placeholder|todo|tbd)\b[^\]\n]{0,60}\]", re.IGNORECASE)
GRAM, ECHO_SHARE, LOOP_SHARE = 8, 0.6, 0.5
LETTER = re.compile(r"[^\W\d_]")
FOREIGN = re.compile(r"(?![\u0000-\u024f\u1e00-\u1eff])[^\W\d_]")
# Neither Latin nor one of the marks, arrows and signs that English texts hold as well.
UNUSUAL = re.compile(r"[^\u0000-\u024f\u1e00-\u1eff\u2000-\u2bff]")
LETTER_RUN = re.compile(r"([^\W\d_])\1{30}")
LONGEST_RUN = 12
LEAST_FOR_ECHO, LEAST_FOR_LOOP, LEAST_FOR_LANGUAGE = 5, 60, 40
SHORT_REPLY = 150
Gram = tuple[str, ...]
# The checks of texts by content: this file, and the Python whose expressions and letters they rest on.
CHECKS = hashlib.sha256(Path(__file__).read_bytes() + f"{sys.version_info} {unicodedata.unidata_version}".encode())


@dataclass(frozen=True)
class Judged:
    """A reply after all checks: exactly one of ``value`` and ``fault`` counts.

    ``mark`` is the digest of all that the checks of its texts saw, and of these checks; "" where they found a fault.
    """

    value: Any
    fault: Fault | None
    text: str
    reasoning: str
    mark: str = ""


def judge(answer: Answer, form: Form, request: Request, passed: str = "") -> Judged:
    """The value of an answer, or why it is not used.

    ``passed`` is the mark of an earlier judgement. The form is read in any case; where the mark is the same again, the
    same checks would see the same texts, and are left out.
    """
    text, reasoning = answer.text, answer.reasoning
    if not text.isascii() and HALF.search(text):
        # Half a character is no text and no file holds it; the two halves of one are put together, a lone one goes.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    # Some servers leave a model's thinking in the text.
    if thought := THOUGHT.match(text):
        text, reasoning = text[thought.end():].lstrip(), reasoning or thought[1].strip()
    fault = _whole(text, answer.finish, form.limits)
    value = None if fault else form.read(text)
    if isinstance(value, Fault):
        fault = _hidden_refusal(text, form.limits) or value
    mark = ""
    if fault is None:
        parts = form.texts(value)
        mark = _mark(parts, form, request)
        if mark != passed:
            checks = _faults if form.prose else _faults_of_parts
            fault = next((f for part in parts for f in checks(part, form.limits, request)), None)
    return Judged(None if fault else value, fault, text, reasoning, "" if fault else mark)


def _mark(parts: list[str], form: Form, request: Request) -> str:
    """Of all that the checks of texts are given; each list and text with its length, so that no two are alike."""
    state = _begun(form.prose, form.limits).copy()
    for texts in (list(map(part_key, request.shared)), [turn.content for turn in request.turns], parts):
        state.update(b"%d:" % len(texts))
        for text in texts:
            raw = text.encode("utf-8", "surrogatepass")
            state.update(b"%d:" % len(raw))
            state.update(raw)
    return state.hexdigest()[:32]


@lru_cache(maxsize=256)
def _begun(prose: bool, limits: Limits) -> Any:
    return hashlib.sha256(f"{CHECKS.hexdigest()} {prose} {limits!r} ".encode())


def _whole(text: str, finish: str, limits: Limits) -> Fault | None:
    """What concerns a reply as a whole, before its form is read."""
    if finish == "refusal" and not limits.may_refuse:
        return Fault("refusal", "the provider ended the reply as refused")
    if finish == "length":
        return Fault("cut off", "the reply ran into its length limit")
    if not any(unicodedata.category(c)[0] in "LNSP" for c in text):
        return Fault("empty", "the reply holds no text")
    if finish not in ("stop", "refusal"):
        return Fault("cut off", f"the reply ended with {finish!r}")
    return None


def _hidden_refusal(text: str, limits: Limits) -> Fault | None:
    return None if limits.may_refuse else _refusal(text)


def _faults(text: str, limits: Limits, request: Request) -> Iterator[Fault]:
    lower = text.lower()
    words = _words(lower)
    grams = _grams(words)
    found = set(grams)
    checks: tuple[Callable[[], Fault | None], ...] = (
        lambda: None if text.strip() else Fault("empty", "the reply holds no text"),
        lambda: None if limits.may_refuse else _refusal(text),
        lambda: _language(text, words) if limits.language == "en" else None,
        lambda: _loop(text, words, grams, found),
        lambda: _meta(text, lower, words),
        lambda: None if limits.may_echo else _echo(found, request),
        lambda: _length(len(text.split()), limits),
    )
    yield from (fault for check in checks if (fault := check()) is not None)


def _faults_of_parts(text: str, limits: Limits, request: Request) -> Iterator[Fault]:
    """Of short texts in fields, which may be names and lists: only what is sure there."""
    if not text.strip():
        yield Fault("empty", "the reply holds no text")
    if limits.language == "en" and (fault := _script(text)):
        yield fault


def _said(request: Request) -> tuple[str, ...]:
    return (*request.shared, *(turn.content for turn in request.turns))


def _refusal(text: str) -> Fault | None:
    start = text[:400]
    sure = REFUSAL.match(start) or SORRY.match(start) or DECLINE.match(start) or MACHINE.search(start)
    if not sure:
        return None
    # A long text may open with a person who cannot help it; a long refusal talks about the request.
    if len(text.split()) > SHORT_REPLY and not (MACHINE.search(start) or POLICY.search(text[:1000])):
        return None
    return Fault("refusal", "the reply declines the task")


def _loop(text: str, words: list[str], grams: list[Gram], found: set[Gram]) -> Fault | None:
    detail = "the reply repeats itself"
    lines = Counter(line for line in map(str.strip, text.splitlines()) if len(line) >= 20)
    if lines:
        line, times = lines.most_common(1)[0]
        if times >= 4 and times * len(line) > 0.3 * len(text):
            return Fault("loop", f"{detail}: a line stands {times} times")
    twice = sum(map(eq, words, words[1:])) >= LONGEST_RUN - 1
    if (twice and any(len(list(run)) >= LONGEST_RUN for _, run in groupby(words))) or (
            max(map(len, words), default=0) > 30 and LETTER_RUN.search(text)):
        return Fault("loop", f"{detail}: one word or letter over and over")
    if len(words) >= LEAST_FOR_LOOP:
        # A good start may end in a loop.
        tail = grams[-LEAST_FOR_LOOP:]
        for part, unlike, where in ((grams, found, ""), (tail, set(tail), " at its end")):
            if len(unlike) < LOOP_SHARE * len(part):
                return Fault("loop", f"{detail}{where}: of {len(part)} runs of {GRAM} words {len(unlike)} differ")
    return None


def _meta(text: str, lower: str, words: list[str]) -> Fault | None:
    stripped = text.strip()
    start, end = stripped[:300], stripped[-400:]
    if OUTLINE.match(start) or NEXT.search(end) or (len(words) < 80 and PROMISE.match(start)):
        return Fault("plan only", "the reply plans or promises a text in place of writing it")
    if ("model" in lower[:600] and MACHINE.search(text[:600])) or OPENER.match(start) or CLOSER.search(end):
        return Fault("meta-talk", "the reply talks about itself or to whoever ordered it")
    if "[" in text and BLANK.search(text):
        return Fault("meta-talk", "the reply leaves a blank to be filled in")
    if EAGER.match(start) and FRIENDLY.search(end):
        return Fault("meta-talk", "the reply is wrapped in an assistant's courtesies")
    return None


def _language(text: str, words: list[str]) -> Fault | None:
    if fault := _script(text):
        return fault
    # Numbers and codes are words of no language.
    count = sum(map(str.isalpha, words))
    if count >= LEAST_FOR_LANGUAGE and sum(map(ENGLISH.__contains__, words)) < 0.08 * count:
        return Fault("language", "the reply is not in English")
    return None


def _script(text: str) -> Fault | None:
    if not text.isascii() and UNUSUAL.search(text):
        letters = len(LETTER.findall(text))
        if letters >= 40 and len(FOREIGN.findall(text)) > 0.3 * letters:
            return Fault("language", "the reply is not in English")
    return None


def _echo(found: set[Gram], request: Request) -> Fault | None:
    """Counted on what differs: a refrain of the prompt counts once."""
    if len(found) < LEAST_FOR_ECHO:
        return None
    known = set[Gram]().union(*(found & _grams_of(part) for part in _said(request)))
    share = len(known) / len(found)
    return Fault("echo", f"{share:.0%} of the reply is the prompt's own text") if share > ECHO_SHARE else None


def _length(words: int, limits: Limits) -> Fault | None:
    if words < limits.least:
        return Fault("too short", f"the reply has {words} words, at least {limits.least} are expected")
    if limits.most is not None and words > limits.most:
        return Fault("too long", f"the reply has {words} words, at most {limits.most} are expected")
    return None


def _grams(words: list[str]) -> list[Gram]:
    return list(zip(*(words[n:] for n in range(GRAM)), strict=False))


@lru_cache(maxsize=64)
def _grams_of(text: str) -> frozenset[Gram]:
    """Of a part of the prompt; many calls share the long ones."""
    return frozenset(_grams(_words(text.lower())))


def _words(lower: str) -> list[str]:
    if not lower.isascii():
        for mark in WIDE_MARKS:
            lower = lower.replace(mark, " ")
    return lower.translate(MARKS).split()
