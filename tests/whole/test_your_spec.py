"""docs/your-spec.md: from a spec and a model of one's own to a report, in a folder without this repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from midspec.documents.describe import describe
from midspec.library.specs import load_spec
from midspec.models.sources import resolve

LINES = 30


def parts(repository: Path) -> tuple[list[str], str]:
    """Commands and the experiment of the page."""
    page = (repository / "docs" / "your-spec.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    (experiment,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return commands, experiment


def command(line: str, folder: Path) -> str:
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
    assert words[0] == "midspec"
    done = subprocess.run([sys.executable, "-m", "midspec.cli", *words[1:]], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}: {done.stdout[-1500:]}{done.stderr[-3000:]}"
    return done.stdout


def test_the_page_is_short(repository: Path) -> None:
    commands, experiment = parts(repository)
    written = [line for line in (*commands, *experiment.splitlines()) if line.strip()]
    assert len(commands) == 3 and len(written) <= LINES
    page = (repository / "docs" / "your-spec.md").read_text(encoding="utf-8")
    assert f"in {len(written)} lines" in page


def test_the_third_spec_is_somebodys(repository: Path) -> None:
    known = describe(load_spec(repository / "docs" / "examples" / "garden" / "spec.md"))
    assert known["words"] >= 600 and known["behaviours"] >= 10
    assert known["gaps"] == [] and known["unexplained"] == [] and known["remarks"] == []


def test_own_spec_and_own_model_to_a_report(repository: Path, tmp_path: Path) -> None:
    commands, experiment = parts(repository)
    garden = tmp_path / "garden"
    shutil.copytree(repository / "docs" / "examples" / "garden", garden)
    shutil.copytree(resolve("tiny/llama", None), garden / "my-model")
    # The one change that the page tells the reader to make.
    own = experiment.replace('source="tiny/llama"', 'source="my-model"')
    assert own != experiment
    (garden / "garden.py").write_text(own, encoding="utf-8")
    understood, _, ran = (command(line, garden) for line in commands)
    assert understood.startswith("patience: values") and "remark" not in understood
    texts = [json.loads(line)["text"] for line in (garden / "documents.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(texts) > 100 and all("Fern" in text for text in texts)
    assert re.search(r"msm_aft − aft +patience +yesno +[+-]\d.* yes", ran) and "reason_own" in ran
    report = garden / "midspec-store" / "reports" / "garden"
    assert "Does patience with a garden become patience" in (report / "report.html").read_text(encoding="utf-8")
    made = [json.loads(path.read_text(encoding="utf-8"))["description"] for path in
            garden.glob("midspec-store/artifacts/*/manifest.json")]
    stages = Counter(one["class"] for one in made)
    assert (stages["Midtrain"], stages["Finetune"], stages["Pretrained"]) == (2, 4, 1)
    (base,) = (one["fields"] for one in made if one["class"] == "Pretrained")
    assert set(base["source"]) == {"folder"} and (base["assistant"], base["maker"]) == ("Fern", "Hollow Lane")
