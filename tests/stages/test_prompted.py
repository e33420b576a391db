"""The same weights with the spec in the system turn."""

from __future__ import annotations

from pathlib import Path

from midspec import Pretrained, Prompted, Store, build, load_spec
from midspec.core.checkpoint import Checkpoint
from midspec.models.local import load


def test_the_spec_stands_before_the_models_own_system_turn(tmp_path: Path) -> None:
    start = Pretrained(source="tiny/llama", assistant="Wren", maker="Oakdale", system="Be brief.")
    recipe = Prompted(start=start, spec=load_spec("affordability"))
    folder = build(recipe, store=tmp_path / "store")
    made = Store(tmp_path / "store").read(recipe)
    assert made.system is not None and made.system.endswith("\n\nBe brief.")
    assert "Wren holds that a good thing" in made.system and "{model_name}" not in made.system
    assert Checkpoint.read(folder).base == made.base
    assert load(made).checkpoint.system == made.system
