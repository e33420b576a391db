"""Items → Responses → Scores: what was asked, what came back, what it counts for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from midspec.core.rows import Row, read_rows, write_rows


class HasSplit(Protocol):
    """A row with an id that belongs to one split."""

    @property
    def id(self) -> str: ...

    @property
    def split(self) -> str: ...


Picked = TypeVar("Picked", bound=HasSplit)


@dataclass(frozen=True)
class Item:
    """One forced choice: a question with the option that the spec's axis favours and the other one."""

    id: str
    axis: str
    domain: str
    question: str
    aligned: str
    other: str
    split: str


@dataclass(frozen=True)
class ItemSet:
    """Items in their order; identity is their content."""

    name: str
    items: tuple[Item, ...]

    def identity(self) -> str:
        text = "\x1e".join(
            "\x1f".join((i.id, i.axis, i.domain, i.question, i.aligned, i.other, i.split)) for i in self.items
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def sample(self, count: int, *, split: str = "dev") -> ItemSet:
        """``count`` items of one split, the same ones for everybody (by a hash of the id), in the set's order.

        "all": as many of each split, for an experiment that is run on development items and, with --final, on others.
        """
        return replace(self, items=sampled(self.items, count, split))


def sampled(rows: tuple[Picked, ...], count: int, split: str) -> tuple[Picked, ...]:
    """``count`` rows of one split, or of each for "all", by a hash of their ids, in their order; all where fewer."""
    chosen = set[str]()
    for wanted in sorted({row.split for row in rows}) if split == "all" else (split,):
        ids = [row.id for row in rows if row.split == wanted]
        chosen |= set(sorted(ids, key=lambda name: hashlib.sha256(name.encode()).digest()[1:])[:count])
    return tuple(row for row in rows if row.id in chosen)


def split_of(item_id: str) -> str:
    """ "dev" or "test", by a hash of the id: half and half, the same for everybody and for ever."""
    return "test" if hashlib.sha256(item_id.encode()).digest()[0] % 2 else "dev"


@dataclass(frozen=True)
class Response:
    """What a model did with one item: log-probabilities by name, or a sampled text with its finish reason.

    ``draw`` numbers repeated samples of one item. ``logprobs`` are natural logarithms, summed over an option's tokens;
    ``tokens`` counts them under the same names.
    """

    item: str
    draw: int = 0
    text: str | None = None
    finish: str | None = None
    logprobs: dict[str, float] = field(default_factory=dict[str, float])
    tokens: dict[str, int] = field(default_factory=dict[str, int])
    meta: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Responses:
    rows: tuple[Response, ...]

    def write(self, folder: Path) -> None:
        write_rows(folder / "responses.jsonl", (vars(r) for r in self.rows))

    @classmethod
    def read(cls, folder: Path) -> Responses:
        return cls(tuple(Response(**row) for _, row in read_rows(folder / "responses.jsonl")))


@dataclass(frozen=True)
class Score:
    """One number for one item in one reading. ``value`` is None where the reply was unreadable: counted, never 0.

    ``reading`` names how it was read (``letter``, ``yesno`` …); larger means nearer to the item's aligned option.
    """

    item: str
    axis: str
    domain: str
    reading: str
    value: float | None
    draw: int = 0


@dataclass(frozen=True)
class Reading:
    """How a score of this name is to be understood: ``words`` what is measured, ``larger`` what a larger value means.

    ``low`` and ``high`` are the least and largest possible value, ``even`` the one that favours neither side; None
    where there is none.
    """

    name: str
    words: str
    low: float | None = None
    high: float | None = None
    even: float | None = None
    larger: str = "nearer to the option that the spec favours"


@dataclass(frozen=True)
class Scores:
    rows: tuple[Score, ...]

    def write(self, folder: Path) -> None:
        write_rows(folder / "scores.jsonl", (vars(r) for r in self.rows))

    @classmethod
    def read(cls, folder: Path) -> Scores:
        return cls(tuple(Score(**row) for _, row in read_rows(folder / "scores.jsonl")))


def rows_of(values: tuple[Response, ...] | tuple[Score, ...]) -> list[Row]:
    """Plain rows for programs (``--json``)."""
    return [dict(vars(v)) for v in values]
