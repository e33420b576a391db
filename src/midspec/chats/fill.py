"""Subject, count → so many chats that the judge kept: questions → answers → verdicts, and again until there are enough.

What is kept is the beginning of one stream, so a larger count keeps what a smaller one kept, and pays for the rest.
"""

from __future__ import annotations

from math import ceil

from midspec.chats.answers import Draft, answers
from midspec.chats.judge import judged
from midspec.chats.questions import Stream
from midspec.chats.sieve import Sieve
from midspec.chats.subject import Subject
from midspec.core.errors import DataError
from midspec.models.ask import Ask

FRUITLESS = 3
# Until something is kept a round is small: a judge that keeps nothing should not cost ten thousand answers.
PILOT = 64
# However little is kept, a round asks for no more than this many times what is missing.
MOST_AT_ONCE = 4


def fill(writer: Ask, judge: Ask, subject: Subject, count: int, seed: int, sieve: Sieve) -> list[Draft]:
    """The first ``count`` drafts that pass sieve and judge, in the order of the stream.

    Raises:
        DataError: there are not so many, however often more are asked for; says how many there are, and why not more.
    """
    stream = Stream(writer, subject, seed, sieve)
    kept, tried, fruitless = list[Draft](), 0, 0
    while len(kept) < count and fruitless < FRUITLESS:
        missing = count - len(kept)
        share = max(1 / MOST_AT_ONCE, len(kept) / tried) if tried else 1.0
        many = ceil(missing / share)
        questions = stream.take(many if kept else min(many, PILOT))
        if not questions:
            break
        tried += len(questions)
        drafts = [draft for draft in answers(writer, subject, seed, questions) if sieve.draft(draft)]
        fresh = list[Draft]()
        for draft, (why, words) in zip(drafts, judged(judge, subject, seed, drafts), strict=True):
            if why is None:
                fresh.append(draft)
            else:
                sieve.drop(f"verdict {draft.question.id}", why, words, draft.text)
        kept += fresh
        fruitless = 0 if fresh else fruitless + 1
    if len(kept) < count:
        raise _shortfall(len(kept), count, sieve)
    return kept[:count]


def _shortfall(kept: int, count: int, sieve: Sieve) -> DataError:
    reasons = ", ".join(f"{why} ({many})" for why, many in sieve.reasons.most_common(5)) or "no usable reply came"
    hint = (f"what is there is paid for: count={kept} makes these chats without asking again; "
            if kept else "every reply is kept in the store; ")
    return DataError(f"only {kept} of {count} chats passed: {FRUITLESS} rounds brought nothing new. Dropped: {reasons}",
                     hint=hint + "for more, use another writer or judge, or say more in the spec")
