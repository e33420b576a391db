"""What a reply should look like → its value, or a Fault that says what is wrong. Never a default.

``Text``: the whole reply. ``Tagged``: what stands between named tags. ``Typed``: an instance of a dataclass.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol

from midspec.core.errors import RecipeError, ReplyError, SetupError
from midspec.models.schema import instance, schema_of, texts_of

OBJECT = re.compile(r"""[{\[]\s*["'{]""")
FIRST_KEY = re.compile(r"""[\[\s]*\{\s*["'](\w+)["']""")
BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """Why a reply is not used: its class ("tags", "refusal" …) and a sentence that the model can be shown."""

    kind: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a text must keep to.

    ``least``/``most`` words; ``language`` "en" or "" for any; ``may_echo``: it may repeat the prompt (a rewriting);
    ``may_refuse``: declining is a valid reply (chats in which the assistant declines).
    """

    least: int = 0
    most: int | None = None
    language: str = "en"
    may_echo: bool = False
    may_refuse: bool = False


class Form(Protocol):
    """``limits`` hold for the texts that ``texts`` takes out of a value; ``prose``: they are whole texts to be read."""

    prose: ClassVar[bool]

    @property
    def limits(self) -> Limits: ...

    def schema(self) -> tuple[str, dict[str, Any]] | None: ...

    def read(self, text: str) -> Any:
        """The value, or a Fault."""
        ...

    def texts(self, value: Any) -> list[str]: ...


@dataclass(frozen=True)
class Text:
    """The reply as it is, blank ends cut; value: text."""

    prose: ClassVar[bool] = True
    limits: Limits = Limits()

    def schema(self) -> None:
        return None

    def read(self, text: str) -> str | Fault:
        return text.strip()

    def texts(self, value: Any) -> list[str]:
        return [value]


@dataclass(frozen=True)
class Tagged:
    """What stands in each of ``tags``, each exactly once, none inside another; value: {tag: text}.

    The last tag is the product; those before it (a plan) are asides. What stands outside is not used.
    """

    prose: ClassVar[bool] = True
    tags: tuple[str, ...]
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not self.tags:
            raise RecipeError("Tagged: no tag is named")

    def schema(self) -> None:
        return None

    def read(self, text: str) -> dict[str, str] | Fault:
        found: dict[str, str] = {}
        end = 0
        product = self.tags[-1]
        missing = [tag for tag in self.tags if f"<{tag}>" not in text]
        if missing == [product] and len(self.tags) > 1:
            return Fault("plan only", f"<{product}> is missing: only {', '.join(self.tags[:-1])} came")
        for tag in self.tags:
            opened, closed = text.count(f"<{tag}>"), text.count(f"</{tag}>")
            if (opened, closed) != (1, 1):
                return Fault("tags", f"<{tag}> opens {opened} times and closes {closed} times; once each is expected")
            start, stop = text.index(f"<{tag}>"), text.index(f"</{tag}>")
            if stop < start or start < end:
                return Fault("tags", f"<{tag}> stands inside or before another tag, or closes before it opens")
            found[tag], end = text[start + len(tag) + 2:stop].strip(), stop
        empty = [tag for tag, inner in found.items() if not inner]
        if empty:
            return Fault("plan only" if empty == [product] and len(self.tags) > 1 else "empty",
                         f"<{empty[0]}> is empty")
        return found

    def texts(self, value: Any) -> list[str]:
        return [value[self.tags[-1]]]


@dataclass(frozen=True)
class Typed:
    """JSON that fits a frozen dataclass; value: an instance of it."""

    prose: ClassVar[bool] = False
    kind: type
    limits: Limits = Limits()

    def schema(self) -> tuple[str, dict[str, Any]]:
        return self.kind.__name__, schema_of(self.kind)

    def read(self, text: str) -> Any:
        try:
            return instance(self.kind, _json(text))
        except ReplyError as error:
            return Fault("json", error.message)

    def texts(self, value: Any) -> list[str]:
        return ["\n".join(texts_of(value))]


def fenced(schema: dict[str, Any]) -> str:
    """Words that ask for JSON where the provider takes no schema."""
    shown = json.dumps(schema, indent=1, ensure_ascii=False)
    return ("Answer with one JSON object in a ```json block and nothing else. It must fit this JSON schema:\n"
            f"```json\n{shown}\n```")


def _json(text: str) -> Any:
    """The one JSON value of a reply: bare, in a fence, or in braces; strictly, then with its syntax mended.

    A reply that quotes JSON (a graded text that claims a verdict) holds several values; none of them is taken.

    Raises:
        ReplyError: no JSON, or several that differ.
    """
    whole = text.strip()
    if whole.startswith(("{", "[")):
        try:
            return json.loads(whole, object_pairs_hook=_once)
        except (json.JSONDecodeError, RecursionError):
            pass
    blocks = [block.strip() for block in FENCE.findall(whole)]
    outside = FENCE.sub("", whole)
    if OBJECT.search(outside) or (not blocks and "{" in outside):
        start = OBJECT.search(outside)
        blocks.append(outside[start.start() if start else outside.index("{"):outside.rfind("}") + 1 or None].strip())
    if not blocks:
        raise ReplyError("no JSON found")
    if len(set(blocks)) > 1:
        raise ReplyError(f"{len(blocks)} JSON values where one is expected")
    return _read_block(blocks[0])


def _read_block(block: str) -> Any:
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_once).raw_decode(block)
    except (json.JSONDecodeError, RecursionError) as error:
        if not block.endswith(("}", "]")) or _open(block):
            # Mending would close what was never finished.
            raise ReplyError(f"the JSON does not end: {error}") from error
        first = FIRST_KEY.match(block)
        if first and len(re.findall(rf"[\"']{re.escape(first[1])}[\"']\s*:", block)) > 1:
            # Mending takes the last of several like objects.
            raise ReplyError("several JSON values where one is expected") from error
        return _mended(block, error)
    if set(block[end:]) & set("{["):
        raise ReplyError("several JSON values where one is expected")
    return value


def _open(block: str) -> bool:
    """Whether a bracket is still open at the end: the text was cut off behind an inner one that was closed."""
    depth = 0
    for mark in BRACKET.finditer(block):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark[0], 0)
    return depth > 0


def _mended(block: str, error: Exception) -> Any:
    """Commas, quotes and comments put right; what is said stays. The result must still fit the schema."""
    try:
        repair: Any = import_module("json_repair")
    except ImportError as missing:
        raise SetupError("reading JSON replies needs json-repair", hint="pip install 'midspec[llm]'") from missing
    try:
        value = repair.loads(block, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, TypeError):
        value = ""
    if value in ("", [], {}):
        raise ReplyError(f"not valid JSON: {error}") from error
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ReplyError("a field stands twice in one object")
    return found
