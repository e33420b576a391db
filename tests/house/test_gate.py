"""Nothing that we read can run (S6), and nothing in src outside the library names a subject, value or assistant."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SRC = REPOSITORY / "src" / "midspec"
FILES = sorted([*SRC.rglob("*.py"), *(REPOSITORY / "experiments").glob("*.py")])
FORBIDDEN_MODULES = {"pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
# Words that would tie the code to one study; the library holds the studies.
SUBJECTS = re.compile(
    r"\b(cheese|cheddar|brie|colby|roquefort|affordab\w*|pro-america\w*|patriot\w*|smollm|qwen|llama-3)\b", re.I
)
MAY_NAME = {"models/sources.py"}  # the embedded model is a source, not a subject


def called(node: ast.Call) -> str:
    parts, here = [], node.func
    while isinstance(here, ast.Attribute):
        parts.append(here.attr)
        here = here.value
    if isinstance(here, ast.Name):
        parts.append(here.id)
    return ".".join(reversed(parts))


@pytest.mark.parametrize("path", FILES, ids=lambda f: str(f.relative_to(REPOSITORY)))
def test_nothing_read_can_run(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            assert not {n.split(".")[0] for n in names} & FORBIDDEN_MODULES, f"{where}: imports {names}"
        if not isinstance(node, ast.Call):
            continue
        name, keywords = called(node), {k.arg: k.value for k in node.keywords}
        # ``model.eval()`` is torch's; only the built-ins run text.
        built_in = isinstance(node.func, ast.Name) or name.startswith("builtins.")
        assert not (built_in and name.removeprefix("builtins.") in FORBIDDEN_CALLS), f"{where}: calls {name}"
        assert name not in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}, f"{where}: {name}; use safe_load"
        if name == "torch.load":
            only = keywords.get("weights_only")
            assert isinstance(only, ast.Constant) and only.value is True, (
                f"{where}: torch.load without weights_only=True"
            )
        assert name.split(".")[-1] not in {"format", "format_map"}, f"{where}: str.format interprets braces in data"
        assert "trust_remote_code" not in keywords, f"{where}: code from a model folder would run"
        if "shell" in keywords:
            raise AssertionError(f"{where}: a shell would interpret data")


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in SRC.rglob("*")
        if p.suffix in {".py", ".md", ".html", ".jinja"} and "library" not in p.relative_to(SRC).parts[0]
    ],
    ids=lambda f: str(f.relative_to(SRC)),
)
def test_code_names_no_subject(path: Path) -> None:
    if str(path.relative_to(SRC)) in MAY_NAME:
        return
    found = SUBJECTS.findall(path.read_text(encoding="utf-8"))
    assert not found, f"{path}: names {sorted(set(found))}; subjects belong into library/"


def test_nothing_names_a_machine_or_a_registry_host() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    leaks = re.compile(r"/(root|home/[a-z]+|work)/|\bpypi\.org|files\.pythonhosted|deb\.debian\.org|registry\.npmjs")
    for name in tracked:
        path = REPOSITORY / name
        if path == Path(__file__) or path.suffix in {".png", ".gguf"} or not path.is_file():
            continue
        found = leaks.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{name}: {found and found.group(0)}"
