"""A recipe that is not built → in what it differs from the nearest one that is. Knows nothing of what fields mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from midspec.core.recipe import Recipe
from midspec.store.artifacts import Store

# A leaf: its exact value, and what a person is shown of it.
Leaf = tuple[str, str]
_ABSENT = "nothing"
_WIDTH = 60


def why(recipe: Recipe[Any], store: Store) -> list[str] | None:
    """["schedule.updates: 40 → 80"]: the differences to the stored artifact of the same class with the fewest of them.

    None where the store has nothing of this class; [] where the recipe itself is there.
    """
    description = recipe.describe()
    wanted = dict(_leaves(description))
    found = [(_changes(dict(_leaves(manifest.description)), wanted), manifest.folder_name)
             for manifest in store.manifests() if manifest.description["class"] == description["class"]]
    return min(found, key=lambda pair: (len(pair[0]), pair[1]))[0] if found else None


def _changes(stored: dict[str, Leaf], wanted: dict[str, Leaf]) -> list[str]:
    """One sentence per leaf that differs, in the recipe's order of fields."""
    changes: dict[str, str] = {}
    for name in (*wanted, *(n for n in stored if n not in wanted)):
        old, new = stored.get(name), wanted.get(name)
        if old == new or any(name.startswith((f"{known}.", f"{known}[")) for known in changes):
            continue  # where a Lora became a Full, its rank is no news
        if old is not None and new is not None and old[1] == new[1]:
            changes[name] = f"{name}: changed"  # by content: hashes would tell a reader nothing
        else:
            changes[name] = f"{name}: {old[1] if old else _ABSENT} → {new[1] if new else _ABSENT}"
    return list(changes.values())


def _leaves(description: dict[str, Any]) -> Iterator[tuple[str, Leaf]]:
    """Every leaf of ``Recipe.describe()`` under its dotted name."""
    yield "version", _shown(description["version"])
    for name, value in description["fields"].items():
        yield from _flat(name, value)
    yield "its prompts and lists", (repr(description["materials"]), "content")


def _flat(name: str, value: Any) -> Iterator[tuple[str, Leaf]]:
    match value:
        case {"recipe": id}:
            yield name, (id, "an input")
        case {"float": text}:
            yield name, _shown(float.fromhex(text))
        case {"enum": _, "name": text}:
            yield name, (repr(value), text)
        case {"type": kind, "content": digest}:
            yield name, (f"{kind} {digest}", kind)
        case {"type": kind, "version": version, "fields": dict(fields)}:
            yield name, (f"{kind} {version}", kind)
            for part, inner in fields.items():
                yield from _flat(f"{name}.{part}", inner)
        case [*parts] if any(isinstance(part, (dict, list)) for part in parts):
            yield name, _shown(f"{len(parts)} entries")
            for number, inner in enumerate(parts):
                yield from _flat(f"{name}[{number}]", inner)
        case [*parts]:
            yield name, _shown(tuple(parts))
        case _:
            yield name, _shown(value)


def _shown(value: object) -> Leaf:
    text = repr(value)
    return text, text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
