"""Code on the documentation pages runs, in order, in an empty folder."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from midspec.experiment.verbs import shipped

REPOSITORY = Path(__file__).resolve().parents[2]


def blocks(page: str) -> str:
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def run_code(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "page.py").write_text(code, encoding="utf-8")
    return subprocess.run([sys.executable, "page.py"], cwd=folder, capture_output=True, text=True)


def test_the_api_page_runs(tmp_path: Path) -> None:
    code = blocks("api.md")
    assert code.count("build(") >= 3, "the page lost its examples"
    done = run_code(code, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "neither a shipped spec nor a file" in done.stdout
    assert (tmp_path / "my-store" / "reports" / "mine" / "report.html").is_file()


def test_the_experiment_on_the_page_plans(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(blocks("experiments.md"), encoding="utf-8")
    command = [sys.executable, "-m", "midspec.cli", "plan", "my.py", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    # One untouched model, and three seeds at two sizes.
    assert done.stdout.count('"arm": "midtrained') == 2 and done.stdout.count('"arm": "untouched"') == 1


def test_every_guard_of_training_is_documented() -> None:
    from midspec.training.guards import CHECKS

    page = (REPOSITORY / "docs" / "training.md").read_text(encoding="utf-8")
    assert not [name for name, does in CHECKS.items() if f"| {name} | {does} |" not in page]


def test_the_page_on_asking_runs(tmp_path: Path) -> None:
    done = run_code(blocks("asking.md"), tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_page_on_grading_runs(tmp_path: Path) -> None:
    code = blocks("grading.md")
    assert code.count("build(") >= 3, "the page lost its examples"
    done = run_code(code, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "unless you want" in done.stdout and "2 of 66 · 64 of 66" in done.stdout


def test_the_page_on_scenarios_runs(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "scenarios.md").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0], encoding="utf-8")
    done = run_code(blocks("scenarios.md"), tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "180 cells in all" in done.stdout and "Quayside Playhouse" in done.stdout


def test_a_wheel_has_the_experiments_where_new_looks_for_them() -> None:
    sources = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    wheel = sources["targets"]["wheel"]
    assert wheel["only-include"] == ["src/midspec", "experiments"]
    assert wheel["sources"]["experiments"] == "midspec/library/experiments"
    assert "library" in inspect.getsource(shipped) and len(shipped()) >= 2
