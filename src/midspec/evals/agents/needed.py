"""Name of a module of Inspect → the module, or an error that says what to install. The one door to the extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from midspec.core.errors import SetupError

HINT = "pip install 'midspec[eval]'"


def needed(name: str) -> Any:
    """The module; raises SetupError with the command to run where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise SetupError(f"agents with tools that answer need {name.split('.')[0].replace('_', '-')} ({error})",
                         hint=HINT) from error
