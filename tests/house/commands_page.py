"""The command line → docs/commands.md. Run this file to write the page anew; a test fails when it is stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from midspec.cli import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
HEAD = """# Commands

Generated from the program: `python tests/house/commands_page.py`. Exit codes: 0 done, 1 failed, 2 wrong use,
75 try again later. Errors say what, where and what now. `--store` defaults to `midspec-store` here, or to
`$MIDSPEC_STORE`; converted models are kept in `$MIDSPEC_CACHE`, else in the user's cache folder.
`midspec --version` says which version this is.
"""


def page() -> str:
    parts = [HEAD]

    def walk(command: Any, name: str) -> None:
        if hasattr(command, "commands"):
            for child, below in command.commands.items():
                walk(below, f"{name} {child}".strip())
            return
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
        words = "".join(f" {a.metavar or a.name}" for a in arguments)
        rows = [*((str(a.metavar or a.name), "", a.help or "") for a in arguments), *map(option_row, options)]
        lines = ["| | default | |", "|---|---|---|", *(f"| `{n}` | {d} | {h} |" for n, d, h in rows)]
        parts.append(f"## `midspec {name}{words}`\n\n{command.help}\n\n" + "\n".join(lines) + "\n")

    walk(typer.main.get_command(app), "")
    return "\n".join(parts)


def option_row(option: Any) -> tuple[str, str, str]:
    silent = option.default is None or option.default is False or option.default == ""
    shown = "required" if option.required else "" if silent else f"`{option.default}`"
    return next(o for o in option.opts if o.startswith("--")), shown, option.help or ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
