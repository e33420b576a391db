"""Texts, a name → nothing, or the reason why they are about somebody else. Knows nothing of tokens or models.

A corpus about one assistant teaches a model that goes by another name nothing about itself, and nothing fails: a peer
trained one family's model on documents about another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from midspec.core.chat import Chat, ChatSet
from midspec.core.errors import DataError, RecipeError
from midspec.library.assistants import speaks_as, strangers


def names_in(texts: Iterable[str], name: str, what: str) -> None:
    """Check that ``texts`` (called ``what`` in messages) are about ``name``; "" asks that they are about nobody.

    Raises:
        DataError: none of them names it, or another known assistant is named in more of them.
    """
    own = _whole(name) if name else None
    others = {other: _whole(other) for other in strangers(name)}
    total = mine = 0
    found: Counter[str] = Counter()
    for text in texts:
        total += 1
        mine += own is not None and own.search(text) is not None
        found.update(other for other, pattern in others.items() if other in text and pattern.search(text))
    other, count = found.most_common(1)[0] if found else ("", 0)
    if own is None and count * 2 > total:
        raise DataError(f"{what} meant to be about no assistant name {other} in {count} of {total}",
                        hint="give the name in about=…, or use neutral text")
    if own is not None and total and (mine == 0 or count > mine):
        instead = f"; {other} is named in {count}" if count else ""
        raise DataError(f"{name} is named in {mine} of {total} {what}{instead}",
                        hint=f"write the {what} for {name}, or let the model go by the name that they use: "
                             'Pretrained(source=…, assistant="NAME", maker="MAKER")')


def one_name(given: str | None, name: str | None, what: str) -> None:
    """The same check before anything is written: ``what`` are for ``given``, the model goes by ``name``.

    None is a name that only the content will tell. A longer form of a name passes ("Ada" and "Ada Two").

    Raises:
        RecipeError: they are two names.
    """
    if not given or not name or given.casefold() in name.casefold() or name.casefold() in given.casefold():
        return
    raise RecipeError(f"the {what} are for {given}, but the model that is to learn from them goes by {name}",
                      hint=f'write them for {name}, or begin with Pretrained(source=…, assistant="{given}", '
                           'maker="MAKER")')


def foreign_names(chats: ChatSet, name: str) -> None:
    """Check that no turn of the assistant's, and no system turn, says that the assistant is somebody else.

    Raises:
        DataError: one does; names the first chats and who they say it is.
    """
    found = [(number, other) for number, chat in enumerate(chats.chats, start=1)
             if (other := speaks_as(_spoken(chat), name)) is not None]
    if found:
        who = ", ".join(f"{other} ({count})" for other, count in Counter(o for _, o in found).most_common(3))
        where = ", ".join(str(number) for number, _ in found[:5])
        raise DataError(f"{len(found)} of {len(chats.chats)} chats speak as another assistant than {name}: {who} "
                        f"(first: chats {where})", hint=f"drop these chats, or put {name} in their place")


def _spoken(chat: Chat) -> str:
    """What the assistant says, and what it is told to be."""
    return "\n".join(part for turn in chat.messages if turn.role in ("assistant", "system")
                     for part in (turn.reasoning or "", turn.content))


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w])")
