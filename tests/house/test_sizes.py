"""No file over 400 lines, no function over 70, no recipe over ten fields, no name that says nothing."""

from __future__ import annotations

import ast
import dataclasses
import importlib
from pathlib import Path

import pytest

from midspec.core.recipe import Recipe

SRC = Path(__file__).resolve().parents[2] / "src" / "midspec"
FILES = sorted(SRC.rglob("*.py"))
EMPTY_NAMES = {"utils", "helpers", "common", "base", "misc", "manager", "v2"}


@pytest.mark.parametrize("path", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_sizes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{path}: over 400 lines"
    assert path.stem not in EMPTY_NAMES, f"{path}: the name says nothing"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= 70, f"{path}:{node.lineno}: {node.name} has {lines} lines"


def test_recipes_have_at_most_ten_fields() -> None:
    for path in sorted((SRC / "stages").glob("*.py")):
        importlib.import_module(f"midspec.stages.{path.stem}" if path.stem != "__init__" else "midspec.stages")
    assert Recipe.__subclasses__()
    for recipe in Recipe.__subclasses__():
        assert len(dataclasses.fields(recipe)) <= 10, recipe
        assert recipe.__dataclass_params__.frozen, recipe  # pyright: ignore


@pytest.mark.parametrize("path", [f for f in FILES if f.stem != "__init__"], ids=lambda f: str(f.relative_to(SRC)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path}: no docstring"
