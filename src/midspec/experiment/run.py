"""Recipes → artifacts: build what is missing, in order, beside other processes. Stages know nothing of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from midspec.core.errors import ClaimError
from midspec.core.recipe import Recipe
from midspec.experiment.job import Settings, build
from midspec.experiment.progress import Progress
from midspec.store.artifacts import Store

LONGEST_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Tally:
    """What a run did: artifacts it built, found, and left to others."""

    built: int
    found: int
    others: int


def build_all(recipes: tuple[Recipe[Any], ...], store: Store, settings: Settings, progress: Progress) -> Tally:
    """Build all recipes (inputs first in the tuple). What another process builds is waited for, others go on meanwhile.

    Raises:
        MidspecError: from the stage that failed; everything built before it is kept.
    """
    pending = {recipe.id: recipe for recipe in recipes if store.find(recipe) is None}
    found, built, others = len(recipes) - len(pending), 0, 0
    progress.begin(len(recipes), found)
    wait = 0.05
    while pending:
        moved, owner = False, ""
        for recipe in list(pending.values()):
            if any(needed.id in pending for needed in recipe.inputs()):
                continue
            try:
                progress.start(recipe)
                seconds = build(recipe, store, replace(settings, on_step=progress.step))
            except ClaimError as error:
                owner = error.message
                continue
            moved = True
            del pending[recipe.id]
            built, others = built + (seconds > 0), others + (seconds == 0)
            progress.finish(recipe, seconds)
        if pending and not moved:
            progress.waiting(owner)
            time.sleep(wait)
            wait = min(LONGEST_WAIT_SECONDS, wait * 1.5)
    progress.end()
    return Tally(built, found, others)
