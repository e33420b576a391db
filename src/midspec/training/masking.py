"""Chats → rows: loss on the assistant's turns, turn end included. Knows nothing of models; never cuts a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from midspec.core.chat import ChatSet
from midspec.core.errors import DataError
from midspec.models.template import Rendered, render
from midspec.training.rows import Rows


def mask_chats(chats: ChatSet, tokenizer: Any, length: int, system: str | None) -> Rows:
    """One row a chat, in order. A chat over ``length`` tokens is left out and counted as ``chats_too_long``.

    Raises:
        DataError: no chats, or no chat that fits.
    """
    if not chats.chats:
        raise DataError("the chat set holds no chats, so there is nothing to train on")
    rendered = [render(tokenizer, chat.messages, system=system) for chat in chats.chats]
    fitting = [one for one in rendered if len(one.ids) <= length]
    if not fitting:
        shortest = min(len(one.ids) for one in rendered)
        raise DataError(f"all {len(rendered)} chats are longer than {length} tokens (the shortest has {shortest})",
                        hint="raise the schedule's length; a chat is never cut")
    left_out = len(rendered) - len(fitting)
    flags: list[str] = []
    if left_out:
        flags.append(f"{left_out} of {len(rendered)} chats are longer than {length} tokens and were left out")
    if unsaid := sum(one.unsaid for one in fitting):
        flags.append(f"{unsaid} thoughts of turns before the last question were left out, as the model's chat template "
                     "leaves them out; the replies after them are still learnt")
    if not tokenizer.chat_template:
        flags.append("the tokenizer has no chat template; a plain one (User: … Assistant: …) takes its place")
    rows = rows_of(fitting)
    return replace(rows, facts={**rows.facts, "chats": len(fitting), "chats_too_long": left_out}, flags=tuple(flags))


def rows_of(chats: Sequence[Rendered]) -> Rows:
    """One row a rendered chat; a token carries loss where it lies in an assistant span and is not the row's first."""
    lengths = np.array([len(chat.ids) for chat in chats], np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths)))
    ids = np.concatenate([np.asarray(chat.ids, np.int32) for chat in chats])
    positions = (np.arange(len(ids)) - np.repeat(starts[:-1], lengths)).astype(np.int32)
    loss = np.zeros(len(ids), np.bool_)
    for start, chat in zip(starts[:-1].tolist(), chats, strict=True):
        for begin, end in chat.spans:
            loss[start + begin:start + end] = True
    loss &= positions > 0
    facts = {"rows": len(chats), "tokens": len(ids), "supervised": int(loss.sum())}
    return Rows(ids, positions, loss, starts, facts)
