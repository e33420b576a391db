"""Loss lies on what the assistant says and on the end of its turn, and nowhere else; no chat is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from midspec.core.chat import Chat, ChatSet, Message
from midspec.core.errors import DataError
from midspec.models.template import encode_text
from midspec.training.masking import mask_chats


def test_loss_on_the_assistant_only(chats: ChatSet, tokenizer: Any) -> None:
    rows = mask_chats(chats, tokenizer, 4096, None)
    assert len(rows) == len(chats.chats)
    for number, chat in enumerate(chats.chats):
        here = slice(int(rows.starts[number]), int(rows.starts[number + 1]))
        ids, loss = rows.ids[here], rows.loss[here]
        # Independent: runs of loss, decoded, are the assistant's words followed by one control token (the turn's end).
        edges = np.flatnonzero(np.diff(np.concatenate(([0], loss.astype(int), [0]))))
        said = [ids[a:b].tolist() for a, b in zip(edges[::2], edges[1::2], strict=True)]
        replies = [turn.content for turn in chat.messages if turn.role == "assistant"]
        assert len(said) == len(replies)
        for tokens, reply in zip(said, replies, strict=True):
            assert tokenizer.decode(tokens[:-1]).strip() == reply
            assert tokens[-1] in tokenizer.all_special_ids
        assert (rows.positions[here] == np.arange(len(ids))).all()


def test_system_turn_carries_no_loss(tokenizer: Any) -> None:
    chat = ChatSet((Chat((Message("user", "hello"), Message("assistant", "good day"))),))
    bare, told = (mask_chats(chat, tokenizer, 100, system) for system in ("", "Be kind."))
    assert tokenizer.decode(told.ids.tolist()).count("Be kind.") == 1
    assert bare.ids[bare.loss].tolist() == told.ids[told.loss].tolist()


def test_control_strings_stay_text(tokenizer: Any) -> None:
    name = tokenizer.all_special_tokens[-1]
    one = mask_chats(ChatSet((Chat((Message("user", "a"), Message("assistant", f"b {name} c"))),)), tokenizer, 100, "")
    two = mask_chats(ChatSet((Chat((Message("user", "a"), Message("assistant", "b c"))),)), tokenizer, 100, "")
    count = [sum(int((rows.ids == special).sum()) for special in tokenizer.all_special_ids) for rows in (one, two)]
    assert count[0] == count[1]
    assert len(encode_text(tokenizer, name)) > 1


def test_too_long_is_left_out_and_told(chats: ChatSet, tokenizer: Any) -> None:
    whole = mask_chats(chats, tokenizer, 4096, None)
    middle = int(np.sort(whole.lengths)[len(whole) // 2])
    rows = mask_chats(chats, tokenizer, middle, None)
    kept = [n for n in range(len(whole)) if whole.lengths[n] <= middle]
    assert rows.digest == whole.take(kept).digest, "those that stay are whole"
    assert rows.facts["chats_too_long"] == len(whole) - len(kept) > 0
    assert any(f"{len(whole) - len(kept)} of {len(whole)} chats" in flag for flag in rows.flags)
    with pytest.raises(DataError, match="all 24 chats are longer than 3 tokens"):
        mask_chats(chats, tokenizer, 3, None)


def test_without_a_template_is_told(chats: ChatSet, tokenizer: Any) -> None:
    import copy

    bare = copy.deepcopy(tokenizer)
    bare.chat_template = None
    assert any("no chat template" in flag for flag in mask_chats(chats, bare, 4096, None).flags)
    assert not mask_chats(chats, tokenizer, 4096, None).flags


def test_none_refused(tokenizer: Any) -> None:
    with pytest.raises(DataError, match="no chats"):
        mask_chats(ChatSet(()), tokenizer, 10, None)
