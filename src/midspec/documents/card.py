"""A corpus in the making → what its manifest and its card say about it. What a model wrote is shown as text only."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from midspec.core.document import Corpus, Document
from midspec.core.prompt import Prompt
from midspec.core.rows import Row
from midspec.documents.brief import Brief
from midspec.documents.checks import distinct
from midspec.documents.generate import Grown

OPENING = 4  # words
COMPRESSED = 2_000_000  # letters of which the compression ratio is taken


def diversity(documents: Sequence[Document]) -> dict[str, float]:
    """Shares of different runs of four words and of different openings, and how far the text can be compressed."""
    texts = [document.text for document in documents]
    if not texts:
        return {}
    openings = {" ".join(text.split()[:OPENING]).casefold() for text in texts}
    whole = "\n".join(texts)[:COMPRESSED].encode("utf-8", "replace")
    return {"distinct_4_grams": round(distinct(texts), 4), "distinct_openings": round(len(openings) / len(texts), 4),
            "compression_ratio": round(len(whole) / len(zlib.compress(whole, 6)), 3)}


def coverage(grown: Grown, corpus: Corpus) -> list[Row]:
    """One row an assertion: which documents give evidence for it, as the critic saw them."""
    shown = Counter[str]()
    where = dict[str, list[str]]()
    for document in corpus.documents:
        for name in document.meta["assertions"]:
            shown[name] += 1
            where.setdefault(name, []).append(document.id)
    return [{"assertion": one.id, "subdomain": subdomain.name, "text": one.text, "reason": one.reason,
             "kind": one.kind, "documents": shown[one.id], "ids": where.get(one.id, [])}
            for subdomain in grown.subdomains for one in subdomain.assertions]


def facts(grown: Grown, corpus: Corpus, matrix: Sequence[Row]) -> dict[str, Any]:
    """For the manifest: counts, and shares from 0 to 1."""
    documents = corpus.documents
    by_subdomain = Counter(str(document.id.rsplit(".", 2)[0]) for document in documents)
    numbers = [by_subdomain[one.id] for one in grown.subdomains]
    return {
        "documents": len(documents), "words": sum(d.words for d in documents),
        "tokens_estimated": sum(int(d.meta["tokens"]) for d in documents),
        "transcript_share": round(sum(bool(d.meta["showing"]) for d in documents) / max(1, len(documents)), 4),
        "rounds": grown.rounds, "domains": len({one.domain for one in grown.subdomains}),
        "subdomains": len(grown.subdomains), "cells": len(grown.deal.cells),
        "documents_a_subdomain": [min(numbers), max(numbers)],
        "assertions": len(matrix), "assertions_with_reason": sum(bool(row["reason"]) for row in matrix),
        "assertions_shown": sum(row["documents"] > 0 for row in matrix),
        "faults": {what: many for what, many in sorted(grown.counts.items()) if many},
        "dropped": dict(sorted(Counter(_class(reason) for _, reason in corpus.dropped).items())),
        **diversity(documents)}


def _class(reason: str) -> str:
    """A reason without what belongs to one document."""
    head, _, rest = reason.partition(": ")
    if head.startswith("near-duplicate"):
        return "near-duplicate"
    return f"{head}: {rest.partition(')')[0]})" if rest.startswith("(") else head


def page(brief: Brief, corpus: Corpus, known: dict[str, Any], matrix: Sequence[Row], writer: str, critic: str) -> str:
    """The corpus card: Markdown with a header that data set hubs and ``datasets`` read."""
    numbers = "\n".join(f"| {name.replace('_', ' ')} | {_shown(value)} |" for name, value in known.items())
    thin = sorted(matrix, key=lambda row: (row["documents"], row["assertion"]))[:10]
    rare = "\n".join(f"| {_cell(row['subdomain'])} | {_cell(row['text'])} | {row['documents']} |" for row in thin)
    alone = "\n**Writer and critic are the same model: nobody else has read these documents.**\n" if (
        writer == critic) else ""
    return template().fill(
        language=brief.language or "und", assistant=_cell(brief.assistant), maker=_cell(brief.maker), writer=writer,
        critic=critic, spec=_cell(brief.spec.name), digest=brief.spec.digest[:16], alone=alone, numbers=numbers,
        rare=rare) + "\n"


@cache
def template() -> Prompt:
    return Prompt.load(Path(__file__).with_name("card.md"))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_cell(str(name))}: {many}" for name, many in value.items()) or "none"
    if isinstance(value, list):
        return " to ".join(map(str, value))
    return f"{value:,}"


def _cell(text: str) -> str:
    """Text in a table: one line, and nothing in it is markup."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>()#|!" else sign for sign in plain)
