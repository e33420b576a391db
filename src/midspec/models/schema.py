"""A frozen dataclass ↔ a JSON schema, and JSON → an instance of it, strictly. Knows nothing of models.

Known field types: str, int, float, bool, Literal of texts, list[T] or tuple[T, ...], T | None, other dataclasses.
The schema is ours to keep stable: it is part of the key under which an answer was paid for.
"""

from __future__ import annotations

import dataclasses
import types
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from midspec.core.errors import RecipeError, ReplyError

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(kind: Any) -> dict[str, Any]:
    """JSON schema of a type, every field required, nothing else allowed.

    Raises:
        RecipeError: a type that is none of those above.
    """
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        fields = {f.name: schema_of(hints[f.name]) for f in dataclasses.fields(kind)}
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal and all(isinstance(arg, str) for arg in args):
        return {"type": "string", "enum": list(args)}
    if origin in (list, tuple) and (len(args) == 1 or args[1:] == (Ellipsis,)):
        return {"type": "array", "items": schema_of(args[0])}
    if origin in (Union, types.UnionType) and type(None) in args and len(args) == 2:
        return {"anyOf": [schema_of(next(arg for arg in args if arg is not type(None))), {"type": "null"}]}
    raise RecipeError(f"{kind}: not a type that a reply can have",
                      hint="text, numbers, bool, Literal, list or tuple of one type, T | None, dataclasses")


def instance(kind: Any, value: Any, where: str = "reply") -> Any:
    """``value`` (parsed JSON) as an instance of ``kind``.

    Raises:
        ReplyError: something is missing, too much, or of another type; names the place ("reply.ideas[2].gist").
    """
    if dataclasses.is_dataclass(kind):
        return _object(kind, value, where)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in args or not isinstance(value, str):
            raise ReplyError(f"{where} is {_shown(value)}, not one of: {', '.join(map(str, args))}")
        return value
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise ReplyError(f"{where} is {_shown(value)}, where a list is expected")
        parts = [instance(args[0], part, f"{where}[{n}]") for n, part in enumerate(cast(list[Any], value))]
        return parts if origin is list else tuple(parts)
    if origin in (Union, types.UnionType):
        return None if value is None else instance(next(a for a in args if a is not type(None)), value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # True is an int to Python, not to a reader.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ReplyError(f"{where} is {_shown(value)}, where {PLAIN[kind]} is expected")
    return value


def texts_of(value: Any) -> list[str]:
    """All texts inside an instance, in order."""
    if isinstance(value, str):
        return [value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [text for f in dataclasses.fields(value) for text in texts_of(getattr(value, f.name))]
    if isinstance(value, (list, tuple)):
        return [text for part in cast(list[Any], value) for text in texts_of(part)]
    return []


def _object(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ReplyError(f"{where} is {_shown(value)}, where an object is expected")
    row, hints = cast(dict[str, Any], value), get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    missing, unknown = [n for n in names if n not in row], [n for n in row if n not in names]
    if missing or unknown:
        raise ReplyError(f"{where}: " + "; ".join(
            [f"{name} is missing" for name in missing] + [f"{name} is not a field" for name in unknown[:5]]))
    try:
        return kind(**{name: instance(hints[name], row[name], f"{where}.{name}") for name in names})
    except ValueError as error:
        raise ReplyError(f"{where}: {error}") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
