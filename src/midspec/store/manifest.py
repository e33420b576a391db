"""A folder of files ↔ what it is made of, sealed. Knows nothing of where folders lie.

``manifest.json`` has the same bytes in every run of the same recipe; ``run.json`` is the one file that holds times,
devices and versions. Each ends with a seal over its own bytes, and ``run.json`` names the sha256 of ``manifest.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError
from midspec.core.file import sha256_of

FORMAT = 1
MANIFEST, RUN = "manifest.json", "run.json"
_SEAL = b',\n "seal": "'
_END = b'"\n}\n'


@dataclass(frozen=True)
class Problem:
    """A file that is not what it was when it was written."""

    file: Path
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Manifest:
    """What an artifact is, from what it was made, and what lies in its folder.

    ``inputs`` maps recipe ids to digests, ``outputs`` relative paths to sha256, ``sizes`` the same paths to bytes.
    ``run`` is what ``run.json`` holds: never part of ``digest``, and empty where somebody removed that file.
    """

    id: str
    label: str
    version: int
    description: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    sizes: dict[str, int]
    facts: dict[str, Any]
    run: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def digest(self) -> str:
        """sha256 over the outputs' names and contents: equal digests are equal artifacts."""
        return hashlib.sha256(json.dumps(self.outputs, sort_keys=True).encode()).hexdigest()

    @property
    def folder_name(self) -> str:
        return f"{self.label}-{self.id[:12]}"

    def to_bytes(self) -> bytes:
        """The sealed content of ``manifest.json``. Raises DataError where a fact is not JSON."""
        return seal({"format": FORMAT, "id": self.id, "label": self.label, "version": self.version,
                     "description": self.description, "inputs": self.inputs, "outputs": self.outputs,
                     "sizes": self.sizes, "facts": self.facts}, MANIFEST)


def outputs_of(folder: Path) -> dict[str, Path]:
    """Relative path → file, for every file of an artifact but the two records; sorted.

    Raises:
        Damaged: something that is not a plain file (a link would point out of the artifact).
    """
    found: dict[str, Path] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise Damaged(path, "not a plain file or folder")
        found |= {Path(place, name).relative_to(folder).as_posix(): Path(place, name) for name in files}
    return {name: found[name] for name in sorted(found) if name not in (MANIFEST, RUN)}


def seal(row: dict[str, Any], name: str) -> bytes:
    """JSON in UTF-8 whose last field is the sha256 of all bytes before it; read back by ``unseal``.

    Raises:
        DataError: a value is not JSON (a NaN, an object); names ``name``.
    """
    try:
        text = json.dumps(row, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{name}: {error}", hint="facts are numbers, text, lists and dicts of them") from error
    body = text.removesuffix("\n}").encode()
    return body + _SEAL + hashlib.sha256(body).hexdigest().encode() + _END


def unseal(data: bytes, path: Path) -> dict[str, Any]:
    """The row of a sealed file. Compared byte by byte, so a change that JSON would not notice counts too.

    Raises:
        DataError: a byte changed, or the file was cut.
    """
    body, _, rest = data.rpartition(_SEAL)
    if not body or rest != hashlib.sha256(body).hexdigest().encode() + _END:
        raise Damaged(path, "damaged (its seal does not fit its content)")
    return json.loads(body + b"\n}")


class Damaged(DataError):
    """A record of an artifact cannot be trusted."""

    def __init__(self, file: Path, what: str) -> None:
        again = f"delete {file.parent} and start the same command again: it is built anew"
        without = f"delete {file} to go on without its record of time and device, or " if file.name == RUN else ""
        super().__init__(f"{file}: {what}", hint=without + again)
        self.problem = Problem(file, what)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an artifact, its seals checked; outputs are not read.

    Raises:
        DataError: manifest.json or run.json is damaged, or of a newer format; names the file.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise Damaged(path, "missing")
    data = path.read_bytes()
    row = unseal(data, path)
    if row.pop("format", None) != FORMAT:
        raise Damaged(path, "of a format that this version of midspec does not know")
    return Manifest(**row, run=_read_run(folder, data))


def _read_run(folder: Path, manifest: bytes) -> dict[str, Any]:
    path = folder / RUN
    if not path.is_file():
        return {}
    row = unseal(path.read_bytes(), path)
    if row.get("manifest") != hashlib.sha256(manifest).hexdigest():
        raise Damaged(path, f"belongs to another {MANIFEST}")
    return row["run"]


def run_bytes(run: dict[str, Any], manifest: bytes) -> bytes:
    """The sealed content of ``run.json``."""
    return seal({"manifest": hashlib.sha256(manifest).hexdigest(), "run": run}, RUN)


def problems(folder: Path, manifest: Manifest, *, up_to: int | None = None) -> list[Problem]:
    """Outputs that are missing, too many, cut or changed. Files of more than ``up_to`` bytes are only measured."""
    found = outputs_of(folder)
    bad = [Problem(folder / name, "missing") for name in manifest.outputs.keys() - found.keys()]
    bad += [Problem(path, "not part of the artifact") for name, path in found.items() if name not in manifest.outputs]
    for name in manifest.outputs.keys() & found.keys():
        size = found[name].stat().st_size
        if size != manifest.sizes[name]:
            bad.append(Problem(found[name], f"{size} bytes where {manifest.sizes[name]} were written"))
        elif (up_to is None or size <= up_to) and sha256_of(found[name]) != manifest.outputs[name]:
            bad.append(Problem(found[name], "changed since it was written"))
    return sorted(bad, key=str)


def verify_artifact(folder: Path) -> list[Problem]:
    """Everything that is wrong in one artifact's folder, wherever it lies. Reads every byte."""
    try:
        bad = problems(folder, read_manifest(folder))
    except Damaged as error:
        return [error.problem]
    except OSError as error:
        return [Problem(Path(error.filename or folder), f"cannot be read ({error.strerror})")]
    return bad if (folder / RUN).is_file() else [*bad, Problem(folder / RUN, "missing")]
