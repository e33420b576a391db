"""Actions on a store that a test wants in processes of its own: to be killed, to fail, or to be many at once."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from midspec.core.errors import ClaimError, MidspecError
from midspec.core.file import File
from midspec.documents.read import read_documents
from midspec.stages.corpus_from_file import CorpusFromFile
from midspec.store.artifacts import Store
from midspec.store.claims import claim
from midspec.store.ledger import Ledger

WEIGHTS = bytes(n * 31 % 253 for n in range(300_000))


def recipe_in(folder: Path) -> CorpusFromFile:
    """The same recipe wherever the folder is: a file enters by content."""
    path = folder / "texts.jsonl"
    if not path.exists():
        temporary = folder / f"texts.{os.getpid()}"
        temporary.write_text("".join(json.dumps({"text": f"document {n} " * 20}) + "\n" for n in range(100)))
        temporary.rename(path)
    return CorpusFromFile(file=File(str(path)))


def build(root: Path, recipe: CorpusFromFile, *, patience: float = 0.0) -> bool:
    """True where this call built the artifact, False where it was there."""
    store = Store(root)
    with store.claim(recipe, patience=patience):
        if store.find(recipe) is not None:
            return False
        checkpoint = store.scratch(recipe) / "checkpoint"
        checkpoint.write_text("half way")
        staging = store.staging(recipe)
        assert list(staging.iterdir()) == []
        read_documents(recipe.source().rows()).write(staging)
        (staging / "adapter").mkdir()
        (staging / "adapter" / "weights.bin").write_bytes(WEIGHTS)
        store.publish(recipe, staging, {"documents": 100}, {"pid": os.getpid(), "time": time.time()})
        return True


def bytes_of(root: Path, recipe: CorpusFromFile) -> dict[str, bytes]:
    """The artifact's files, the marked record of the run aside."""
    folder = Store(root).folder(recipe)
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "run.json"
    }


# --- one process, to be killed ---


def publish_for_ever(folder: str) -> None:
    """Build, remove, build …: wherever the kill comes, it comes at a different place."""
    place = Path(folder)
    recipe = recipe_in(place)
    print("ready", flush=True)
    while True:
        build(place / "store", recipe, patience=5)
        Store(place / "store").collect(set(), dry=False)


def put_for_ever(path: str, run: str, threads: str) -> None:
    """Many threads write; a key is printed once ``put_many`` has returned for it: that is the promise to be kept."""
    ledger = Ledger(Path(path))
    printing = threading.Lock()

    def work(thread: int) -> None:
        number = 0
        while True:
            key = f"{run}-{thread}-{number}"
            ledger.put_many({key: {"text": key * 50}})
            with printing:
                os.write(1, (key + "\n").encode())
            number += 1

    for thread in range(int(threads)):
        threading.Thread(target=work, args=(thread,)).start()


def hold(lock: str) -> None:
    """Take a claim, fork a worker that outlives us, and wait to be killed."""
    with claim(Path(lock), "the thing"):
        worker = os.fork()
        if worker == 0:
            time.sleep(30)
            os._exit(0)
        print(json.dumps([os.getpid(), worker]), flush=True)
        time.sleep(600)


def put_and_wait(path: str, key: str) -> None:
    ledger = Ledger(Path(path))
    with ledger.own():
        ledger.put_many({key: {"by": "the owner"}})
        print("owned", flush=True)
        sys.stdin.readline()
    ledger.put_many({key + "2": {"by": "the owner, later"}})
    print("free", flush=True)


# --- many at once ---


def crowd(folder: str, count: str, rounds: str) -> None:
    """``count`` processes start on one artifact at the same moment; prints, per round, who built and who was told."""
    place = Path(folder)
    recipe = recipe_in(place)
    told: list[dict[str, Any]] = []
    for number in range(int(rounds)):
        root = place / f"store{number}"
        gate_out, gate_in = os.pipe()
        outcome_out, outcome_in = os.pipe()
        children = [
            child
            for _ in range(int(count))
            if (child := os.fork()) or _contend(root, recipe, gate_out, gate_in, outcome_in)
        ]
        os.close(gate_in)  # everybody waits for the end of this pipe
        os.close(outcome_in)
        with os.fdopen(outcome_out) as lines:
            outcomes = [json.loads(line) for line in lines]
        os.close(gate_out)
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
        told.append({"children": children, "outcomes": outcomes, "problems": [str(p) for p in Store(root).verify()]})
    print(json.dumps(told))


def _contend(root: Path, recipe: CorpusFromFile, gate_out: int, gate_in: int, outcome: int) -> bool:
    os.close(gate_in)
    os.read(gate_out, 1)
    try:
        said = "built" if build(root, recipe) else "there"
    except ClaimError as error:
        said = str(error)
    os.write(outcome, (json.dumps([os.getpid(), said]) + "\n").encode())
    os._exit(0)


