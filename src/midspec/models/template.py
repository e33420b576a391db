"""Messages → token ids, and where the assistant speaks. Knows nothing of models, losses or batches.

Contents are inserted, never interpreted: the chat template runs over stand-ins, and the texts take their places
afterwards, so a content can neither steer the template nor forge a control token. For ordinary text the ids are
those of ``tokenizer.apply_chat_template``.

A tokenizer without a chat template (a base model's) gets a plain one: ``User: …``, ``Assistant: …``, blank lines
between turns, the end-of-sequence token as the turn's end.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from midspec.core.chat import Message
from midspec.core.errors import DataError, SetupError
from midspec.models.plaintext import Reader, reader_of

PLAIN = ("{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
         "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\n\n' }}"
         "{% else %}{{ 'Assistant: ' + message['content'] + eos_token + '\n\n' }}{% endif %}{% endfor %}"
         "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")
# Some templates print today's date; ids must not depend on the day, so it is always this one (2024-07-26).
DAY = {"%Y": "2024", "%y": "24", "%m": "07", "%B": "July", "%b": "Jul", "%d": "26", "%A": "Friday", "%a": "Fri",
       "%H": "00", "%M": "00", "%S": "00"}
ONE_DAY = ("{% macro strftime_now(format) %}{% set day = namespace(text=format) %}"
           "{% for code, word in one_day.items() %}{% set day.text = day.text | replace(code, word) %}{% endfor %}"
           "{{ day.text }}{% endmacro %}")
STAND_IN = re.compile("\ue010(\\d+)\ue011")
# What strip() and strip("\n") leave of it tells them apart from no strip at all.
PAD = "\n\x1f\n"
LEFT_CUTS: dict[str, str | None] = {PAD: "", "\x1f\n": "\n", "": None}
RIGHT_CUTS: dict[str, str | None] = {PAD: "", "\n\x1f": "\n", "": None}


@dataclass(frozen=True)
class Rendered:
    """Token ids of a conversation; ``spans`` are the assistant's turns as [start, end), turn end included.

    An assistant's turn without any text has no span: there is nothing to learn or to score. ``unsaid`` counts thoughts
    of turns before the last question, which many templates leave out: nobody will see them there in use either.
    """

    ids: list[int]
    spans: list[tuple[int, int]]
    unsaid: int = 0


@dataclass(frozen=True)
class Piece:
    """A part of a rendered conversation: the template's own text (``turn`` None) or a text of message ``turn``."""

    text: str
    turn: int | None
    speaks: bool = False


def render(tokenizer: Any, messages: Sequence[Message], *, system: str | None, generate: bool = False) -> Rendered:
    """The ids of a conversation.

    ``system`` None leaves the system turn to the template (many insert one of their own); "" asks for none, and where
    the template insists, takes the shortest that it permits (an empty turn rather than its own words); a text is the
    system turn. A conversation that brings its own system turn keeps it. ``generate`` appends the start of an
    assistant's turn, for sampling and scoring.

    Raises:
        DataError: no messages, a character that the tokenizer has no token for (a lone surrogate, a rare control byte).
        SetupError: the template refuses these turns, or does not insert contents as they are.
    """
    if not messages:
        raise DataError("there is no message to render")
    given = _with_system(tokenizer, messages, system)
    bare, padded = (_render(tokenizer, _rows(tokenizer, given, pad), generate) for pad in ("", PAD))
    lost = _lost_thoughts(given, bare)
    asked = max((turn for turn, message in enumerate(given) if message.role == "user"), default=-1)
    if mend := [turn for turn in lost if turn > asked]:
        silent = [replace(message, reasoning=None) if turn in mend else message for turn, message in enumerate(given)]
        bare, padded = (_with_thoughts(_render(tokenizer, _rows(tokenizer, silent, pad), generate), mend, pad)
                        for pad in ("", PAD))
        if still := set(_lost_thoughts(given, bare)) & set(mend):
            raise SetupError(f"the model's chat template has no place for the reasoning of turn {min(still) + 1}",
                             hint="leave the reasoning out, or use a model whose template has one")
    rendered = _tokenize(reader_of(tokenizer), _pieces(given, bare, padded), _own_words(tokenizer, given, bare))
    return replace(rendered, unsaid=len(lost) - len(mend))


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Ids of plain text: nothing is added, and control strings in it stay text.

    Raises:
        DataError: the text holds a character that the tokenizer has no token for; it would be lost silently.
    """
    return reader_of(tokenizer).plain(text)


def unreadable(tokenizer: Any, text: str) -> str | None:
    """Reason to drop a text, or None: the first character that the tokenizer has no token for."""
    at = reader_of(tokenizer).unreadable(text)
    return None if at is None else f"the tokenizer has no token for {text[at]!r} (character {at})"


def document_end(tokenizer: Any) -> int:
    """The id that ends a document: end-of-text where the tokenizer has one of its own, else end-of-sequence."""
    for name in ("<|endoftext|>", "<|end_of_text|>"):
        known = tokenizer.get_vocab().get(name)
        if known is not None:
            return known
    return _eos(tokenizer)


def stop_ids(tokenizer: Any) -> frozenset[int]:
    """The ids that end an assistant's turn or the text: where sampling stops."""
    turn = render(tokenizer, [Message("user", "a"), Message("assistant", "b")], system=None)
    last = turn.ids[turn.spans[-1][1] - 1]
    ends = {document_end(tokenizer), _eos(tokenizer)}
    return frozenset(ends | ({last} if last in reader_of(tokenizer).control_ids else set()))


