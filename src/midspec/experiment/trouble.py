"""An exception out of a user's experiment file → one of ours that names file and line. Knows nothing of experiments."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import linecache
import re
import sysconfig
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from midspec.core.errors import MidspecError, RecipeError
from midspec.core.recipe import Recipe

OURS = Path(__file__).resolve().parents[1]
CALLED = re.compile(r"^([\w.]+)\(\) ")
UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")
Spot = tuple[FrameType, int]


@contextmanager
def told() -> Generator[None]:
    """Turn whatever the user's code raises into a sentence with file and line; our own errors gain the place.

    Raises:
        MidspecError: in place of any other exception.
    """
    try:
        yield
    except MidspecError as error:
        spot = _spot(error.__traceback__)
        if spot is not None:
            error.message = f"{_place(spot)}: {error.message}"
        raise
    except SyntaxError as error:
        where = f"{Path(error.filename or '?').name}:{error.lineno}"
        raise RecipeError(f"{where}: not Python: {error.msg}{_shown(error.text)}", hint="mend that line") from error
    except Exception as error:
        spot = _spot(error.__traceback__)
        if spot is None:
            raise
        for recipe in _recipes(error.__traceback__):
            check_fields(recipe, _place(spot))
        raise RecipeError(f"{_place(spot)}: {_what(error)}{_shown(_line(spot))}", hint=_hint(error, spot)) from error


def _spot(trace: TracebackType | None) -> Spot | None:
    """Frame and line of the innermost code that is neither ours nor an installed package's."""
    found = None
    while trace is not None:
        if _is_users(trace.tb_frame.f_code.co_filename):
            found = trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
    return found


def _recipes(trace: TracebackType | None) -> Generator[Recipe[Any]]:
    """Recipes at work when the exception came: one with a wrong field may stumble over it while it is made."""
    while trace is not None:
        made = trace.tb_frame.f_locals.get("self")
        if isinstance(made, Recipe):
            yield made
        trace = trace.tb_next


def _is_users(name: str) -> bool:
    if name.startswith("<"):
        return False
    path = Path(name).resolve()
    installed = (Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "purelib", "platlib"))
    return not path.is_relative_to(OURS) and not any(path.is_relative_to(place) for place in installed)


def _place(spot: Spot) -> str:
    frame, line = spot
    inside = frame.f_code.co_name
    return f"{Path(frame.f_code.co_filename).name}:{line}" + ("" if inside == "<module>" else f", in {inside}")


def _line(spot: Spot) -> str:
    return linecache.getline(spot[0].f_code.co_filename, spot[1])


def _shown(line: str | None) -> str:
    return f"\n    {line.strip()}" if line and line.strip() else ""


def _what(error: Exception) -> str:
    words = str(error).strip() or "no message"
    return words if isinstance(error, TypeError) else f"{type(error).__name__}: {words}"


def _hint(error: Exception, spot: Spot) -> str:
    """What now: for a call with wrong arguments, what the thing that was called takes."""
    called = _called(str(error), spot[0]) if isinstance(error, TypeError) else None
    if called is not None:
        return _takes(called, str(error))
    if isinstance(error, ModuleNotFoundError):
        return f"install it (pip install {error.name}), or take the import out"
    if isinstance(error, ImportError):
        return "docs/api.md lists what midspec exports"
    return "mend that line; the exception comes from the experiment file, not from a stage"


def _called(words: str, frame: FrameType) -> Callable[..., Any] | None:
    """The class or function that "Midtrain.__init__() got …" is about, found among the names that the file uses."""
    found = CALLED.match(words)
    if found is None:
        return None
    name = found[1].removesuffix(".__init__")
    known = [*frame.f_locals.values(), *frame.f_globals.values()]
    return next((thing for thing in known if callable(thing) and getattr(thing, "__qualname__", None) == name), None)


def _takes(called: Callable[..., Any], words: str) -> str:
    fields = inspect.signature(called).parameters
    needed = [name for name, p in fields.items() if p.default is inspect.Parameter.empty]
    others = [name for name in fields if name not in needed]
    parts = [f"needed: {', '.join(needed)}"] if needed else []
    parts += [f"may be left out: {', '.join(others)}"] if others else []
    unknown = UNKNOWN.search(words)
    near = difflib.get_close_matches(unknown[1], fields, 1, 0.5) if unknown else []
    meant = f"did you mean {near[0]}? " if near else ""
    kind = "fields" if dataclasses.is_dataclass(called) else "arguments"
    return f"{meant}{kind} of {getattr(called, '__name__', 'it')}: {'; '.join(parts) or 'none'}"


def check_fields(recipe: Recipe[Any], where: str) -> None:
    """Raises RecipeError where a field holds another kind of thing than its class declares ("a str" as ``start``)."""
    try:
        hints = get_type_hints(type(recipe))
    except NameError:  # a user's class whose annotations cannot be looked up
        return
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if not _fits(value, hints[field.name]):
            name, wanted = f"{type(recipe).__name__}.{field.name}", _words(hints[field.name])
            found = f"a recipe of a {value.makes.__name__}" if isinstance(value, Recipe) else f"{value!r:.60}"
            raise RecipeError(f"{where}: {name} should be {wanted}, but is {found}", hint=f"give {name} {wanted}")


def _fits(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Recipe:
        made = get_args(hint)[0]
        return isinstance(value, Recipe) and (not isinstance(made, type) or issubclass(value.makes, made))
    if origin is None and isinstance(hint, type):
        return isinstance(value, (int, float) if hint is float else hint)
    if isinstance(origin, type) and origin is not UnionType:
        return isinstance(value, origin)
    return not get_args(hint) or any(_fits(value, part) for part in get_args(hint))


def _words(hint: Any) -> str:
    if get_origin(hint) is Recipe:
        return f"a recipe of a {getattr(get_args(hint)[0], '__name__', 'thing')}"
    if get_origin(hint) is UnionType:
        return " or ".join(map(_words, get_args(hint)))
    return "nothing" if hint is type(None) else f"a {getattr(hint, '__name__', hint)}"
