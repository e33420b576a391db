"""Recipe → the folder that holds what it makes. Knows nothing of stages, nor of who calls it.

An artifact is published by one rename after every byte of it is on the disk; what was there before stays until then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from midspec.core.errors import ClaimError, DataError
from midspec.core.file import sha256_of
from midspec.core.recipe import Noun, Recipe, closure
from midspec.store.claims import claim, owner_of
from midspec.store.disk import sync_file, sync_folders, write_file, writing
from midspec.store.ledger import Ledger
from midspec.store.manifest import (
    MANIFEST,
    RUN,
    Manifest,
    Problem,
    outputs_of,
    problems,
    read_manifest,
    run_bytes,
    verify_artifact,
)

Made = TypeVar("Made", bound=Noun)

# Below it, a file's content is checked on the first reading in a process (≈ 1 s a GiB); above it, only its size.
CHECKED_ON_READ = 2**30


class Store:
    """Artifacts, claims, half-built work and the ledger, under one folder.

    ``artifacts/NAME`` published · ``staging/NAME`` being built · ``scratch/NAME`` checkpoints of an unfinished stage ·
    ``claims/NAME.lock`` who builds it · ``kept/NAME`` what no experiment names and yet stays ·
    ``trash/`` being deleted · ``ledger.sqlite`` kept answers.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = root = Path(root)
        self.ledger = Ledger(root / "ledger.sqlite")
        self._checked: set[str] = set()
        self._claimed: set[str] = set()

    def folder(self, recipe: Recipe[Any]) -> Path:
        """Where the artifact is, or would be."""
        return self.root / "artifacts" / recipe.folder_name

    def find(self, recipe: Recipe[Any]) -> Manifest | None:
        """The manifest of a published artifact, else None. Reads two small files and checks their seals.

        Raises:
            DataError: there is such a folder, but its manifest is damaged or it is another recipe's.
        """
        folder = self.folder(recipe)
        if not folder.is_dir():
            return None
        manifest = read_manifest(folder)
        if manifest.id != recipe.id:
            raise DataError(f"{folder}: holds {manifest.id}, wanted {recipe.id} (their short names are equal)",
                            hint="use another --store for one of them")
        return manifest

    def read(self, recipe: Recipe[Made]) -> Made:
        """What the recipe makes, from the store. Its files are checked against the manifest first, once per process.

        Raises:
            DataError: it was never built, or a file of it changed; names the file.
        """
        manifest = self.find(recipe)
        if manifest is None:
            raise DataError(f"{recipe.folder_name} is not in {self.root}", hint="build it with `midspec run`")
        folder = self.folder(recipe)
        if recipe.id not in self._checked:
            if bad := problems(folder, manifest, up_to=CHECKED_ON_READ):
                raise DataError("; ".join(map(str, bad[:3])),
                                hint=f"delete {folder} and start the same command again: it is built anew")
            self._checked.add(recipe.id)
        made: Any = recipe.makes.read(folder)
        return made

    @contextmanager
    def claim(self, recipe: Recipe[Any], *, patience: float = 0.0) -> Generator[None]:
        """Be the only builder of one artifact. Look again with ``find`` once it is yours: it may just have been built.

        Raises:
            ClaimError: somebody builds it, and still does after ``patience`` seconds; names pid, host and since when.
        """
        name = recipe.folder_name
        with claim(self._lock(name), name, patience=patience):
            self._claimed.add(name)
            try:
                yield
            finally:
                self._claimed.discard(name)

    def staging(self, recipe: Recipe[Any]) -> Path:
        """A fresh empty folder to build in; what a dead builder left there is removed. Needs the claim."""
        folder = self._mine(recipe, "staging")
        with writing(self.root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        return folder

    def scratch(self, recipe: Recipe[Any]) -> Path:
        """A folder that outlives kills and is removed when the artifact is published. Needs the claim."""
        folder = self._mine(recipe, "scratch")
        with writing(self.root):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def discard(self, recipe: Recipe[Any]) -> None:
        """Remove what was staged, and scratch that holds nothing: the build failed. Needs the claim."""
        shutil.rmtree(self._mine(recipe, "staging"), ignore_errors=True)
        with suppress(OSError):
            self._mine(recipe, "scratch").rmdir()

    def publish(self, recipe: Recipe[Any], staging: Path, facts: dict[str, Any], run: dict[str, Any]) -> Manifest:
        """Make a built folder the artifact: all of it, durably, or nothing. An artifact that is there already stays.

        ``facts`` are the same in every run of the recipe; ``run`` holds times, devices, versions, command, cost.
        Needs the claim.

        Raises:
            DataError: the folder is empty or holds a link or a reserved name; an input is not in the store; a fact is
                not JSON.
            SetupError: the disk is full or fails; nothing is published then.
        """
        self._mine(recipe, "staging")
        if (existing := self.find(recipe)) is not None:
            shutil.rmtree(staging)
            return existing
        with writing(self.root):
            manifest = self._seal(recipe, staging, facts, run)
            target = self.folder(recipe)
            target.parent.mkdir(parents=True, exist_ok=True)
            staging.rename(target)
            sync_file(target.parent)
            sync_file(self.root)
        shutil.rmtree(self.root / "scratch" / recipe.folder_name, ignore_errors=True)
        return manifest

    def keep(self, recipe: Recipe[Any]) -> None:
        """From now on ``collect`` leaves this artifact, what it is made of and unfinished work on it, until
        ``kept/NAME`` is deleted. For results that no experiment file names."""
        mark = self.root / "kept" / recipe.folder_name
        with writing(self.root):
            mark.parent.mkdir(parents=True, exist_ok=True)
            fresh = mark.with_name(f".{mark.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            write_file(fresh, "".join(f"{needed.folder_name}\n" for needed in closure((recipe,))).encode())
            fresh.replace(mark)
            sync_file(mark.parent)

    def marks(self) -> dict[str, set[str]]:
        """What ``keep`` was told: name of an artifact → names of all that it needs, itself included."""
        place = self.root / "kept"
        found = sorted(place.glob("[!.]*")) if place.is_dir() else []
        return {mark.name: {mark.name, *mark.read_text(encoding="utf-8", errors="replace").split()} for mark in found}

    def manifests(self) -> list[Manifest]:
        """Of every intact artifact, by folder name; ``verify`` names the damaged ones."""
        return [manifest for name, manifest in self._intact() if manifest.folder_name == name]

    def verify(self) -> list[Problem]:
        """Every file of the store that is not what was written, and every artifact whose input has changed since."""
        bad = [problem for folder in self._folders("artifacts") for problem in verify_artifact(folder)]
        bad += [Problem(self.root / "artifacts" / name / MANIFEST, f"belongs to {manifest.folder_name}")
                for name, manifest in self._intact() if manifest.folder_name != name]
        digests = {manifest.id: manifest.digest for manifest in self.manifests()}
        for manifest in self.manifests():
            bad += [Problem(self.root / "artifacts" / manifest.folder_name / MANIFEST,
                            f"made from another version of input {needed[:12]} than the store holds now")
                    for needed, digest in manifest.inputs.items() if digests.get(needed, digest) != digest]
        return [*bad, *self.ledger.verify()]

    def collect(self, keep: set[str], dry: bool) -> list[Path]:
        """Remove artifacts whose ids are not in ``keep``, that ``keep()`` did not mark and that are no input of a kept
        one, and what dead builders left.

        Returns the folders; with ``dry`` nothing is removed.

        Raises:
            ClaimError: something is being built here, and may still need what would be removed.
        """
        busy = [owner for lock in self._locks() if (owner := owner_of(lock))]
        if busy and not dry:
            raise ClaimError(f"{self.root}: in use by {busy[0]}", hint="wait until it is done")
        marked = set[str]().union(*self.marks().values())
        kept = self._needed(keep | {m.id for m in self.manifests() if m.folder_name in marked})
        gone = [folder for folder in self._folders("artifacts") if folder.name not in kept]
        built = {folder.name for folder in self._folders("artifacts")}
        gone += [folder for folder in self._folders("scratch")
                 if folder.name in built or not (
                     folder.name in marked or any(folder.name.endswith(f"-{id[:12]}") for id in keep))]
        gone += self._folders("staging") + self._folders("trash")
        for folder in gone if not dry else ():
            self._remove(folder)
        if not dry and self.ledger.path.exists():
            self.ledger.drop_damaged()
        return gone

    def _seal(self, recipe: Recipe[Any], staging: Path, facts: dict[str, Any], run: dict[str, Any]) -> Manifest:
        for name in (MANIFEST, RUN):
            if (staging / name).exists():
                raise DataError(f"{staging / name}: this name is reserved for the store")
        files = outputs_of(staging)
        if not files:
            raise DataError(f"{recipe.folder_name}: made no file, so there is nothing to publish")
        for path in files.values():
            sync_file(path)
        manifest = Manifest(recipe.id, recipe.label, recipe.version, recipe.describe(), self._inputs(recipe),
                            {name: sha256_of(path) for name, path in files.items()},
                            {name: path.stat().st_size for name, path in files.items()}, facts, run)
        data = manifest.to_bytes()
        write_file(staging / RUN, run_bytes(run, data))
        write_file(staging / MANIFEST, data)
        sync_folders(staging)
        return manifest

    def _intact(self) -> Iterator[tuple[str, Manifest]]:
        for folder in self._folders("artifacts"):
            with suppress(DataError, OSError):
                yield folder.name, read_manifest(folder)

    def _inputs(self, recipe: Recipe[Any]) -> dict[str, str]:
        digests: dict[str, str] = {}
        for needed in recipe.inputs():
            manifest = self.find(needed)
            if manifest is None:
                raise DataError(f"{recipe.folder_name}: its input {needed.folder_name} is not in {self.root}",
                                hint="it was removed meanwhile; start the same command again")
            digests[needed.id] = manifest.digest
        return digests

    def _mine(self, recipe: Recipe[Any], kind: str) -> Path:
        if recipe.folder_name not in self._claimed:
            raise ClaimError(f"{recipe.folder_name} is not claimed", hint="build inside `with store.claim(recipe):`")
        return self.root / kind / recipe.folder_name

    def _lock(self, name: str) -> Path:
        return self.root / "claims" / f"{name}.lock"

    def _locks(self) -> list[Path]:
        return [*sorted((self.root / "claims").glob("*.lock")), self.ledger.path.with_suffix(".lock")]

    def _folders(self, kind: str) -> list[Path]:
        place = self.root / kind
        return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []

    def _needed(self, keep: set[str]) -> set[str]:
        """Folder names of kept artifacts and of everything that they were made from."""
        by_id = {manifest.id: manifest for manifest in self.manifests()}
        todo, names = [id for id in keep if id in by_id], set[str]()
        while todo:
            manifest = by_id[todo.pop()]
            if manifest.folder_name not in names:
                names.add(manifest.folder_name)
                todo += [id for id in manifest.inputs if id in by_id]
        return names

    def _remove(self, folder: Path) -> None:
        """First out of sight in one step, so that a kill never leaves half an artifact where a whole one should be."""
        trash = self.root / "trash" / folder.name
        if folder != trash:
            trash.parent.mkdir(exist_ok=True)
            shutil.rmtree(trash, ignore_errors=True)
            folder.rename(trash)
        shutil.rmtree(trash)