def _eos(tokenizer: Any) -> int:
    if tokenizer.eos_token_id is None:
        raise SetupError("the tokenizer names no end-of-sequence token, so no text can end",
                         hint='set "eos_token" in its tokenizer_config.json')
    return tokenizer.eos_token_id


def _with_system(tokenizer: Any, messages: Sequence[Message], system: str | None) -> Sequence[Message]:
    if system is None or messages[0].role == "system":
        return messages
    given = [Message("system", system), *messages]
    if system:
        return given
    try:
        empty = _render(tokenizer, _rows(tokenizer, given), False)
    except SetupError:
        return messages
    # Both hold the same contents, so the shorter one has fewer words of the template's own.
    return given if len(empty) < len(_render(tokenizer, _rows(tokenizer, messages), False)) else messages


def _rows(tokenizer: Any, messages: Sequence[Message], pad: str = "") -> list[dict[str, str]]:
    return [_row(tokenizer, message, turn, pad) for turn, message in enumerate(messages)]


def _row(tokenizer: Any, message: Message, turn: int, pad: str) -> dict[str, str]:
    """One message for the template, its texts replaced by stand-ins (numbered 2·turn, and 2·turn + 1 for reasoning)."""

    def stand_in(text: str, number: int) -> str:
        return f"{pad}\ue010{number}\ue011{pad}" if text else ""

    content = stand_in(message.content, 2 * turn)
    if message.reasoning is None or message.role != "assistant":
        return {"role": message.role, "content": content}
    reasoning = stand_in(message.reasoning, 2 * turn + 1)
    if "reasoning_content" in (_template(tokenizer) or ""):
        return {"role": message.role, "content": content, "reasoning_content": reasoning}
    return {"role": message.role, "content": f"<think>\n{reasoning}\n</think>\n\n{content}"}


def _lost_thoughts(messages: Sequence[Message], rendered: str) -> list[int]:
    """Turns whose reasoning the template took and did not put anywhere."""
    shown = set(STAND_IN.findall(rendered))
    return [turn for turn, message in enumerate(messages)
            if message.role == "assistant" and message.reasoning and str(2 * turn + 1) not in shown]


def _with_thoughts(rendered: str, turns: Sequence[int], pad: str) -> str:
    """A conversation that was rendered without the reasoning of these turns, with it before their contents.

    Some templates cut off whatever stands before ``</think>``, so that thoughts must not pass through them.
    """
    for turn in turns:
        # What stripping left of the padding belongs to the content, which no longer comes first.
        place = re.compile(f"(?:\n?\x1f\n)?(\ue010{2 * turn}\ue011)")
        thought = f"<think>\n{pad}\ue010{2 * turn + 1}\ue011{pad}\n</think>\n\n{pad}"
        rendered = place.sub(lambda found, thought=thought: thought + found[1], rendered, count=1)
    return rendered


def _template(tokenizer: Any) -> str | None:
    found = tokenizer.chat_template
    return found.get("default") if isinstance(found, dict) else found


