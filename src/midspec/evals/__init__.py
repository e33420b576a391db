"""Evals, one file each: this folder is their registry. A leading "_" marks a shared part."""

from __future__ import annotations

from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from midspec.core.errors import SetupError

if TYPE_CHECKING:
    from midspec.evals._eval import Eval


def names() -> tuple[str, ...]:
    """The evals that there are: the files of this folder."""
    return tuple(sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_") and not m.ispkg))


def eval_class(name: str) -> type[Eval]:
    """The eval in the file ``name``; raises SetupError with the names that exist."""
    if name not in names():
        raise SetupError(f"no eval {name!r} in evals/ (have: {', '.join(names())})")
    found = import_module(f"{__name__}.{name}")
    for value in vars(found).values():
        if isinstance(value, type) and not isabstract(value) and getattr(value, "name", None) == name:
            return value
    raise SetupError(f"evals/{name}.py defines no Eval whose name is {name!r}")
