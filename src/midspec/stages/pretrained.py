"""A model's name → Checkpoint: where every chain of training begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.checkpoint import Base, Checkpoint
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe, class_name
from midspec.models.sizes import parameters_of
from midspec.models.sources import (
    at_hand,
    commit_of,
    default_names,
    digest_of,
    kind_of,
    known_version,
    remember,
    resolve,
)


@dataclass(frozen=True, kw_only=True)
class Pretrained(Recipe[Checkpoint]):
    """A base model, the names that it goes by, and its system turn ("" for none, None for the template's own).

    ``source`` is "embedded/NAME", "tiny/NAME", a folder of safetensors, or a hub id with ``revision``. A folder enters
    the identity by content, wherever it lies; a hub id by the commit that the revision means when planned.

    Raises:
        RecipeError: names that nobody can know and the recipe does not give.
        SetupError: no such model (on ``id`` already).
    """

    source: str
    revision: str | None = None
    assistant: str | None = None
    maker: str | None = None
    system: str | None = None

    @property
    def names(self) -> tuple[str, str]:
        """(assistant, maker): as given, else as the model's family goes by."""
        known = default_names(self.source) or (None, None)
        assistant = known[0] if self.assistant is None else self.assistant
        maker = known[1] if self.maker is None else self.maker
        if not assistant or not maker:
            raise RecipeError(f"Pretrained: what does {self.source} call itself, and who made it? "
                              "Documents and chats will use these names",
                              hint='give both: Pretrained(source=…, assistant="NAME", maker="MAKER")')
        return assistant, maker

    @property
    def speaks_as(self) -> str:
        return self.names[0]

    def describe(self) -> dict[str, Any]:
        assistant, maker = self.names
        return {"class": class_name(type(self)), "version": self.version, "materials": [],
                "fields": {"source": self._made_of(), "assistant": assistant, "maker": maker, "system": self.system}}

    def _made_of(self) -> dict[str, str]:
        kind = kind_of(self.source)
        if kind == "folder":
            return {"folder": remember(resolve(self.source, self.revision))}
        if kind == "hub":
            return {"hub": self.source, "commit": self._commit()}
        return {"name": self.source, "made of": known_version(self.source)}

    def _commit(self) -> str:
        known: str | None = self.__dict__.get("_resolved")
        if known is None:
            known = commit_of(self.source, self.revision)
            object.__setattr__(self, "_resolved", known)
        return known

    def forecast(self, look: Look) -> Forecast:
        return Forecast(parameters=parameters_of(self.source), exact=True)

    def preview(self, look: Look) -> Preview[Checkpoint] | None:
        revision = self._commit() if kind_of(self.source) == "hub" else None
        folder = at_hand(self.source, revision)
        if folder is None:
            return None
        # The folder of an artifact that is not there: what has no weights of its own falls back to the base's.
        none = folder / "not-built"
        return Preview(Checkpoint(none, Base(self.source, revision, digest_of(folder)), *self.names, self.system))

    def build(self, job: Job) -> Checkpoint:
        kind = kind_of(self.source)
        source = str(Path(self.source).expanduser().resolve()) if kind == "folder" else self.source
        revision = self._commit() if kind == "hub" else self.revision
        digest = digest_of(resolve(source, revision))
        assistant, maker = self.names
        job.note(base=digest, assistant=assistant, maker=maker)
        return Checkpoint(job.folder, Base(source, revision, digest), assistant, maker, self.system)
