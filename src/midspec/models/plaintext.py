"""Tokenizer → a reader that maps control tokens only where it is told to. Knows nothing of messages or templates.

Tokenizers turn ``<|im_end|>`` inside plain text into the control token, even with ``add_special_tokens=False``. The
reader is a copy of the tokenizer in which every control token goes by a name that nobody can guess: text holds the old
names and stays text, and whoever means the token writes ``mark(name)``. All else (merges, added words, normalizer)
is the same, so ordinary text has the same ids. The tokenizer itself is never touched, hence threads may share it.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import weakref
from typing import Any

from midspec.core.errors import DataError, SetupError

LOOKS_LIKE_CONTROL = re.compile(r"<[|｜].*[|｜]>", re.DOTALL)


class Reader:
    """Text → ids for one tokenizer; ``control`` maps a control token's usual name to its id."""

    def __init__(self, tokenizer: Any) -> None:
        from tokenizers import Tokenizer

        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise SetupError(f"{type(tokenizer).__name__} has no tokenizer.json behind it",
                             hint="midspec needs a fast tokenizer; save one with AutoTokenizer…save_pretrained(FOLDER)")
        rules = json.loads(backend.to_str())
        tokens = [t for t in rules["added_tokens"] if t["special"] or LOOKS_LIKE_CONTROL.fullmatch(t["content"])]
        self.control: dict[str, int] = {t["content"]: t["id"] for t in tokens}
        self.control_ids = frozenset(self.control.values())
        self._secret = secrets.token_hex(8)
        self._holes = _missing_bytes(rules)
        names = "|".join(re.escape(name) for name in sorted(self.control, key=len, reverse=True))
        self._names = re.compile(names or r"(?!)")
        self._tokenizer: Any = Tokenizer.from_str(json.dumps(self._renamed(rules)))
        for name, number in self.control.items():
            if self._tokenizer.token_to_id(self._secret_name(name)) != number:
                raise SetupError(f"the tokenizer keeps its control token {name!r} in a way that midspec cannot read")

    def plain(self, text: str) -> list[int]:
        """Ids of text in which nothing is a control token."""
        return self.encode(text)[0]

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids, and the [start, end) characters of each; only marked names become control tokens.

        Raises:
            DataError: a character has no token in this tokenizer; most tokenizers would drop it and say nothing.
        """
        at = self.unreadable(text)
        if at is not None:
            raise DataError(f"the tokenizer has no token for {text[at]!r} at character {at}, after "
                            f"{text[max(0, at - 30):at].replace(self._secret, '')!r}", hint="drop or mend this text")
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        meant = text.count(self._secret)
        found = sum(number in self.control_ids for number in encoding.ids)
        if found != meant:
            raise DataError(f"{found - meant} parts of this text have no token but the unknown one: {text[:60]!r}",
                            hint="drop or mend this text, or use a model whose tokenizer reads all of Unicode")
        return encoding.ids, encoding.offsets

    def unreadable(self, text: str) -> int | None:
        """Where the first character stands that has no token, None where every character has one."""
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            return error.start
        if not self._holes or len(data.translate(None, self._holes)) == len(data):
            return None
        first = next(n for n, byte in enumerate(data) if byte in self._holes)
        return len(data[:first].decode(errors="ignore"))

    def mark(self, text: str) -> str:
        """The text with every control token's name replaced by the one that ``encode`` maps to its id."""
        return self._names.sub(lambda match: self._secret_name(match[0]), text)

    def first_control(self, text: str) -> int | None:
        """Where the first control token's name in an unmarked text ends, or None."""
        found = self._names.search(text)
        return None if found is None else found.end()

    def _secret_name(self, name: str) -> str:
        return f"\ue012{self._secret}{name}\ue013"

    def _renamed(self, rules: dict[str, Any]) -> dict[str, Any]:
        def new(name: str) -> str:
            return self._secret_name(name) if name in self.control else name

        model = dict(rules["model"])
        words = model.get("vocab")
        if isinstance(words, dict):
            model["vocab"] = {new(word): number for word, number in words.items()}
        elif isinstance(words, list):
            model["vocab"] = [[new(word), score] for word, score in words]
        if isinstance(model.get("unk_token"), str):
            model["unk_token"] = new(model["unk_token"])
        added = [{**token, "content": new(token["content"])} for token in rules["added_tokens"]]
        return {**rules, "model": model, "added_tokens": added,
                "post_processor": None, "truncation": None, "padding": None}


def _missing_bytes(rules: dict[str, Any]) -> bytes:
    """Bytes that a byte-level vocabulary lacks (rare control characters, planes of Unicode without characters)."""
    words = rules["model"].get("vocab")
    if '"ByteLevel"' not in json.dumps(rules["decoder"]) or not isinstance(words, dict):
        return b""
    # GPT-2's alphabet: printable bytes stand for themselves, the others for the characters from 256 on.
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + n) for n, byte in enumerate(others)}}
    return bytes(byte for byte, symbol in symbols.items() if symbol not in words)


_READERS: weakref.WeakKeyDictionary[Any, tuple[int, Reader]] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def reader_of(tokenizer: Any) -> Reader:
    """The reader of a tokenizer, made once (and again where tokens were added since)."""
    with _LOCK:
        kept = _READERS.get(tokenizer)
        if kept is None or kept[0] != len(tokenizer):
            kept = (len(tokenizer), Reader(tokenizer))
            _READERS[tokenizer] = kept
        return kept[1]
