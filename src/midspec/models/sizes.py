"""A model's source → how many weights it has, for plans. Downloads and converts nothing."""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import Path

from midspec.library.catalog import catalog

NAMED = re.compile(r"(?<![a-z0-9])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])")
UNITS = {"m": 1e6, "b": 1e9}


def parameters_of(source: str) -> int | None:
    """Weights of a model: counted in a folder, else as the catalog or its name says ("…-0.5B"); None if unknown."""
    if source in catalog().tiny:
        return catalog().tiny[source].parameters
    folder = Path(source).expanduser()
    if folder.is_dir():
        return sum(map(_in_file, folder.glob("*.safetensors"))) or None
    found = NAMED.findall(source.lower())
    return round(max(float(count) * UNITS[unit] for count, unit in found)) if found else None


def _in_file(path: Path) -> int:
    """Numbers in a safetensors file, from its header alone."""
    with path.open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
