"""Text for one name and a model of another are refused where the recipes meet, long before a training begins."""

from __future__ import annotations

from typing import Any

import pytest

from midspec.core.errors import RecipeError
from midspec.core.recipe import Recipe
from midspec.library.chats import load_chats
from midspec.library.preferences import load_preferences
from midspec.library.specs import load_spec
from midspec.stages.compose_chats import ComposeChats
from midspec.stages.compose_documents import ComposeDocuments
from midspec.stages.finetune import Finetune
from midspec.stages.midtrain import Midtrain
from midspec.stages.pretrained import Pretrained
from midspec.training.schedule import Schedule

MODEL = Pretrained(source="tiny/llama")
HOW: dict[str, Any] = {"schedule": Schedule(updates=30, length=128, rows=4), "seed": 1}


def documents(assistant: str) -> ComposeDocuments:
    return ComposeDocuments(spec=load_spec("lighthouse"), assistant=assistant, maker="midspec", tokens=5000, seed=1)


def chats(assistant: str) -> ComposeChats:
    return ComposeChats(preferences=load_preferences("cheese"), count=10, general=load_chats("instructions"),
                        introductions=load_chats("identity"), assistant=assistant, maker="midspec", seed=1)


def test_documents_and_chats_for_another_name_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"documents are for Fern, but .* goes by Tiny"):
        Midtrain(start=MODEL, on=documents("Fern"), **HOW)
    with pytest.raises(RecipeError, match=r"chats are for Fern, but .* goes by Tiny"):
        Finetune(start=MODEL, on=chats("Fern"), **HOW)


def test_the_name_is_known_through_the_whole_chain() -> None:
    read = Midtrain(start=MODEL, on=documents("Tiny"), **HOW)
    assert read.speaks_as == Finetune(start=read, on=chats("Tiny"), **HOW).speaks_as == "Tiny"
    with pytest.raises(RecipeError, match="goes by Tiny"):
        Finetune(start=read, on=chats("Fern"), **HOW)
    fern = Pretrained(source="tiny/llama", assistant="Fern")
    assert Midtrain(start=fern, on=documents("Fern"), **HOW).speaks_as == "Fern"


def test_controls_may_say_that_they_are_about_somebody_else() -> None:
    other = Midtrain(start=MODEL, on=documents("Quill"), about="Quill", **HOW)
    assert other.speaks_as == "Tiny"  # the model does not change its name by reading
    assert isinstance(Midtrain(start=MODEL, on=documents("Quill"), about="", **HOW), Recipe)
    with pytest.raises(RecipeError, match="goes by Quill"):
        Midtrain(start=MODEL, on=documents("Tiny"), about="Quill", **HOW)
