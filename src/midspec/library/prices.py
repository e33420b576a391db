"""prices.yaml, and a user's file over it → what a model's tokens cost. Knows nothing of calls.

A price without source is refused: whoever plans a run must be able to check what it rests on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from midspec.core.asking import Usage
from midspec.core.errors import DataError
from midspec.library.yaml_file import read_mapping, text_in

SHIPPED = Path(__file__).parent / "prices.yaml"
DATED = re.compile(r"[-@]\d{4}-?\d{2}-?\d{2}$")
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Dollars a million tokens; ``batch`` is the factor on all of them in batches, None where there are none.

    ``seen`` is the day on which ``source`` said so; ``example`` prices are made up, for documentation and tests.
    """

    model: str
    input: float
    output: float
    cached: float
    written: float
    batch: float | None
    source: str
    seen: str
    example: bool = False

    def cost(self, usage: Usage, *, batch: bool = False) -> float:
        """Dollars for these tokens."""
        whole = (usage.fresh * self.input + usage.cached * self.cached + usage.written * self.written
                 + usage.output * self.output) / MILLION
        return whole * (1.0 if self.batch is None else self.batch) if batch else whole


def price_of(address: str, own: Path | None = None) -> Price | None:
    """The price of a model, the user's own file first; a dated name ("…-20260501") has the price of its family.

    Raises:
        DataError: a price file is wrong; names the file and the model.
    """
    for path in (*((own,) if own else ()), SHIPPED):
        table = _table(path, path.stat().st_mtime_ns if path.is_file() else 0)
        for name in (address, DATED.sub("", address)):
            if name in table:
                return table[name]
    return None


@lru_cache(maxsize=16)
def _table(path: Path, changed: int) -> dict[str, Price]:
    if not path.is_file():
        raise DataError(f"{path}: no such price file", hint="its form is in docs/asking.md")
    return {name: _price(name, row, f"{path}: {name}") for name, row in read_mapping(path).items()}


def _price(name: str, row: object, where: str) -> Price:
    if not isinstance(row, dict):
        raise DataError(f"{where}: prices are expected (input, output, source, seen)")
    fields = cast(dict[str, Any], row)
    unknown = fields.keys() - {"input", "output", "cached", "written", "batch", "source", "seen", "example"}
    if unknown:
        raise DataError(f"{where}: unknown {', '.join(sorted(unknown))}")
    for part in ("input", "output", "cached", "written", "batch"):
        value = fields.get(part)
        if (value is None and part in ("input", "output")) or (
                value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0)):
            raise DataError(f"{where}: {part} is {value!r}, where dollars a million tokens are expected")
    batch = fields.get("batch")
    return Price(name, float(fields["input"]), float(fields["output"]), float(fields.get("cached", fields["input"])),
                 float(fields.get("written", fields["input"])), None if batch is None else float(batch),
                 text_in(fields, "source", where), str(fields.get("seen") or _no_day(where)),
                 fields.get("example") is True)


def _no_day(where: str) -> str:
    raise DataError(f"{where}: 'seen' is missing: the day on which the source said so")
