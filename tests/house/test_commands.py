"""The command line is frozen and quick to give help; what is shipped (commands, specs, sets, evals) is documented."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from midspec.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
SRC = REPOSITORY / "src" / "midspec"
FROZEN = {
    "plan": "--batch --device --final --json --store FILE",
    "run": "--batch --budget --device --final --jobs --json --store --track FILE",
    "report": "--final --json --store FILE [FILE]",
    "verify": "--json DIR",
    "doctor": "--device --json --store",
    "store ls": "--json --store",
    "store gc": "--store --yes FILE...",
    "new": "--to NAME",
    "serve": "--port --print --tool-parser [NAME=]MODEL...",
    "spec": "--augment --batch --budget --critic --json --out --seed --store --vague --words --writer SPEC",
    "write": "--assistant --batch --budget --critic --maker --out --seed --shows --store --tokens --tree --words "
    "--writer SPEC",
    "chats": "--assistant --batch --budget --count --judge --maker --out --reasoning --seed --store --style --writer"
    " SPEC",
    "train": "--assistant --chats --device --documents --full --jobs --length --maker --micro --precision --rate"
    " --revision --rows --seed --start --store --unusable --updates --warmup",
    "calibrate": "--acts --batch --budget --grader --json --labels --store --transcripts",
    "eval": "--adapter --device --items --jobs --json --seed --store --system KIND MODEL",
}


def surface() -> dict[str, str]:
    group = typer.main.get_command(app)
    found: dict[str, str] = {}

    def walk(command: object, name: str) -> None:
        children = getattr(command, "commands", None)
        if children is not None:
            for child, below in children.items():
                walk(below, f"{name} {child}".strip())
            return
        options, arguments = [], []
        for parameter in command.params:  # type: ignore[attr-defined]
            if parameter.param_type_name == "argument":
                arguments.append(str(parameter.metavar or parameter.name).strip())
            elif "--help" not in parameter.opts:
                options.append(next(o for o in parameter.opts if o.startswith("--")))
        found[name] = " ".join([*sorted(options), *sorted(arguments)])

    walk(group, "")
    return found


def test_the_command_line_is_frozen() -> None:
    assert surface() == FROZEN


def documentation() -> str:
    return "\n".join(
        p.read_text(encoding="utf-8") for p in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    )


@pytest.mark.parametrize("command", sorted(FROZEN))
def test_commands_are_documented(command: str) -> None:
    assert f"midspec {command}" in documentation()


def shipped() -> list[tuple[str, str]]:
    places = {"specs": "*.md", "items": "*.jsonl", "questions": "*.jsonl", "chats": "*.jsonl", "preferences": "*",
              "scenarios": "*.yaml"}
    found = [
        (place, p.stem)
        for place, shape in places.items()
        for p in sorted((SRC / "library" / place).glob(shape))
        if p.is_file()
    ]
    found += [
        ("evals", p.stem)
        for p in sorted((SRC / "evals").glob("*.py"))
        if p.stem not in {"__init__", "registry", "bias"} and not p.stem.startswith("_")
    ]
    return found + [("experiments", p.stem) for p in sorted((REPOSITORY / "experiments").glob("*.py"))]


@pytest.mark.parametrize(("place", "name"), shipped(), ids=lambda v: str(v))
def test_what_is_shipped_is_documented(place: str, name: str) -> None:
    assert f"`{name}`" in documentation() or f"{place}/{name}" in documentation(), (
        f"{place}/{name} stands nowhere in README or docs/"
    )


def test_help_is_fast_and_needs_no_torch() -> None:
    probe = (
        "import sys; sys.argv = ['midspec', '--help']\n"
        "from midspec.cli import app\ntry: app()\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules, 'heavy import'"
    )
    best = 10.0
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time: on a busy machine the clock on the wall measures the others.
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0, done.stderr
        assert "midtrain" in done.stdout
    assert best <= 0.3, f"--help took {best:.2f} s at best"


def test_pages_of_help_name_every_option() -> None:
    for name, words in FROZEN.items():
        done = subprocess.run(
            [sys.executable, "-m", "midspec.cli", *name.split(), "--help"],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin", "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"},
        )
        assert done.returncode == 0, done.stderr
        for option in (w for w in words.split() if w.startswith("--")):
            assert option in done.stdout, f"{name}: {option}"


def test_the_page_of_commands_is_fresh() -> None:
    from tests.house.commands_page import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run `python tests/house/commands_page.py`"
