"""Pretrained: identity by content and commit, names that are known or asked for, an artifact that later stages load."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import RecipeError, SetupError
from midspec.core.job import Job
from midspec.models.local import load
from midspec.models.sources import resolve
from midspec.stages.pretrained import Pretrained

EMBEDDED = "embedded/smollm2-135m-instruct"


class Here:
    """As much of a job as this stage uses."""

    device = "cpu"

    def __init__(self, folder: Path) -> None:
        self.folder, self.facts = folder, dict[str, Any]()

    def note(self, **facts: Any) -> None:
        self.facts |= facts


@pytest.fixture
def build(tmp_path: Path) -> Callable[[Pretrained], Checkpoint]:
    def built(recipe: Pretrained) -> Checkpoint:
        folder = tmp_path / recipe.folder_name
        folder.mkdir()
        recipe.build(cast("Job", Here(folder))).write(folder)
        return Checkpoint.read(folder)

    return built


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resolve("tiny/llama"), tmp_path / "first"))


def test_names_come_from_the_model_or_from_the_recipe(copied: Path) -> None:
    assert Pretrained(source="tiny/llama").names == ("Tiny", "midspec")
    assert Pretrained(source=EMBEDDED).names == ("SmolLM", "Hugging Face")
    assert Pretrained(source="tiny/llama", assistant="Ada").names == ("Ada", "midspec")
    assert Pretrained(source=str(copied), assistant="Ada", maker="Us").names == ("Ada", "Us")
    for half in ({}, {"assistant": "Ada"}, {"maker": "Us"}, {"assistant": "", "maker": "Us"}):
        with pytest.raises(RecipeError, match="give both"):
            _ = Pretrained(source=str(copied), **half).id


def test_identity_is_what_it_is_not_where_it_lies(copied: Path, tmp_path: Path) -> None:
    def own(source: Path, **more: Any) -> Pretrained:
        return Pretrained(source=str(source), assistant="Ada", maker="Us", **more)

    first = own(copied)
    second = own(Path(shutil.copytree(copied, tmp_path / "second")))
    assert first.id == second.id
    assert str(tmp_path) not in str(first.describe())
    assert first.id != own(copied, system="").id != own(copied, system="Be brief.").id
    (tmp_path / "second" / "chat_template.jinja").write_text("other")
    assert own(tmp_path / "second").id != first.id
    assert Pretrained(source="tiny/llama").id != first.id
    # A default that is spelled out is the same recipe.
    assert Pretrained(source="tiny/llama").id == Pretrained(source="tiny/llama", assistant="Tiny", maker="midspec").id


def test_naming_a_model_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDSPEC_CACHE", str(tmp_path / "cache"))
    assert Pretrained(source=EMBEDDED).id != Pretrained(source="tiny/llama").id
    assert not (tmp_path / "cache").exists()


def test_a_hub_name_needs_the_hub_or_a_commit() -> None:
    commit = "a" * 40
    recipe = Pretrained(source="Qwen/Qwen2.5-0.5B", revision=commit)
    assert recipe.names == ("Qwen", "Alibaba Cloud")
    assert recipe.describe()["fields"]["source"] == {"hub": "Qwen/Qwen2.5-0.5B", "commit": commit}
    with pytest.raises(SetupError, match="cannot be fetched from the hub"):
        _ = Pretrained(source="Qwen/Qwen2.5-0.5B").id
    with pytest.raises(SetupError, match="have: tiny/llama"):
        _ = Pretrained(source="tiny/none").id


def test_the_artifact_holds_no_weights_and_loads(build: Callable[[Pretrained], Checkpoint], copied: Path) -> None:
    made = build(Pretrained(source="tiny/llama", system="Be brief."))
    assert [path.name for path in made.folder.iterdir()] == ["checkpoint.json"]
    assert (made.assistant, made.maker, made.system, made.doses) == ("Tiny", "midspec", "Be brief.", ())
    assert made.base.source == "tiny/llama" and load(made).model.config.hidden_size == 64

    own = build(Pretrained(source=str(copied), assistant="Ada", maker="Us"))
    assert own.base.source == str(copied) and own.base.digest == made.base.digest
    # The same artifact serves when the folder has moved and a recipe has named its new place.
    moved = copied.rename(copied.with_name("elsewhere"))
    _ = Pretrained(source=str(moved), assistant="Ada", maker="Us").id
    assert load(own).model.config.hidden_size == 64
