"""A recipe that is not built → in what it differs from the nearest one that is. Knows nothing of what fields mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from midspec.core.recipe import Recipe
from midspec.store.artifacts import Store

_ABSENT = "nothing"


def why(recipe: Recipe[Any], store: Store) -> list[str] | None:
    """["schedule.updates: 40 → 80"]: the differences to the stored artifact of the same class with the fewest of them.

    None where the store has nothing of this class.
    """
    wanted = dict(_leaves(recipe.describe()))
    label = recipe.describe()["class"]
    found = [(_changes(dict(_leaves(manifest.description)), wanted), manifest.folder_name)
             for manifest in store.manifests() if manifest.description["class"] == label]
    return min(found, key=lambda pair: (len(pair[0]), pair[1]))[0] if found else None


def _changes(stored: dict[str, tuple[str, str]], wanted: dict[str, tuple[str, str]]) -> list[str]:
    """One sentence per leaf that differs, in the recipe's order of fields."""
    changes: list[str] = []
    for name in (*wanted, *(n for n in stored if n not in wanted)):
        old, new = stored.get(name), wanted.get(name)
        if old == new:
            continue
        if old is not None and new is not None and old[1] == new[1]:
            changes.append(f"{name}: changed")  # by content: hashes would tell a reader nothing
        else:
            changes.append(f"{name}: {old[1] if old else _ABSENT} → {new[1] if new else _ABSENT}")
    return changes


def _leaves(description: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """(dotted name, (exact value, what a person sees)) of each leaf of ``Recipe.describe()``."""
    yield "version", (str(description["version"]), str(description["version"]))
    for name, value in description["fields"].items():
        yield from _flat(name, value)
    yield "built-in prompts and lists", (repr(description["materials"]), "content")


def _flat(name: str, value: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    match value:
        case {"recipe": id}:
            yield name, (id, "input")
        case {"float": text}:
            yield name, (text, f"{float.fromhex(text):.6g}")
        case {"enum": _, "name": text}:
            yield name, (repr(value), text)
        case {"type": kind, "content": digest}:
            yield name, (f"{kind} {digest}", kind)
        case {"type": kind, "version": version, "fields": dict(fields)}:
            yield name, (f"{kind} {version}", kind)
            for part, inner in fields.items():
                yield from _flat(f"{name}.{part}", inner)
        case [*parts]:
            yield f"{name} (length)", (str(len(parts)), str(len(parts)))
            for number, inner in enumerate(parts):
                yield from _flat(f"{name}[{number}]", inner)
        case _:
            yield name, (repr(value), repr(value))
