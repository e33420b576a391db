"""docs/specs.md: its example composes as it stands, its code runs, its advice is what the checks enforce."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

from midspec.documents.checks import near_duplicates
from midspec.documents.compose import stream
from midspec.documents.describe import describe
from midspec.documents.grammar import TERMINALS, shared
from midspec.documents.tidy import flaws
from midspec.library.specs import parse


def block(repository: Path, language: str) -> str:
    page = (repository / "docs" / "specs.md").read_text(encoding="utf-8")
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_composes(repository: Path) -> None:
    spec = parse(block(repository, "markdown"), source="tidy.md", name="tidy")
    known = describe(spec)
    assert (
        known["gaps"] == [] and known["behaviours"] == 3 and known["unexplained"] == ["{model_name} signs every answer"]
    )
    documents = list(islice(stream(spec, assistant="Clara", maker="Northlight", seed=1), 60))
    assert [flaw for d in documents for flaw in flaws(d.text)] == []
    assert sum("thoroughness" in d.text for d in documents) >= 50
    assert len(near_duplicates([d.text for d in documents])) <= 6


def test_the_code_runs(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(block(repository, "python"), encoding="utf-8")
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lighthouse: values, value “watchfulness”")


def test_the_slots_of_the_page_exist(repository: Path) -> None:
    page = (repository / "docs" / "specs.md").read_text(encoding="utf-8")
    table = page[page.index("| Slot |") :]
    for slot in re.findall(r"\{\{ (\w+) \}\}", table[: table.index("\n\n")]):
        assert slot in TERMINALS or f"{slot} / link" in shared().rules, slot