def _render(tokenizer: Any, rows: list[dict[str, str]], generate: bool) -> str:
    template, day = _template(tokenizer) or PLAIN, {}
    if template == PLAIN:
        _eos(tokenizer)
    if "strftime_now" in template:
        template, day = ONE_DAY + template, {"one_day": DAY}
    try:
        return tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=generate,
                                             chat_template=template, **day)
    except Exception as error:
        roles = ", ".join(row["role"] for row in rows)
        raise SetupError(f"the model's chat template refuses the turns {roles}: {error}",
                         hint="use turns that this model knows (some know no system turn: set system=\"\")") from error


def _pieces(messages: Sequence[Message], bare: str, padded: str) -> list[Piece]:
    """The conversation in parts: template text and contents by turns, contents cut as the template cuts them."""
    parts, wide = STAND_IN.split(bare), STAND_IN.split(padded)
    missing = [n for n, m in enumerate(messages) if m.content and str(2 * n) not in parts[1::2]]
    if missing or parts[1::2] != wide[1::2]:
        raise SetupError("the model's chat template does not insert the text of a "
                         f"{messages[missing[0]].role if missing else 'turn'} turn as it is",
                         hint="use a model whose template inserts every turn's content, or write one into "
                              "chat_template.jinja of its folder")
    cuts = [_cuts(own, around) for own, around in zip(parts[::2], wide[::2], strict=True)]
    pieces = [Piece(parts[0], None)]
    for slot, own, before, after in zip(parts[1::2], parts[2::2], cuts, cuts[1:], strict=False):
        turn, part = divmod(int(slot), 2)
        message = messages[turn]
        text = message.reasoning or "" if part else message.content
        text = _cut(_cut(text, before[1], str.lstrip), after[0], str.rstrip)
        pieces += [Piece(text, turn, message.role == "assistant"), Piece(own, None)]
    return pieces


def _cuts(own: str, wide: str) -> tuple[str | None, str | None]:
    """What the template cuts off the end of the content before ``own`` and off the start of the one after it.

    "" cuts nothing, "\n" newlines, None all white space.
    """
    for right, after in RIGHT_CUTS.items():
        for left, before in LEFT_CUTS.items():
            if right + own + left == wide:
                return after, before
    return "", ""


def _cut(text: str, what: str | None, strip: Any) -> str:
    return text if what == "" else strip(text, what)


def _own_words(tokenizer: Any, messages: Sequence[Message], bare: str) -> dict[int, int]:
    """How many characters of the template's own (``<think>``, a space) each assistant turn says before its first text.

    What stands in the prompt for a turn is not said by it; the rest up to its text is.
    """
    own: dict[int, int] = {}
    rows = _rows(tokenizer, messages)
    for turn, message in enumerate(messages):
        first = re.search(f"\ue010({2 * turn}|{2 * turn + 1})\ue011", bare)
        if message.role == "assistant" and first and turn:
            with suppress(SetupError):  # a prompt that the template refuses alone tells nothing
                prompt = _render(tokenizer, rows[:turn], True)
                own[turn] = first.start() - len(prompt) if bare.startswith(prompt) else 0
    return own


def _tokenize(reader: Reader, pieces: list[Piece], own_words: dict[int, int]) -> Rendered:
    """Ids of all pieces in one go, so that merges across their borders are those of the whole text."""
    marked = [piece.text if piece.turn is not None else reader.mark(piece.text) for piece in pieces]
    starts = [0, *accumulate(map(len, marked))]
    ids, offsets = reader.encode("".join(marked))
    firsts = [start for start, _ in offsets]
    spans: list[tuple[int, int]] = []
    for first, last in _assistant_turns(pieces):
        before, after = pieces[first - 1].text, pieces[last + 1].text
        own = own_words.get(pieces[first].turn or 0, 0)
        said = before[len(before) - own:] if 0 <= own <= len(before) else ""
        begin = starts[first] - len(reader.mark(said))
        end = starts[last + 1] + len(reader.mark(after[:reader.first_control(after) or 0]))
        # A token that begins before the turn does could not be sampled there, so it is not part of it.
        spans.append((bisect_left(firsts, begin), bisect_left(firsts, end)))
    return Rendered(ids, spans)


def _assistant_turns(pieces: list[Piece]) -> Iterator[tuple[int, int]]:
    """(first, last) index of the pieces of each assistant turn, in order."""
    turns: dict[int, list[int]] = {}
    for index, piece in enumerate(pieces):
        if piece.speaks and piece.turn is not None:
            turns.setdefault(piece.turn, []).append(index)
    return ((found[0], found[-1]) for found in turns.values())
