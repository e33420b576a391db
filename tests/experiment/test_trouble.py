"""A mistake in an experiment file ends in a sentence with file, line and what now, never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from midspec.core.errors import RecipeError
from midspec.experiment.experiment import load_experiment
from tests.whole.conftest import TINY, midspec

HEAD = '''"""Nothing is expected."""
from midspec import *
BASE = Pretrained(source="tiny/llama")
READ = Schedule(updates=2)
def arm(*, seed):
    CORPUS = ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=9, seed=1)
    return {arm}
experiment = Experiment(question="?", arms={arms}, points=grid(seed={seeds}), evals={evals})
{more}
'''
REST = "question='?', arms=(arm,), points=grid(seed=(1,)), evals=(Choice(items=load_items('tiny')),)"
CHOICE = '(Choice(items=load_items("tiny")),)'


def words(folder: Path, arm: str = "BASE", arms: str = "(arm,)", seeds: str = "(1,)", evals: str = CHOICE,
          more: str = "") -> str:  # fmt: skip
    """What loading such a file and working out its cells says."""
    path = folder / "mine.py"
    made = HEAD
    for name, text in (("arms", arms), ("arm", arm), ("seeds", seeds), ("evals", evals), ("more", more)):
        made = made.replace("{" + name + "}", text)
    path.write_text(made, encoding="utf-8")
    with pytest.raises(RecipeError) as found:
        load_experiment(path).recipes()
    return str(found.value)


WRONG = [
    ({"arm": "Midtrain(strat=BASE, on=CORPUS, schedule=READ, seed=1)"},
     ["mine.py:7, in arm", "unexpected keyword argument 'strat'", "did you mean start?", "needed: start, on, schedule",
      "may be left out: method, about"]),
    ({"arm": "Midtrain(start=BASE, on=CORPUS, seed=1)"}, ["mine.py:7", "missing", "'schedule'", "fields of Midtrain"]),
    ({"arm": "Finetune(start=BASE, on=CORPUS, schedule=READ, seed=1)"},
     ["arm arm", "Finetune.on should be a recipe of a ChatSet, but is a recipe of a Corpus"]),
    ({"arm": 'Midtrain(start="tiny/llama", on=CORPUS, schedule=READ, seed=1)'},
     ["mine.py:7, in arm", "Midtrain.start should be a recipe of a Checkpoint, but is 'tiny/llama'"]),
    ({"arm": "Midtrain(start=BASE, on=CORPUS, schedule='fast', seed=1)"}, ["Midtrain.schedule should be a Schedule"]),
    ({"arm": "None"}, ["arm arm returns None at every point", "return"]),
    ({"arm": "CORPUS"}, ["arm arm returns compose-documents-affordability, which is no model"]),
    ({"arm": "Midtrain(start=BASE, on=CORPUS, schedule=Schedule(), seed=1)"}, ["mine.py:7, in arm: Schedule: give"]),
    ({"arm": "{}['a']"}, ["mine.py:7, in arm", "KeyError: 'a'", "return {}['a']"]),
    ({"more": "1 / 0"}, ["mine.py:9", "ZeroDivisionError", "1 / 0"]),
    ({"more": "load_items('tiny', 3)"}, ["mine.py:9", "load_items() takes", "arguments of load_items"]),
    ({"more": "def broken(:"}, ["mine.py:9", "not Python"]),
    ({"more": "import no_such_package"}, ["mine.py:9", "pip install no_such_package"]),
    ({"more": "from midspec import Corpse"}, ["mine.py:9", "Corpse", "docs/api.md"]),
    ({"arms": "[arm]"}, ["mine.py:8", "arms is a list where a tuple", "arms=(first,)"]),
    ({"evals": '(Choice(items=load_items("tiny")))'}, ["evals is a Choice where a tuple"]),
    ({"seeds": "[1, 2]"}, ["mine.py:8", "seed=(1, 2)"]),
    ({"seeds": "3"}, ["seed=(3,)"]),
    ({"more": f"Experiment({REST}, graders=Graders(grader=Model(address='scripted/grader')))"},
     ["no Rollout or Borrowed", "evals=(Rollout("]),
    ({"more": f"Experiment({REST}, labels=1)"}, ["no Answers(reader=…)", "evals=(Answers("]),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "said"), WRONG, ids=[next(iter(p.values()))[:40] for p, _ in WRONG])
def test_mistakes_are_told(tmp_path: Path, parts: dict[str, str], said: list[str]) -> None:
    shown = words(tmp_path, **parts)
    assert "what now" in shown
    for piece in said:
        assert piece in shown


def test_shipped_experiments_keep_their_types() -> None:
    assert load_experiment(TINY).recipes()


def test_the_command_line_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('"""Nothing."""\nfrom midspec import *\nGrade(by=1)\n', encoding="utf-8")
    done = midspec("plan", "mine.py", cwd=tmp_path, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "mine.py:3" in done.stderr
