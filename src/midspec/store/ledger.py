"""Key → JSON value, kept for ever once ``put_many`` returns. Knows nothing of calls, prices or models.

SQLite in WAL mode with full syncs. Threads that write at the same moment share one commit; processes take turns.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from array import array
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError, SetupError
from midspec.core.rows import to_line
from midspec.store.claims import turn
from midspec.store.disk import sync_file
from midspec.store.manifest import Problem

SCHEMA = """CREATE TABLE answers (
 number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, sum BLOB NOT NULL)"""
INSERT = "INSERT INTO answers (key, value, sum) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING"
PATIENCE = 60.0
_AT_ONCE, _FEW_KEYS = 500, 100_000
# What SQLite calls a full, failing, forbidden or busy disk; everything else is a file that is not as it should be.
_DISK = tuple(f"SQLITE_{name}" for name in ("FULL", "IOERR", "CANTOPEN", "READONLY", "PERM", "BUSY", "LOCKED", "NOMEM"))


@dataclass(eq=False)
class _Batch:
    """Rows of one ``put_many``, waiting for whoever commits next."""

    rows: list[tuple[str, str, bytes]]
    woken: threading.Event = field(default_factory=threading.Event)
    done: bool = False
    error: BaseException | None = None


class Ledger:
    """Answers under text keys, in one SQLite file on a local disk.

    The first value of a key stays; writing it again changes nothing. Safe for many threads. Processes that only read
    never wait; one that writes waits for another writer, at most ``patience`` seconds a commit, then names it.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._waiting: list[_Batch] = []
        self._led = False
        self._gate = threading.Lock()
        self._writing = threading.RLock()
        self._reading = threading.Lock()
        self._owned = 0
        self._payers = 0
        self._paying_gate = threading.Lock()
        self._paying = ExitStack()
        self._ownership = ExitStack()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    def get_many(self, keys: list[str]) -> dict[str, dict[str, Any]]:
        """The values that are there, under their keys; keys without value are left out.

        Raises:
            DataError: a row or the file is damaged.
        """
        found: dict[str, dict[str, Any]] = {}
        with self._reading, self._trouble():
            if (reader := self._open_reader()) is None:
                return found
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start:start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = reader.execute(f"SELECT key, value, sum FROM answers WHERE key IN ({marks})", part)
                for key, value, total in rows:
                    if total != _sum(key, value):
                        raise DataError(f"{self.path}: the answer {key!r} is damaged",
                                        hint="`midspec store gc` drops damaged answers; they are then asked again")
                    found[key] = json.loads(value)
        return found

    def lacking(self, keys: Iterable[str]) -> list[int]:
        """The places of those keys that have no value; reads no value.

        Where they are many, one pass over the index finds them, in which 64 bits stand for a key: one of ten million
        million keys is taken for another and left out. ``get_many`` is exact.

        Raises:
            DataError: the file is damaged.
        """
        rest = iter(keys)
        with self._reading, self._trouble():
            reader = self._open_reader()
            rows = 0 if reader is None else reader.execute("SELECT max(number) FROM answers").fetchone()[0] or 0
        few = list(islice(rest, min(_FEW_KEYS, rows // 8)))
        wanted = array("q", map(hash, chain(few, rest)))
        missing = set(wanted)
        with self._reading, self._trouble():
            if reader is None:
                pass
            elif len(wanted) == len(few):
                for start in range(0, len(few), _AT_ONCE):
                    missing.difference_update(self._hashes(reader, few[start:start + _AT_ONCE]))
            else:
                # The index holds all of it, so that no value is read.
                missing.difference_update(hash(key) for (key,) in reader.execute("SELECT key FROM answers"))
        return [place for place, key in enumerate(wanted) if key in missing]

    @staticmethod
    def _hashes(reader: sqlite3.Connection, keys: list[str]) -> Iterator[int]:
        marks = ",".join("?" * len(keys))
        return (hash(key) for (key,) in reader.execute(f"SELECT key FROM answers WHERE key IN ({marks})", keys))

    def put_many(self, rows: Mapping[str, dict[str, Any]]) -> None:
        """Keep values. When this returns, they survive a kill and a power cut; when it raises, none of them was kept.

        Raises:
            DataError: a value is not JSON, or the file is damaged.
            SetupError: the disk is full or refuses to write.
            ClaimError: another process has been writing for longer than ``patience``.
        """
        if not rows:
            return
        batch = _Batch([_row(key, value) for key, value in rows.items()])
        with self._gate:
            self._waiting.append(batch)
            leads, self._led = not self._led, True
        if not leads:
            self._wait(batch)
        if not batch.done:
            self._lead()
        if batch.error is not None:
            raise batch.error

    def _lead(self) -> None:
        """Commit for all that queued up: one sync for many callers. Then the first who came meanwhile leads."""
        with self._gate:
            batches, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            with self._writing:
                self._commit([row for batch in batches for row in batch.rows])
        except BaseException as caught:
            error = caught
        for batch in batches:
            batch.done, batch.error = True, error
            batch.woken.set()
        with self._gate:
            self._hand_on()

    def _hand_on(self) -> None:
        self._led = bool(self._waiting)
        if self._waiting:
            self._waiting[0].woken.set()

    def _wait(self, batch: _Batch) -> None:
        """Until somebody has committed the batch, or it is our turn to lead."""
        try:
            batch.woken.wait()
        except BaseException:
            # An interrupted thread must not be the one that all others wait for.
            with self._gate:
                if batch in self._waiting:
                    self._waiting.remove(batch)
                    if batch.woken.is_set():
                        self._hand_on()
            raise

    @contextmanager
    def own(self) -> Generator[None]:
        """Be the only writer for a while (a stage that pays for answers), so that no answer is bought by two processes.

        Several threads of one process may own it together.

        Raises:
            ClaimError: another process writes for longer than ``patience``.
        """
        with self._writing:
            if not self._owned:
                self._ownership.enter_context(self._claim())
            self._owned += 1
        try:
            yield
        finally:
            with self._writing:
                self._owned -= 1
                if not self._owned:
                    self._ownership.close()

    @contextmanager
    def paying(self) -> Generator[None]:
        """Be the only process that buys answers for this ledger, for hours if need be; short writes of others go on.

        Several threads of one process may pay at once.

        Raises:
            ClaimError: another process pays; names it at once.
        """
        with self._paying_gate:
            if not self._payers:
                self._paying.enter_context(turn(self.path.with_suffix(".paying"), f"paying for answers in {self.path}",
                                                patience=0.0))
            self._payers += 1
        try:
            yield
        finally:
            with self._paying_gate:
                self._payers -= 1
                if not self._payers:
                    self._paying.close()

    def starting(self, prefix: str) -> dict[str, dict[str, Any]]:
        """All values whose key starts with ``prefix``, oldest first.

        Raises:
            DataError: a row or the file is damaged.
        """
        with self._reading, self._trouble():
            if (reader := self._open_reader()) is None:
                return {}
            # A range over the index: LIKE would read every row.
            keys = [key for (key,) in reader.execute(
                "SELECT key FROM answers WHERE key >= ? AND key < ? ORDER BY number",
                (prefix, prefix + "\U0010ffff"))]
        found = self.get_many(keys)
        return {key: found[key] for key in keys if key in found}

    def count(self) -> int:
        """How many answers there are."""
        with self._reading, self._trouble():
            reader = self._open_reader()
            return 0 if reader is None else reader.execute("SELECT count(*) FROM answers").fetchone()[0]

    def verify(self) -> list[Problem]:
        """What is damaged: the file's structure, and each row whose checksum does not fit. Reads every byte of them."""
        try:
            with self._reading, self._trouble():
                if (reader := self._open_reader()) is None:
                    return []
                found = [text for (text,) in reader.execute("PRAGMA integrity_check") if text != "ok"]
                found += [f"the answer {key!r} is damaged" for _, key in self._damaged(reader)]
        except DataError as error:
            found = [error.message.partition(": ")[2]]
        return [Problem(self.path, text) for text in found]

    def drop_damaged(self, *, dry: bool = False) -> int:
        """Remove the rows whose checksum does not fit; returns how many."""
        with self._writing, self._trouble(), self._turn():
            writer = self._open_writer()
            numbers = [(number,) for number, _ in self._damaged(writer)]
            if numbers and not dry:
                writer.execute("BEGIN IMMEDIATE")
                writer.executemany("DELETE FROM answers WHERE number = ?", numbers)
                writer.execute("COMMIT")
            return len(numbers)

    def close(self) -> None:
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def _commit(self, rows: list[tuple[str, str, bytes]]) -> None:
        with self._trouble(), self._turn():
            writer = self._open_writer()
            writer.execute("BEGIN IMMEDIATE")
            try:
                writer.executemany(INSERT, rows)
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise

    def _turn(self) -> AbstractContextManager[None]:
        """This process's turn to write; already ours within ``own``."""
        return nullcontext() if self._owned else self._claim()

    def _claim(self) -> AbstractContextManager[None]:
        return turn(self.path.with_suffix(".lock"), f"{self.path}", patience=self._patience)

    def _open_writer(self) -> sqlite3.Connection:
        """Call only in our turn: two processes must not create the file at once."""
        if self._writer is None:
            new = not self.path.exists()
            self._writer = _connect(self.path)
            if self._writer.execute("SELECT count(*) FROM sqlite_master WHERE name = 'answers'").fetchone() == (0,):
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute(SCHEMA)
            if new:
                sync_file(self.path.parent)
        return self._writer

    def _open_reader(self) -> sqlite3.Connection | None:
        if self._reader is None and self.path.exists():
            reader = _connect(self.path)
            if reader.execute("SELECT count(*) FROM sqlite_master WHERE name = 'answers'").fetchone() == (0,):
                reader.close()
                return None
            self._reader = reader
        return self._reader

    def _damaged(self, connection: sqlite3.Connection) -> Iterator[tuple[int, object]]:
        for number, key, value, total in connection.execute("SELECT number, key, value, sum FROM answers"):
            if not isinstance(key, str) or not isinstance(value, str) or total != _sum(key, value):
                yield number, key

    @contextmanager
    def _trouble(self) -> Generator[None]:
        """SQLite's errors in our words."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if not getattr(error, "sqlite_errorname", "").startswith(_DISK):
                raise self._broken(error) from error
            raise SetupError(f"{self.path}: cannot be used now ({error})",
                             hint="free space or mend the disk, then start the same command again") from error
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> DataError:
        return DataError(f"{self.path}: damaged ({error})",
                         hint=f"save what can be read with: sqlite3 {self.path} .recover | sqlite3 mended.sqlite; "
                              f"then put mended.sqlite in its place")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = 1")
    return connection


def _row(key: str, value: dict[str, Any]) -> tuple[str, str, bytes]:
    try:
        text = to_line(value).decode().rstrip("\n")
        return key, text, _sum(key, text)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"the answer {key!r} is not JSON: {error}", hint="only text, numbers, lists, dicts") from error


def _sum(key: str, value: str) -> bytes:
    return hashlib.blake2b(f"{key}\0{value}".encode(), digest_size=16).digest()
