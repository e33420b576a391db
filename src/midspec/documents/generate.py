"""Spec → tree → rounds of documents, until so many tokens are kept, spread evenly over subdomains and kinds.

Every call depends on seed and place in the tree, never on how much is wanted: a corpus that grows pays for what is new.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from midspec.core.document import Corpus, Document
from midspec.core.errors import ReplyError
from midspec.core.job import Job
from midspec.documents.assertions import asserted
from midspec.documents.brief import Brief
from midspec.documents.deal import Cell, Deal
from midspec.documents.domains import domains, subdomains
from midspec.documents.drafts import Draft, drafts
from midspec.documents.gate import Checks, Known, gated
from midspec.documents.ideas import stocked
from midspec.documents.kinds import kinds
from midspec.documents.tree import Subdomain, Tree
from midspec.models.ask import Ask

# Measured with ``tokens.estimate`` on English prose of the kind that is asked for.
TOKENS_A_WORD = 1.25
# The first round is a little short, since nobody knows yet how long this writer's documents are.
CAUTION = 1.1
FRUITLESS = 3  # rounds in a row without a document
MORE = 1.02  # as many tokens as are wanted, or so much more, are right
SPARE = "spare: enough tokens were kept without it"


@dataclass
class Grown:
    """The corpus in the making. ``kept`` and ``dropped`` in the order in which they were settled."""

    subdomains: list[Subdomain]
    deal: Deal
    kept: list[Draft] = field(default_factory=list[Draft])
    dropped: list[Draft] = field(default_factory=list[Draft])
    rounds: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])

    def even(self) -> list[Draft]:
        """What may be used: one document of every cell before the second of any."""
        by_cell = dict[Cell, list[Draft]]()
        for one in self.kept:
            by_cell.setdefault(one.cell, []).append(one)
        return [by_cell[cell][turn] for turn, cell in self.deal.filled()]


def grow(job: Job, brief: Brief, writer: Ask, critic: Ask, tree: Tree, checks: Checks, *, tokens: int,
         shows: float) -> Grown:
    """Documents until ``tokens`` are kept, at most 2 % or a document more.

    Raises:
        ReplyError: the models gave no tree, or three rounds in a row brought no document; says what is short, and
            where that lies which there is.
    """
    counts = Counter[str]()
    grown = _rooted(brief, writer, tree, shows, counts)
    known = Known(checks)
    kept, fruitless = 0, 0
    while (even := _tokens(grown.even())) < tokens:
        mean = kept / len(grown.kept) if grown.kept else tree.words * TOKENS_A_WORD * CAUTION
        chosen = grown.deal.next(math.ceil((tokens - kept) / mean))
        if not chosen or fruitless >= FRUITLESS:
            raise _short(job, grown, even, tokens)
        ideas = stocked(writer, brief, tree, chosen, counts)
        made = gated(drafts(writer, brief, tree, ideas), writer, critic, brief, tree, known, counts)
        passed = [one for one in made if not one.reason]
        grown.kept += passed
        grown.dropped += [one for one in made if one.reason]
        grown.rounds += 1
        brought = Counter(one.cell for one in passed)
        for cell in dict.fromkeys(chosen):
            cell.end_round(brought[cell])
        fruitless = 0 if passed else fruitless + 1
        kept += _tokens(passed)
        job.say(f"round {grown.rounds}: {len(passed)} of {len(made)} documents kept, {kept:,} of {tokens:,} tokens")
    _trim(grown, tokens)
    return grown


def corpus_of(grown: Grown, writer: str, critic: str) -> Corpus:
    """As rows: what was kept in order, what was dropped with its reason."""
    def document(one: Draft) -> Document:
        cell = one.cell
        return Document(one.id, one.text, {
            "domain": cell.subdomain.domain, "subdomain": cell.subdomain.name, "type": cell.kind.name,
            "showing": cell.kind.shows, "idea": one.idea.title, "assertions": list(one.shown), "writer": writer,
            "critic": critic, "rewritten": one.rewritten, "tokens": one.tokens})

    return Corpus(tuple(map(document, grown.even())), tuple((document(one), one.reason) for one in grown.dropped))


def _rooted(brief: Brief, writer: Ask, tree: Tree, shows: float, counts: Counter[str]) -> Grown:
    """The tree down to the kinds of document."""
    areas = domains(writer, brief, tree)
    found = asserted(writer, brief, subdomains(writer, brief, tree, areas, counts), counts)
    by_subdomain = kinds(writer, brief, tree, shows, found, counts)
    found = [one for one in found if by_subdomain.get(one.id)]
    if not found:
        stage = "domains" if not areas else "subdomains with assertions and kinds of document"
        raise ReplyError(f"{brief.spec.name}: the writer gave no usable {stage} ({_told(counts)})",
                         hint="try the address with one prompt, or take a larger model as the writer")
    return Grown(found, Deal(found, by_subdomain, shows, brief.seed), counts=counts)


def _trim(grown: Grown, tokens: int) -> None:
    """A last round may bring a few too many: the last in order go, and what would make the corpus uneven."""
    even = grown.even()
    kept = _tokens(even)
    while kept > MORE * tokens and kept - even[-1].tokens >= tokens:
        kept -= even.pop().tokens
    used = {one.id for one in even}
    spare = [one for one in grown.kept if one.id not in used]
    grown.dropped += [one.dropped(SPARE) for one in spare]
    grown.kept = even
    for one in spare:
        one.cell.kept -= 1


def _tokens(drafts: list[Draft]) -> int:
    return sum(one.tokens for one in drafts)


def _short(job: Job, grown: Grown, kept: int, tokens: int) -> ReplyError:
    folder = job.scratch / "short"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    corpus_of(grown, "", "").write(folder)
    reasons = Counter(one.reason.split(":")[0].split(" of ")[0] for one in grown.dropped)
    told = ", ".join(f"{reason} ({many})" for reason, many in reasons.most_common(4))
    return ReplyError(
        f"{kept:,} of {tokens:,} tokens kept, {tokens - kept:,} are missing: {FRUITLESS} rounds brought no further "
        f"document; dropped: {told or _told(grown.counts)}",
        hint=f"see {folder} for what there is and why the others were dropped; another writer or critic, or a "
             "larger Tree, may help (what was paid for stays)")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{what}: {many}" for what, many in sorted(counts.items()) if many) or "no further detail"
