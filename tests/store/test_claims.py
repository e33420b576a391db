"""One builder per artifact: among threads, among processes, and after an owner has died."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import ClaimError
from midspec.store.artifacts import Store
from midspec.store.claims import claim, owner_of


def test_the_second_is_told_who_owns(tmp_path: Path) -> None:
    lock = tmp_path / "claims" / "thing.lock"
    with claim(lock, "the thing"):
        with pytest.raises(ClaimError) as caught, claim(lock, "the thing"):
            raise AssertionError("two owners")
        said = str(caught.value)
        assert f"process {os.getpid()} on {socket.gethostname()} since 20" in said and "the thing" in said
        assert caught.value.retryable
        assert owner_of(lock) is not None
    assert owner_of(lock) is None and not lock.exists()
    with claim(lock, "the thing"):
        pass


def test_an_error_inside_ends_the_claim(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), claim(tmp_path / "x.lock", "x"):
            1 / 0  # noqa: B018


def test_looking_for_an_owner_disturbs_nobody(tmp_path: Path) -> None:
    lock, done = tmp_path / "x.lock", threading.Event()

    def look() -> None:
        while not done.is_set():
            owner_of(lock)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            with claim(lock, "x"):
                pass
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_file_removed_between_opening_and_locking_is_no_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, others, flock = tmp_path / "x.lock", list[int](), fcntl.flock

    def late(handle: int, kind: int) -> None:
        if not others:
            others.append(-1)
            with claim(lock, "x"):  # somebody takes the file that we have opened, and removes it …
                pass
            others.append(os.open(lock, os.O_RDWR | os.O_CREAT))
            flock(others[1], fcntl.LOCK_EX)  # … and a third makes a new one
        flock(handle, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(ClaimError), claim(lock, "x"):
        raise AssertionError("two owners")
    os.close(others[1])


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most, told = [0], [0], list[str]()

    def work() -> None:
        for _ in range(30):
            try:
                with claim(tmp_path / "x.lock", "x", patience=0.01):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(0.001)
                    inside[0] -= 1
            except ClaimError as error:
                told.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1 and told and all("process" in said for said in told)


def test_a_dead_owner_is_taken_over_even_where_its_worker_lives(
    tmp_path: Path, builder: Callable[..., subprocess.Popen[str]]
) -> None:
    lock = tmp_path / "x.lock"
    process = builder("hold", lock)
    assert process.stdout is not None
    owner, worker = json.loads(process.stdout.readline())
    try:
        with pytest.raises(ClaimError, match=f"process {owner} on"), claim(lock, "x"):
            raise AssertionError("two owners")
        process.kill()
        process.wait()
        os.kill(worker, 0)  # still there
        with claim(lock, "x", patience=2):
            assert re.search(str(os.getpid()), owner_of(lock) or "")
    finally:
        os.kill(worker, 9)
        process.communicate()


def test_a_hundred_at_once_build_once(tmp_path: Path, result: Callable[..., Any]) -> None:
    for told in result("crowd", tmp_path, 100, 5):
        kinds = Counter("told" if "in the hands of" in said else said for _, said in told["outcomes"])
        assert sum(kinds.values()) == 100 and kinds["built"] == 1, kinds
        builder = next(pid for pid, said in told["outcomes"] if said == "built")
        named = {re.search(r"process (\d+)", said) for _, said in told["outcomes"] if "in the hands of" in said}
        # Somebody who came right after the builder may be the owner named: it looked, found all done, and left.
        assert {int(match[1]) for match in named if match} <= set(told["children"]) and builder in told["children"]
        assert told["problems"] == []


def test_work_without_a_claim_is_refused(store: Store, bench: Any) -> None:
    recipe = bench.Write(words=1)
    for work in (store.staging, store.scratch):
        with pytest.raises(ClaimError, match="not claimed"):
            work(recipe)
    with store.claim(recipe):
        assert store.staging(recipe).is_dir()
    with pytest.raises(ClaimError, match="not claimed"):
        store.publish(recipe, store.root / "staging" / recipe.folder_name, {}, {})
