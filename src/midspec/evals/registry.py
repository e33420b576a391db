"""A name → the eval in the file of that name beside this one. The folder is the list; "_" marks shared parts."""

from __future__ import annotations

from importlib import import_module
from inspect import isabstract
from pathlib import Path

from midspec.core.errors import SetupError
from midspec.evals._eval import Eval

HERE = Path(__file__)


def names() -> tuple[str, ...]:
    """The evals that there are."""
    return tuple(sorted(p.stem for p in HERE.parent.glob("*.py") if not p.name.startswith("_") and p.name != HERE.name))


def eval_class(name: str) -> type[Eval]:
    """The eval in the file ``name``; raises SetupError with the names that exist."""
    if name not in names():
        raise SetupError(f"no eval {name!r} in evals/ (have: {', '.join(names())})")
    found = import_module(f"midspec.evals.{name}")
    for value in vars(found).values():
        if isinstance(value, type) and issubclass(value, Eval) and not isabstract(value) and value.name == name:
            return value
    raise SetupError(f"evals/{name}.py defines no Eval whose name is {name!r}")
