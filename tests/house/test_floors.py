"""Imports go down only, neighbours never meet, and nothing of ours is imported late."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src" / "midspec"
FLOOR = {
    "core": 0,
    "library": 1,
    "store": 1,
    "models": 2,
    "training": 3,
    "documents": 3,
    "chats": 3,
    "specs": 3,
    "evals": 3,
    "report": 3,
    "stages": 4,
    "experiment": 5,
    "cli": 6,
}
FILES = sorted(SRC.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def ours(tree: ast.AST) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the floor"
            found.append((node.module or "", node.lineno))
        elif isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
    return [(name, line) for name, line in found if name.split(".")[0] == "midspec"]


def test_every_room_has_a_floor() -> None:
    assert {room(f) for f in FILES} - {"__init__"} == FLOOR.keys()


@pytest.mark.parametrize(
    "path", [f for f in FILES if f.name != "__init__.py" or f.parent != SRC], ids=lambda f: str(f.relative_to(SRC))
)
def test_imports_go_down(path: Path) -> None:
    here = room(path)
    for name, line in ours(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        assert len(parts) > 1, f"{path}:{line}: imports the package itself"
        there = parts[1]
        assert there == here or FLOOR[there] < FLOOR[here], (
            f"{path}:{line}: {here} (floor {FLOOR[here]}) imports {there} (floor {FLOOR[there]})"
        )


@pytest.mark.parametrize("path", [f for f in FILES if f != SRC / "cli.py"], ids=lambda f: str(f.relative_to(SRC)))
def test_nothing_of_ours_is_imported_late(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert not ours(function), f"{path}:{function.lineno}: {function.name} imports midspec late"


def test_core_stands_on_the_standard_library_alone() -> None:
    import sys

    for path in (SRC / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [node.module]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for name in names:
                top = (name or "").split(".")[0]
                assert top == "midspec" or top in sys.stdlib_module_names, f"{path}: imports {name}"


def test_no_circles_between_modules() -> None:
    graph = {}
    for path in FILES:
        name = ".".join(("midspec", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        body = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
        graph[name] = {m for node in body for m, _ in ours(ast.Module([node], []))}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' → '.join((*trail, name))}"
        if name in done or name not in graph:
            return
        for needed in graph[name]:
            visit(needed, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_experiments_import_us_and_are_never_imported() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] != "experiments"
