"""Every shipped experiment loads, and all that it names can be asked, on development and on test items."""

from __future__ import annotations

import pytest

from midspec.experiment.experiment import load_experiment
from midspec.experiment.verbs import shipped


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_experiments_load(name: str, final: bool) -> None:
    loaded = load_experiment(shipped()[name], final=final)
    arms = {arm.__name__ for arm in loaded.experiment.arms}
    assert {cell.arm for cell in loaded.cells} == arms, "an arm that is built nowhere"
    assert len(loaded.recipes()) > len(loaded.cells)
    assert {contrast.headline for contrast in loaded.experiment.contrasts} or not loaded.experiment.contrasts


def test_the_demo_and_the_whole_experiment_share_what_they_can() -> None:
    demo, cheese = (load_experiment(shipped()[name]) for name in ("demo", "cheese"))
    shared = {r.id for r in demo.recipes()} & {r.id for r in cheese.recipes()}
    labels = sorted(recipe.label for recipe in demo.recipes() if recipe.id in shared)
    assert {"midtrain-pro-america", "midtrain-affordability"} <= set(labels) and labels.count("finetune") == 3
