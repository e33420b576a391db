"""A path → the right to build it, held by one thread of one process. Knows nothing of what is built.

The right is a lock of the operating system on a small file, so a dead owner's claim ends with the owner: there is no
age to guess and nothing to clean by hand.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from midspec.core.errors import ClaimError
from midspec.store.disk import writing

_SIGNATURE = 512
_held: set[int] = set()


def _forget_after_fork() -> None:
    # A forked worker shares the lock; were it to outlive a killed owner, the claim would outlive it too.
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


@contextmanager
def claim(lock: Path, what: str, *, patience: float = 0.0) -> Generator[None]:
    """Hold the right to ``what`` (words for a person) for the length of a ``with`` block.

    ``patience``: seconds to wait for another owner.

    Raises:
        ClaimError: somebody else holds it; names pid, host and since when.
    """
    handle = _take(lock, what, patience)
    _held.add(handle)
    try:
        yield
    finally:
        # Removed while still held: whoever opened it meanwhile sees that its file is no longer the one on the path.
        lock.unlink(missing_ok=True)
        _held.discard(handle)
        os.close(handle)


@contextmanager
def turn(lock: Path, what: str, *, patience: float) -> Generator[None]:
    """Like ``claim`` for many short holdings: the file stays, so that a turn costs no change of a folder.

    Raises:
        ClaimError: somebody else holds it for longer than ``patience``.
    """
    handle = _take(lock, what, patience)
    _held.add(handle)
    try:
        yield
    finally:
        _held.discard(handle)
        os.close(handle)


def owner_of(lock: Path) -> str | None:
    """"process 12 on host since …" where a living process holds the claim, else None. Takes nothing."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if _locks(handle, fcntl.LOCK_SH) else _owner(handle)
    finally:
        os.close(handle)


def _take(lock: Path, what: str, patience: float) -> int:
    end = time.monotonic() + patience
    while True:
        with writing(lock.parent):
            lock.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        if _locks(handle, fcntl.LOCK_EX):
            if _is_at(handle, lock):
                _sign(handle)
                return handle
            owner = None
        else:
            # Somebody who only looks, as ``owner_of`` does, is no owner.
            owner = None if _locks(handle, fcntl.LOCK_SH) else _owner(handle)
        os.close(handle)
        if owner is not None and time.monotonic() >= end:
            raise ClaimError(f"{what} is in the hands of {owner}",
                             hint="wait until it is done, then start the same command again")
        time.sleep(0.001 if owner is None else 0.02)


def _locks(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(handle: int, lock: Path) -> bool:
    """False where the file was removed by its last owner between our opening and our locking it."""
    try:
        found = lock.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(handle)
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _sign(handle: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    # Padded over whatever stood there: cutting a file waits for the disk, and a ledger signs at each commit.
    os.pwrite(handle, json.dumps(owner).encode().ljust(_SIGNATURE), 0)


def _owner(handle: int) -> str:
    for _ in range(10):
        try:
            owner = json.loads(os.pread(handle, _SIGNATURE, 0))
            return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
        except (ValueError, KeyError, TypeError):
            time.sleep(0.005)  # locked, but not yet signed
    return "another process"
