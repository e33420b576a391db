"""Recipe: fields → identity. What a thing is made of is its name. Knows nothing of where or how it is built.

The idea is Marin's executor reduced to dataclasses: nesting recipes is the pipeline, hashing them is the provenance.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Protocol,
    Self,
    TypeVar,
    get_args,
    get_origin,
    runtime_checkable,
)

from midspec.core.errors import RecipeError

if TYPE_CHECKING:
    from midspec.core.forecast import Forecast, Look, Preview
    from midspec.core.job import Job


class Noun(Protocol):
    """What a stage makes: it can write itself into an empty folder and be read from it."""

    def write(self, folder: Path) -> None: ...

    @classmethod
    def read(cls, folder: Path) -> Self: ...


@runtime_checkable
class HasIdentity(Protocol):
    """A value that says itself what it is by content (a spec, an item set, a file)."""

    def identity(self) -> str: ...


Made = TypeVar("Made", bound=Noun, covariant=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(Generic[Made]):
    """A frozen dataclass whose fields are the inputs and settings of one stage.

    ``version`` is raised when ``build`` changes what it makes. ``makes`` is read off ``Recipe[Noun]`` in the class.
    """

    version: ClassVar[int] = 1
    makes: ClassVar[type[Noun]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for parent in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(parent)
            made = get_args(parent)
            if isinstance(origin, type) and issubclass(origin, Recipe) and made and isinstance(made[0], type):
                cls.makes = made[0]

    def build(self, job: Job) -> Made:
        """Make the thing from its inputs; large files go straight into ``job.folder``."""
        raise NotImplementedError(type(self).__name__)

    def forecast(self, look: Look) -> Forecast | None:
        """What building will take, for ``plan``; None where it is next to nothing."""
        return None

    def preview(self, look: Look) -> Preview[Made] | None:
        """For ``plan``: what ``build`` would make, where that takes about a second and no model; else None."""
        return None

    def materials(self) -> tuple[HasIdentity, ...]:
        """Content that the stage's code uses and no field names: prompts, genres, lexicons. It enters the id."""
        return ()

    @property
    def id(self) -> str:
        """sha256 over class, version, fields and materials, as hex; computed once."""
        known: str | None = self.__dict__.get("_id")
        if known is None:
            known = hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()
            object.__setattr__(self, "_id", known)
        return known

    @property
    def label(self) -> str:
        """Words for a person, safe in a path: kebab-case class name, then what ``subject`` says."""
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()
        words = re.sub(r"[^a-z0-9]+", "-", self.subject.lower())[:32].strip("-")
        return f"{name}-{words}" if words else name

    @property
    def subject(self) -> str:
        """What this is about, in a few words, for people; any text may stand here."""
        return ""

    @property
    def folder_name(self) -> str:
        return f"{self.label}-{self.id[:12]}"

    @property
    def speaks_as(self) -> str | None:
        """The assistant that this text is about, or that this model is; None where only the content will tell."""
        return None

    def describe(self) -> dict[str, Any]:
        """What enters the id, as JSON: nested recipes by id, the rest by value or content."""
        return {
            "class": class_name(type(self)),
            "version": self.version,
            "fields": {
                f.name: identity(getattr(self, f.name), f"{type(self).__name__}.{f.name}")
                for f in dataclasses.fields(self)
            },
            "materials": [m.identity() for m in self.materials()],
        }

    def inputs(self) -> tuple[Recipe[Any], ...]:
        """Recipes among the fields, in field order, each once."""
        found = {r.id: r for f in dataclasses.fields(self) for r in recipes_in(getattr(self, f.name))}
        return tuple(found.values())


def recipes_in(value: object) -> Iterator[Recipe[Any]]:
    """Recipes nested in a field, through tuples and plain dataclasses."""
    if isinstance(value, Recipe):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from recipes_in(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type) and not isinstance(value, HasIdentity):
        for f in dataclasses.fields(value):
            yield from recipes_in(getattr(value, f.name))


def closure(recipes: tuple[Recipe[Any], ...]) -> tuple[Recipe[Any], ...]:
    """All recipes that these need, themselves included, inputs first, each once."""
    seen: dict[str, Recipe[Any]] = {}

    def visit(recipe: Recipe[Any]) -> None:
        if recipe.id not in seen:
            for needed in recipe.inputs():
                visit(needed)
            seen[recipe.id] = recipe

    for recipe in recipes:
        visit(recipe)
    return tuple(seen.values())


def class_name(cls: type) -> str:
    """A name that survives moving a file inside midspec, and does not confuse a user's class with ours."""
    return cls.__qualname__ if cls.__module__.split(".")[0] == "midspec" else f"{cls.__module__}:{cls.__qualname__}"


def identity(value: object, where: str) -> Any:
    """A JSON value that stands for ``value``, the same in every process.

    Raises:
        RecipeError: the value has no stable identity (a list, a path, a function, a mutable object).
    """
    if value is None or (isinstance(value, (bool, int, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, Recipe):
        return {"recipe": value.id}
    if isinstance(value, Enum):
        return {"enum": class_name(type(value)), "name": value.name}
    if isinstance(value, tuple):
        return [identity(part, f"{where}[{n}]") for n, part in enumerate(value)]
    if isinstance(value, HasIdentity) and not isinstance(value, type):
        return {"type": class_name(type(value)), "content": value.identity()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and type(value).__dataclass_params__.frozen:  # pyright: ignore
        return {
            "type": class_name(type(value)),
            "version": getattr(type(value), "version", 1),
            "fields": {
                f.name: identity(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)
            },
        }
    raise RecipeError(
        f"{where}: a {type(value).__name__} has no stable identity",
        hint="use a number, text, tuple, frozen dataclass or File(path) for a file's content",
    )
