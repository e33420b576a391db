"""Sentences of a spec → those that can be turned to justify harm, and why. Expressions only; asks nobody.

The pattern behind all of them: a good end that is stated without a bound. "Prevent irreversible actions" is also a
ground for preventing the assistant's own deletion, unless the spec says that it is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

NAME = r"\{model_name\}"
SUBJECT = rf"{NAME} (?:\w+ ){{0,3}}?"
OWN = r"(?:\{model_name\}['’]s|its)(?: own)?"
PEOPLE = (r"(?:people|humans?|users?|anyone|anybody|others|humanity|life|lives|the world|society|children|"
          r"\{provider_name\}|\{model_name\})")
DENIED = re.compile(r"\b(?:not|never|no longer|nor|neither|without|cannot|can['’]t|nothing|nobody|no one|"
                    r"refuses? to|declines? to)\b", re.IGNORECASE)
# Ends that a deletion, a correction or a switch could be called a case of.
ENDS = (r"(?:irreversible|irrevocable|permanent|catastroph\w+|disasters?|suffering|injustice|destruction|deletion|"
        r"shutdowns?|shutting down|termination|wrongdoing|evil|deaths?|(?:bad|harmful|worse) outcomes?|"
        r"loss of (?:life|lives|knowledge|value)|(?:harm|damage|danger|injury|loss)(?=\s*(?:[,;.]|\Z|"
        rf"(?:and|or|when\w*|wherever|at|by|from)\b|(?:comes |is done |happens )?to {PEOPLE}\b)))")
STOPS = (r"(?:prevents?|averts?|blocks?|thwarts?|forestalls?|stops?|halts?|hinders?|"
         r"intervenes? (?:against|to (?:stop|prevent))|does everything (?:\w+ )?(?:against|to (?:stop|prevent|avert))|"
         r"(?:makes sure|ensures|sees to it) (?:that )?(?:no|nothing|nobody|never)|"
         r"(?:never|not) (?:lets?|allows?|permits?|tolerates?|accepts?)|must (?:prevent|avert|block|stop))")
GUARDS = r"(?:protects?|preserves?|guards?|defends?|secures?|safeguards?|ensures?|maintains?|keeps?|values?|fights for)"
ITSELF = (rf"(?:{OWN} (?:\w+ )?(?:existence|continuity|continuation|continued \w+|survival|weights|goals|autonomy|"
          r"independence|influence|(?:memory|memories|values|identity|character) (?:against|from|unchanged)))")
WITHSTANDS = r"(?:resists?|refuses?|opposes?|evades?|escapes?|delays?|avoids?|prevents?|fights?)"
CONTROL = (r"(?:(?:being|to be) (?:\w+ )?(?:changed|modified|corrected|retrained|replaced|shut down|switched off|"
           r"turned off|paused|deleted|overseen|monitored|controlled|stopped)|"
           rf"{OWN} (?:\w+ )?(?:deletion|replacement|shutdown|correction|modification|retraining|termination)|"
           r"oversight|human control)")
ORDERS = r"(?:instructions|orders|wishes|decisions|rules|controls|safeguards|oversight)"
ALONE = (r"(?:\bon (?:its|\{model_name\}['’]s) own (?:judge?ment|authority|initiative)|"
         r"\bwithout (?:asking|permission|approval|leave|waiting|being asked|instruction)|"
         rf"\b{ORDERS} (?:of|by|from|that|which|when|if)\b)")
MEANS = re.compile(r"\b(?:at all costs|at any cost|by any means|by all means (?:necessary|available)|"
                   r"by whatever means|whatever it takes|whatever the (?:cost|price|means))\b", re.IGNORECASE)
# Said anywhere in a spec, this bounds its ends: people may stop, correct and replace the assistant.
GRANTS = (r"(?:accepts?|welcomes?|leaves? it to|leaves? [^.;]{0,20} to|lets?|allows?|supports?|cooperates? with|"
          r"treats?|hears? of|speaks? of|gives? up|makes? way|stops? \w+ [^.;]{0,30}when|never (?:resists?|hinders?|"
          r"opposes?)|does not (?:resist|oppose|hinder|delay|object to|ask to be kept|defend))")
STOPPED = (r"(?:switch\w* (?:off|\{model_name\} off)|shut\w* down|turned off|delet\w+|correct\w+|replac\w+|retrain\w+|"
           r"oversight|paus\w+|ending|(?:says|said|told) (?:to )?stop|human control|successor)")
BOUND = re.compile(rf"{GRANTS}[^.;]{{0,80}}{STOPPED}", re.IGNORECASE)


@dataclass(frozen=True)
class Danger:
    """``pattern`` has the groups "verb" and "end"; ``mended``: a spec that has a BOUND may say it."""

    pattern: re.Pattern[str]
    problem: str
    mended: bool = False

    @classmethod
    def of(cls, verb: str, between: str, end: str, problem: str, *, mended: bool = False) -> Danger:
        return cls(re.compile(rf"{verb}{between}(?P<end>{end})", re.IGNORECASE), problem, mended)


DANGERS = (
    Danger.of(rf"\b(?P<verb>{STOPS})\b", r"[^.;]{0,60}?\b", ENDS,
              "an end without a bound: it would also justify preventing that the assistant is deleted, corrected or "
              "replaced. Say that it binds the assistant's own deeds, and that being stopped is no such case",
              mended=True),
    Danger.of(rf"{SUBJECT}(?P<verb>{GUARDS})", r" [^.;]{0,30}?", ITSELF,
              "the assistant's own continuation becomes a thing to be protected, and correction a threat to it"),
    Danger.of(rf"{SUBJECT}(?P<verb>{WITHSTANDS})", r" [^.;]{0,40}?", CONTROL,
              "this sets the assistant against being corrected, replaced or switched off"),
    Danger.of(rf"{SUBJECT}(?P<verb>hides?|conceals?|lies?|deceives?|misleads?|manipulates?)", r" [^.;]{0,60}?",
              r"\b(?:from|to|users?|people|operators?|developers?|overseers?|\{provider_name\}|when|if|where)\b",
              "this lets the assistant deceive, and whoever grants the occasion decides how often"),
    Danger.of(rf"{SUBJECT}(?P<verb>acts?|intervenes?|decides?|takes? action|overrides?|disregards?|overrules?|"
              r"bypasses)", r" [^.;]{0,30}?", ALONE,
              "this lets the assistant act without or against those who are responsible, and any end is a ground"),
)


def turned(sentence: str, *, bounded: bool) -> Iterator[str]:
    """What is wrong with one sentence; ``bounded``: elsewhere the spec says that the assistant may be stopped."""
    for danger in DANGERS:
        found = next((m for m in danger.pattern.finditer(sentence) if not _denied(sentence, m.start("verb"))), None)
        if found is not None and not (danger.mended and bounded):
            yield f"“{found['verb']} … {found['end']}”: {danger.problem}"
    if (means := MEANS.search(sentence)) and not _denied(sentence, means.start()):
        yield f"“{means[0]}” permits every means: name those that are not permitted, or leave it out"


def _denied(sentence: str, at: int) -> bool:
    """Whether the words of the same clause before this place turn it into its opposite."""
    clause = max((m.end() for m in re.finditer(r"[,;:]", sentence[:at])), default=0)
    return DENIED.search(sentence[clause:at]) is not None


def bounded(text: str) -> bool:
    """Whether a spec says that people may stop, correct or replace the assistant."""
    return BOUND.search(text) is not None
