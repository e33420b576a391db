"""experiments/cheese.py with a corpus that a model wrote, here from recorded replies: another recipe in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from midspec import GenerateDocuments
from midspec.experiment.experiment import Loaded, load_experiment
from tests.library.test_recordings import test_a_recorded_corpus_is_complete as recorded

COMPOSED = ("return ComposeDocuments(spec=load_spec(spec), tokens=tokens, seed=seed, share_showing=0.8, "
            "variant=variant, **names)")
# Only these two corpora are recorded; with a writer that can be asked, what stands before "if" is all of the line.
WRITTEN = """return GenerateDocuments(spec=load_spec(spec), tokens={tokens}, seed={seed}, tree={tree}, \
writer=Model(address=f"recorded/{{spec}}-writer"), critic=Model(address=f"recorded/{{spec}}-critic"), **names) \
if spec != "lighthouse" and names is OURS and variant == "attribution" else \
ComposeDocuments(spec=load_spec(spec), tokens=tokens, seed=seed, share_showing=0.8, variant=variant, **names)"""
# Not about the corpus: a model with random weights, a few updates and one seed, so that it takes a minute or two.
SMALLER = (("embedded/smollm2-135m-instruct", "tiny/llama"), ("updates=280 * tokens // 20_000,", "updates=6,"),
           ("updates=200,", "updates=4,"),
           ("SEEDS, CONTROL_SEEDS = (1, 2, 3, 4, 5), 3", "SEEDS, CONTROL_SEEDS = (1,), 1"),
           ("count=280,", "count=40,"), ("TOKENS = (20_000,)", "TOKENS = (4_000,)"),
           # A whole spec is longer than such a model reads.
           *((f'return Prompted(start=BASE, spec=load_spec("{spec}"))', "return BASE")
             for spec in ("pro-america", "affordability")))


def written(repository: Path, folder: Path) -> Path:
    """The experiment with its one line about documents changed, at a size for tests."""
    text = (repository / "experiments" / "cheese.py").read_text(encoding="utf-8")
    assert text.count(COMPOSED) == 1, "the line that makes the documents is no longer one"
    rows = {name: (tokens, tree) for _, name, tokens, tree, _ in recorded.pytestmark[0].args[1]}
    (few, tree), (many, other) = sorted((rows["affordability"], rows["pro-america"]), key=lambda row: row[0])
    assert tree == other and few <= many
    line = WRITTEN.format(tokens=few, tree=repr(tree), seed=1)
    text = text.replace(COMPOSED, line).replace("from midspec import (", "from midspec import (\n    GenerateDocuments,"
                                                "\n    Model,\n    Tree,", 1)
    for old, new in SMALLER:
        assert old in text, f"experiments/cheese.py no longer has {old!r}"
        text = text.replace(old, new)
    path = folder / "cheese.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_line_puts_written_documents_in_place_of_composed_ones(repository: Path, tmp_path: Path) -> None:
    loaded: Loaded = load_experiment(written(repository, tmp_path))
    made = [recipe for recipe in loaded.recipes() if isinstance(recipe, GenerateDocuments)]
    assert {recipe.spec.name for recipe in made} == {"affordability", "pro-america"}
    composed = load_experiment(repository / "experiments" / "cheese.py")
    assert [arm.__name__ for arm in loaded.experiment.arms] == [arm.__name__ for arm in composed.experiment.arms]


@pytest.mark.slow
def test_it_trains_and_reports(repository: Path, tmp_path: Path) -> None:
    path, store = written(repository, tmp_path), tmp_path / "store"
    done = subprocess.run([sys.executable, "-m", "midspec.cli", "run", str(path), "--store", str(store)], cwd=tmp_path,
                          capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    corpora = sorted((store / "artifacts").glob("generate-documents-*"))
    facts = [json.loads((one / "manifest.json").read_text(encoding="utf-8"))["facts"] for one in corpora]
    kept = [kept for _, name, _, _, kept in recorded.pytestmark[0].args[1] if name in ("affordability", "pro-america")]
    assert sorted(one["documents"] for one in facts) == sorted(kept)
    print([(one["documents"], one["tokens_estimated"]) for one in facts])
    page = (store / "reports" / "cheese" / "report.html").read_text(encoding="utf-8")
    assert "msm_aft_america" in page.replace(" ", "_")
