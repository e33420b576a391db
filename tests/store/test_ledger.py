"""Answers: kept once put, the same for everybody, one writer at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midspec.core.errors import ClaimError, DataError
from midspec.store.disk import on_network_disk
from midspec.store.ledger import Ledger, _Batch, _row


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "deep" / "er" / "ledger.sqlite")


def test_nothing_is_created_by_asking(ledger: Ledger) -> None:
    assert ledger.get_many(["a"]) == {} and ledger.count() == 0 and ledger.verify() == []
    assert not ledger.path.parent.exists()


def test_what_is_put_is_got_by_everybody(ledger: Ledger) -> None:
    rows = {f"k{n}": {"n": n, "text": "é" * n} for n in range(1700)}
    ledger.put_many(rows)
    for reader in (ledger, Ledger(ledger.path)):
        assert reader.get_many([*rows, "missing"]) == rows
        assert reader.count() == 1700
    ledger.put_many({})
    ledger.close()
    assert ledger.get_many(["k3"]) == {"k3": rows["k3"]}


def test_which_are_there_is_known_without_reading_values(ledger: Ledger) -> None:
    assert ledger.lacking(["k1", "k2"]) == [0, 1] and not ledger.path.exists()
    ledger.put_many({f"k{n}": {"n": n} for n in range(3000)})
    there = {f"k{n}" for n in range(3000)}
    # Few keys are looked up, many are found in one pass.
    for keys in (["k1", "none", "k2999", "none"], [f"k{n}" for n in range(2500, 3600)], ["x"] * 5000, []):
        assert ledger.lacking(iter(keys)) == [n for n, key in enumerate(keys) if key not in there]
    # A value that is damaged is still there: it is found when it is read.
    with sqlite3.connect(ledger.path) as other:
        other.execute("UPDATE answers SET value = 'x' WHERE key = 'k7'")
    other.close()
    assert ledger.lacking(["k7"]) == []
    with pytest.raises(DataError, match="k7"):
        ledger.get_many(["k7"])


def test_the_first_value_stays(ledger: Ledger) -> None:
    ledger.put_many({"a": {"v": 1}})
    ledger.put_many({"a": {"v": 2}, "b": {"v": 3}})
    assert ledger.get_many(["a", "b"]) == {"a": {"v": 1}, "b": {"v": 3}}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(st.text(), JSON, max_size=4), max_size=5
    )
)
def test_any_json_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, dict[str, Any]]) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "l.sqlite")
    ledger.put_many(rows)
    assert ledger.get_many(list(rows)) == rows and ledger.verify() == []
    ledger.close()


def test_text_that_is_not_utf8_and_nulls(ledger: Ledger) -> None:
    rows = {"a\0b": {"t": "\ud83d half", "u": "nul \0 nul"}, "'; DROP TABLE answers; --": {"t": "{x} %s"}, "": {}}
    ledger.put_many(rows)
    assert ledger.get_many(list(rows)) == rows and ledger.verify() == []
    with pytest.raises(DataError, match="half"):
        ledger.put_many({"half \ud83d": {}})


@pytest.mark.parametrize("wrong", [float("nan"), object(), {1, 2}, b"bytes"])
def test_what_is_not_json_is_refused_whole(ledger: Ledger, wrong: object) -> None:
    with pytest.raises(DataError, match="'bad'"):
        ledger.put_many({"good": {"v": 1}, "bad": {"v": wrong}})
    assert ledger.get_many(["good"]) == {}


def test_full_syncs_are_on(ledger: Ledger) -> None:
    ledger.put_many({"a": {}})
    assert ledger._writer is not None
    assert ledger._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_threads_share_commits(ledger: Ledger) -> None:
    ledger.put_many({"start": {}})
    commits = [0]
    assert ledger._writer is not None
    ledger._writer.set_trace_callback(
        lambda statement: commits.__setitem__(0, commits[0] + statement.startswith("COMMIT"))
    )
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(20):
                key = f"{thread}-{number}"
                ledger.put_many({key: {"by": thread}})
                assert ledger.get_many([key]) == {key: {"by": thread}}
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and ledger.count() == 64 * 20 + 1
    assert commits[0] <= 64 * 20 / 4, f"{commits[0]} commits for {64 * 20} calls: nothing was shared"


def test_one_bad_batch_does_not_harm_its_neighbours(ledger: Ledger) -> None:
    bad: list[BaseException] = []

    def work(thread: int) -> None:
        for number in range(10):
            try:
                ledger.put_many({f"{thread}-{number}": {"v": float("nan") if thread % 4 == 0 else 1}})
            except DataError as error:
                bad.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bad) == 40 and ledger.count() == 120


def test_an_interrupted_caller_keeps_nobody_waiting(ledger: Ledger) -> None:
    ledger.put_many({"start": {}})

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(timeout)  # chosen to lead the next commit, and interrupted in that moment
            raise KeyboardInterrupt

    done = threading.Event()
    with ledger._writing:  # the first writer is held up, two more queue behind it
        first = threading.Thread(target=ledger.put_many, args=({"a": {}},))
        first.start()
        while ledger._waiting or not ledger._led:
            time.sleep(0.001)
        quitter = threading.Thread(target=_quit, args=(ledger, Interrupted()))
        quitter.start()
        while len(ledger._waiting) < 1:
            time.sleep(0.001)
        last = threading.Thread(target=lambda: (ledger.put_many({"c": {}}), done.set()))
        last.start()
        while len(ledger._waiting) < 2:
            time.sleep(0.001)
    assert done.wait(20), "the last caller waits for one who has left"
    assert ledger.get_many(["a", "b", "c"]) == {"a": {}, "c": {}}


def _quit(ledger: Ledger, event: threading.Event) -> None:
    batch = _Batch([_row("b", {})], woken=event)
    with ledger._gate:
        ledger._waiting.append(batch)
    with pytest.raises(KeyboardInterrupt):
        ledger._wait(batch)


def test_processes_take_turns(tmp_path: Path, builder: Callable[..., Any]) -> None:
    path = tmp_path / "ledger.sqlite"
    writers = [builder("write_together", path, f"w{n}", 100) for n in range(4)]
    assert [w.wait(timeout=120) for w in writers] == [0] * 4, [w.stderr.read() for w in writers]
    ledger = Ledger(path)
    assert len(ledger.get_many([f"w{n}-{m}" for n in range(4) for m in range(100)])) == 400
    assert 400 < ledger.count() <= 450 and ledger.verify() == []


def test_an_owned_ledger_names_its_owner_and_can_be_read(tmp_path: Path, builder: Callable[..., Any]) -> None:
    path = tmp_path / "ledger.sqlite"
    owner = builder("put_and_wait", path, "mine")
    assert owner.stdout.readline() == "owned\n"
    second = Ledger(path, patience=0.2)
    assert second.get_many(["mine"]) == {"mine": {"by": "the owner"}}
    started = time.monotonic()
    with pytest.raises(ClaimError, match=f"process {owner.pid} on"):
        second.put_many({"theirs": {}})
    with pytest.raises(ClaimError, match=f"process {owner.pid} on"), second.own():
        pass
    assert time.monotonic() - started < 5
    owner.stdin.write("go on\n")
    owner.stdin.flush()
    assert owner.stdout.readline() == "free\n" and owner.wait(timeout=30) == 0
    second.put_many({"theirs": {}})
    assert second.count() == 3


def test_threads_write_while_their_process_owns(tmp_path: Path) -> None:
    ledger, stranger = Ledger(tmp_path / "l.sqlite", patience=5), Ledger(tmp_path / "l.sqlite", patience=0.05)
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(20):
                with ledger.own() if thread % 2 else nullcontext():
                    ledger.put_many({f"{thread}-{number}": {}})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    with ledger.own():
        for thread in threads:
            thread.start()
        with pytest.raises(ClaimError):
            stranger.put_many({"x": {}})
        for thread in threads:
            thread.join(timeout=20)
        with pytest.raises(ClaimError):
            stranger.put_many({"x": {}})
    stranger.put_many({"x": {}})
    assert not errors and ledger.count() == 161


def test_a_file_of_something_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE answers (something TEXT)")
    other.close()
    with pytest.raises(DataError):
        Ledger(path).put_many({"a": {}})


def test_network_disks_are_known() -> None:
    assert on_network_disk(Path("/")) is None
    assert on_network_disk(Path("/proc/self")) is None
    assert on_network_disk(Path("/not/there/yet")) is None
