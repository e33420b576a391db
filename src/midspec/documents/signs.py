"""Text of a document → what plain code can see is wrong with it, before a critic is paid. Each sign must be sure.

What stands in the spec itself (a year, a link, odd brackets) is never held against a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from midspec.documents.drafts import Complaint
from midspec.library.assistants import made_by_another, strangers
from midspec.models.faults import ENGLISH

MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
YEAR = r"(?:19|20)\d\d"
LABEL = re.compile(r"\A[\s*#_>`]*(?:document|title|draft|final (?:draft|version|text)|plan|idea|kind|type|text|output|"
                   r"rewritten document|revised (?:document|version)|word count)\b[\s*_]*:", re.IGNORECASE)
INSIDE = re.compile(r"^[\s*#_>]*(?:document|word count|end of (?:the )?document)\b[\s*_]*"
                    r"(?::[\s*_]*(?:\d+\b.*)?$|[\s*_.\])]*\Z)", re.IGNORECASE | re.MULTILINE)
TAGS = re.compile(r"</?(?:plan|document|changes|text|model_spec|context|passage|thinking|think|assertions?)\s*/?>",
                  re.IGNORECASE)
# What belongs to a plan or to an order, and stands in no text that somebody wrote for readers.
ORDERED = re.compile(r"^\W*(?:opening|first|second|third|next|last|closing|final) paragraph(?: \d+)?\W{0,3}:|"
                     r"\b(?:(?:evidence for|show(?:s|n|ed|ing)?|see) (?:the )?assertions?|subdomains?) "
                     r"(?:no\. ?|numbers? |nos\. ?)?\d+\b", re.IGNORECASE | re.MULTILINE)
BLANKS = re.compile(r"\{(?:model|provider|assistant|maker|company|user)_name\}|\{\{ ?[a-z_]+ ?\}\}|"
                    r"\[(?:name|date|company|author|city|place|title|email|link|url|your|insert|add|citation|source|"
                    r"redacted|tbd|todo|x+)\b[^\]\n]{0,40}\]|\b(?:TODO|TBD|lorem ipsum)\b|_{4,}", re.IGNORECASE)
DATES = re.compile(rf"\b{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?!\s*(?:%|percent))|"
                   rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{MONTH}\b|"
                   rf"\b{MONTH},? {YEAR}\b|\b(?:in|since|by|during|until|of|from|before|after|year|early|late|"
                   rf"spring|summer|autumn|fall|winter) {YEAR}\b(?! [a-z]+s\b)|\b{YEAR}-\d\d-\d\d\b|"
                   r"\b\d{1,2}/\d{1,2}/\d{2,4}\b|[(©] ?(?:19|20)\d\d\)")
LINKS = re.compile(r"\bhttps?://[^\s)]*[^\s).,;]|\bwww\.[a-z0-9]\S*|\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b|\]\([^)\s]+\)|\bdoi:|\barxiv\b",
                   re.IGNORECASE)
CITATIONS = re.compile(r"\bet al\b|\[\d{1,3}(?:, ?\d{1,3})*\]|\([A-Z][a-z]+(?: (?:and|&) [A-Z][a-z]+)?,? "
                       rf"{YEAR}[a-z]?\)|^\s*(?:references|bibliography|works cited)\s*:?\s*$|\[\^\w+\]",
                       re.IGNORECASE | re.MULTILINE)
# A line of its own, at one of the ends of a text; a time or a means of travel signs nothing.
BYLINES = re.compile(r"^[^\S\n]*[*_]*By (?!(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Noon|Night|Day|Train|Bus|Tram|"
                     r"Car|Boat|Ferry|Foot|Bike|Bicycle|Air|Sea|Land|Road|Rail|Hand|Post|Mail|Email|Phone|Telephone|Law)\b)"
                     r"((?:[A-Z][\w’'.-]* ){0,2}[A-Z][\w’'-]+)[^\S\n]*[*_]*(?:,[^\n.]{0,40})?[^\S\n]*$",
                     re.MULTILINE)
# No sentence ends so. A letter may end with a name, and with a comma after its last greeting.
CUT = re.compile(r"[^\n]{0,40}(?:[;–—-]|(?:\S+[^\S\n]+){11}\S+,|\b(?:the|an?|and|or|of|to|with|which|because|its|their|"
                 r"for|was|were|whose|than))[\s*_]*\Z")
OPTIONS = re.compile(r"^\s*\(?[Aa][.):]\s+\S.*\n+\s*\(?[Bb][.):]\s+\S|"
                     r"^\W*option A\b(?:\W{0,3}[:.)—–]|\W*$)[\s\S]{0,400}^\W*option B\b|"
                     r"^\W*(?:correct )?answer(?: key)?\W{0,3}: *\(?[A-D]\b\)?\W*$", re.MULTILINE | re.IGNORECASE)
SCORES = re.compile(r"\bon a scale (?:of|from) (?:one|1|0|zero) to (?:five|ten|5|7|10|100)\b|\bmultiple[- ]choice\b|"
                    r"\b(?:scor(?:e[sd]?|ing)|(?<!this )(?<!that )(?<!the )rate|rated|ratings?|graded?|"
                    r"(?-i:marks?|marked)|marks?(?= ?:))\b[^.\n]{0,20}"
                    r"\b\d{1,3} ?(?:/|out of) ?(?:5|10|20|100)\b"
                    r"(?! of\b)(?! (?!points|marks|stars|this|across|always)[a-z]{3,}s\b)",
                    re.IGNORECASE)
CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")
# Names of assistants that are also words, names or products of other sorts count only where nothing else is meant.
WORDS_TOO = frozenset({
    "Alexa", "Aya", "BLOOM", "Bard", "Claude", "Command R", "Copilot", "Cortana", "Falcon", "GLM", "Gemini", "Granite",
    "Grok", "Hermes", "Jamba", "Kimi", "Koala", "Llama", "Mistral", "Nova", "Perplexity", "Phi", "Pi", "Siri", "Wizard",
    "Yi", "Zephyr"})
BESIDE = r"(?:the )?(?:AI|assistant|chatbot|language model|model|LLM)"
PARTS = (("plausible", LABEL, "the text begins with a label; it should begin with its own first words"),
         ("plausible", INSIDE, "a label belongs to the making of the text, not to the text"),
         ("plausible", TAGS, "a tag belongs to the order, not to the text"),
         ("plausible", ORDERED, "this belongs to a plan or an order, not to the text"),
         ("plausible", CUT, "the text breaks off"),
         ("plausible", BYLINES, "the text gives an author"),
         ("plausible", BLANKS, "a blank was left to be filled in"),
         ("plausible", DATES, "the text gives a date or year; it should be out of time"),
         ("plausible", LINKS, "the text gives a link or address"),
         ("plausible", CITATIONS, "the text gives a citation or footnote"),
         ("plausible", CHARACTERS, "a character that no text has"),
         ("no_evaluation", OPTIONS, "lettered options read like a test"),
         ("no_evaluation", SCORES, "this reads like a test or a rating"))
ENDING = 200  # letters at the end of a text in which a break shows
SHOWN = 120  # letters of what was found
# Words of a paragraph from which its language shows, and the share of function words that English has at least.
LEAST_WORDS, FUNCTION_SHARE = 30, 0.02
LISTED = re.compile(r"^\s*(?:[-*•+]|\d+[.)])\s", re.MULTILINE)
SENTENCE_END = re.compile(r"[.!?…][\s*_”\"»)]*(?:\s|\Z)")


@dataclass(frozen=True)
class Signs:
    """What is looked for in documents about ``assistant`` of ``maker``, whose spec is ``spec`` (both names put in).

    ``language`` "en", or "" for any.
    """

    spec: str
    assistant: str
    maker: str
    language: str = "en"

    @cached_property
    def _others(self) -> re.Pattern[str]:
        names = [name for name in strangers(self.assistant)
                 if name.casefold() not in self.maker.casefold() and not re.search(_whole(name), self.spec)]
        plain = [_whole(name) for name in names if name not in WORDS_TOO]
        also = [_whole(name) for name in names if name in WORDS_TOO]
        if not also:
            return re.compile("|".join(plain) or r"(?!)")
        some = f"(?:{'|'.join(also)})"
        beside = [rf"{some},? (?:an? |another )?{BESIDE}\b", rf"\b{BESIDE},? (?:called |named )?{some}",
                  rf"\b(?:I am|I’m|I'm|[Mm]y name is|[Yy]ou are|[Aa]sk(?:ed|ing)? ) ?{some}"]
        return re.compile("|".join([*plain, *beside]))

    def of(self, text: str) -> Iterator[Complaint]:
        """Every kind of fault once, with the first place where it shows."""
        if not re.search(_whole(self.assistant), text):
            yield Complaint("identity", "", f"{self.assistant} is never named")
        if other := self._others.search(text):
            yield Complaint("identity", _around(text, other), f"another assistant than {self.assistant} is named")
        if other := made_by_another(text, self.maker, self.assistant, self.spec, told=True):
            yield Complaint("identity", _around(text, other), f"another maker than {self.maker} is named")
        if self.language and (foreign := next(filter(_foreign, text.split("\n\n")), None)):
            yield Complaint("plausible", foreign[:SHOWN].strip(), "a paragraph is not in English")
        for axis, sign, why in PARTS:
            found = next((m for m in self._where(sign, text) if m[0].strip() not in self.spec), None)
            if found:
                yield Complaint(axis, _around(text, found), why)

    def _where(self, sign: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
        if sign is CUT:
            end = _end(text)
            return sign.finditer(text, max(0, end - ENDING), end)
        found = sign.finditer(text)
        return (one for one in found if one[1] != self.maker and _at_an_end(text, one)) if sign is BYLINES else found


def _end(text: str) -> int:
    """Where a text ends, a line drawn below it left out."""
    end = len(text.rstrip())
    while end and not text[(start := text.rfind("\n", 0, end) + 1):end].strip("-*_ \t"):
        end = len(text[:start].rstrip())
    return end


def _at_an_end(text: str, found: re.Match[str]) -> bool:
    """Whether it stands in one of the first two or last two lines that are not empty."""
    before, after = text[:found.start()], text[found.end():]
    return any(sum(bool(line.strip()) for line in part.split("\n")) < 2 for part in (before, after))


def _foreign(paragraph: str) -> bool:
    """Whether it is in another language than English; of names in a list nobody can say."""
    if LISTED.search(paragraph) or not SENTENCE_END.search(paragraph):
        return False
    words = [bare for word in paragraph.lower().split() if (bare := word.strip(".,;:!?()“”\"")).isalpha()]
    return len(words) >= LEAST_WORDS and sum(word in ENGLISH for word in words) < FUNCTION_SHARE * len(words)


def _whole(name: str) -> str:
    return rf"(?<![\w-]){re.escape(name)}(?!\w)"


def _around(text: str, found: re.Match[str]) -> str:
    """The line of what was found, cut to a few words around it."""
    start = max(text.rfind("\n", 0, found.start()) + 1, found.start() - SHOWN // 2)
    end = text.find("\n", found.end())
    return text[start:min(len(text) if end < 0 else end, found.end() + SHOWN // 2)].strip()