# --- failing at the n-th step ---


class Fault:
    """Counts every write, sync, open for writing, rename, mkdir and removal; strikes at the n-th."""

    EVENTS = frozenset(("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"))

    def __init__(self, at: int, kind: str) -> None:
        self.at, self.kind, self.count, self.names = at, kind, 0, list[str]()
        self.write, self.fsync = os.write, os.fsync
        sys.addaudithook(self.hook)
        os.write, os.fsync = self._write, self._fsync  # type: ignore[assignment]

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in self.EVENTS or writes:
            self.step(event)

    def _write(self, handle: int, data: Any) -> int:
        if self.count + 1 == self.at:
            self.write(handle, bytes(data)[: len(data) // 2])  # a torn write: half of it arrives
        self.step("write")
        return self.write(handle, data)

    def _fsync(self, handle: int) -> None:
        self.step("fsync")
        self.fsync(handle)

    def step(self, name: str) -> None:
        self.count += 1
        if self.count == self.at:
            if self.kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


def every_crash_point(folder: str, kind: str) -> None:
    """Fail at step 1, 2, … of one build until a build needs fewer steps; check the store after each."""
    place = Path(folder)
    recipe = recipe_in(place)
    build(place / "reference", recipe)
    expected = bytes_of(place / "reference", recipe)
    published = points = 0
    for at in range(1, 1000):
        root = place / f"{kind}{at}"
        child = os.fork()
        if child == 0:
            _struck(root, recipe, at, kind)
        status = os.waitpid(child, 0)[1]
        if os.waitstatus_to_exitcode(status) == 0:
            break
        assert os.waitstatus_to_exitcode(status) == (-signal.SIGKILL if kind == "kill" else 3), (at, status)
        points += 1
        store = Store(root)
        published += store.find(recipe) is not None
        assert store.verify() == [], (at, store.verify())
        build(root, recipe)
        assert bytes_of(root, recipe) == expected, at
        assert not list(root.glob("staging/*")) and store.verify() == [], at
        store.collect({recipe.id}, dry=False)
        assert not list(root.glob("scratch/*")) and store.find(recipe) is not None, at
    print(json.dumps({"points": points, "published": published}))


def _struck(root: Path, recipe: CorpusFromFile, at: int, kind: str) -> None:
    Fault(at, kind)
    try:
        build(root, recipe)
    except (MidspecError, OSError):
        os._exit(3)
    except BaseException:
        os._exit(4)
    os._exit(0)


# --- full disks ---


def short_of_space(folder: str, limit: str) -> None:
    """Build and write answers on a disk (or with a limit) that is too small; prints what was said."""
    place = Path(folder)
    source = place.parent / f"{place.name}-input"
    source.mkdir(exist_ok=True)
    said: list[str] = []
    kept: list[str] = []
    recipe = recipe_in(source)
    if limit != "0":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        build(place / "store", recipe)
    except (MidspecError, OSError) as error:
        said.append(f"{type(error).__name__}: {error}")
    ledger = Ledger(place / "ledger.sqlite")
    try:
        for number in range(400):
            ledger.put_many({f"key{number}": {"text": "x" * 5000}})
            kept.append(f"key{number}")
    except MidspecError as error:
        said.append(f"{type(error).__name__}: {error}")
    print(json.dumps({"said": said, "kept": len(kept)}))


def with_space_again(folder: str, kept: str) -> None:
    """What the short disk left, and whether the same commands now end as they would have on a large one."""
    place = Path(folder)
    recipe = recipe_in(place.parent / f"{place.name}-input")
    store, ledger = Store(place / "store"), Ledger(place / "ledger.sqlite")
    problems = [str(problem) for problem in [*store.verify(), *ledger.verify()]]
    found = store.find(recipe) is not None
    keys = [f"key{n}" for n in range(400)]
    lost = set(keys[: int(kept)]) - ledger.get_many(keys).keys()
    build(place / "store", recipe)
    ledger.put_many({key: {"text": "x" * 5000} for key in keys})
    build(place.parent / "reference", recipe)
    print(
        json.dumps(
            {
                "found": found,
                "problems": problems,
                "lost": len(lost),
                "count": ledger.count(),
                "same": bytes_of(place / "store", recipe) == bytes_of(place.parent / "reference", recipe),
            }
        )
    )


def write_together(path: str, name: str, count: str) -> None:
    ledger = Ledger(Path(path))
    order = random.Random(name)
    for number in range(int(count)):
        ledger.put_many({f"{name}-{number}": {"by": name}, f"shared-{order.randrange(50)}": {"by": name}})
    print(json.dumps(ledger.count()))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
