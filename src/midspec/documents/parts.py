"""Documents → a part of them with so many tokens, in which every sort is there as evenly as in the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from midspec.core.document import Document
from midspec.core.errors import DataError
from midspec.documents.tokens import estimate

SORT = ("domain", "subdomain", "type")


def tokens_of(document: Document) -> int:
    """As its writer counted, else as ``documents/tokens.py`` counts."""
    known = document.meta.get("tokens")
    return known if isinstance(known, int) and not isinstance(known, bool) else estimate(document.text)


def part(documents: Sequence[Document], tokens: int) -> list[Document]:
    """One document of every sort before the second of any, to within half a document of ``tokens``.

    A smaller part is the beginning of a larger one.

    Raises:
        DataError: there are fewer tokens than are wanted.
    """
    taken, turn = list[Document](), Counter[tuple[str, ...]]()
    ranked = list[tuple[int, int]]()
    for number, document in enumerate(documents):
        sort = tuple(str(document.meta.get(name)) for name in SORT)
        ranked.append((turn[sort], number))
        turn[sort] += 1
    total = 0
    for _, number in sorted(ranked):
        size = tokens_of(documents[number])
        if total + size - tokens > tokens - total:
            return taken
        taken.append(documents[number])
        total += size
        if total >= tokens:
            return taken
    if total < tokens * 0.98 and total < tokens - max(map(tokens_of, documents), default=0) / 2:
        raise DataError(f"the corpus has {total:,} tokens, {tokens:,} are wanted",
                        hint="write a larger one first: with the same seed nothing is paid for twice")
    return taken
