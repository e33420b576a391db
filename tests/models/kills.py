"""SIGKILL at random moments while ``ask`` has calls in flight, or between a batch's submission and its record. By hand:

    python -m tests.models.kills [--kills 1000] [--batch] [--api anthropic] [--seed 7]

A parent that has imported everything forks a child for each start, so that a kill hits asking rather than imports;
three in four kills come after the first call of the start, so that they hit live calls on a busy machine as well. The
teacher runs in a process of its own and alone says what was asked and paid.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.models.court import Court, Verdict, calls, court, desk, digest, kept, misplaced, model, where
from tests.models.trials import KINDS, TAGGED

from midspec.core.asking import Clock
from midspec.models import gate
from midspec.models.ask import Ask
from midspec.store.ledger import Ledger

IN_FLIGHT = 64


@dataclass
class Fast(Clock):
    """Real time, ``speed`` times as fast, in step with a teacher that was started with the same speed."""

    epoch: float
    speed: float

    def now(self) -> float:
        return self.epoch + (time.time() - self.epoch) * self.speed

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / self.speed)


class Dying(Ledger):
    """Kills its process just before or after some of the notes on a batch, as its dice want it."""

    throw: random.Random | None = None

    def put_many(self, rows: Mapping[str, dict[str, Any]]) -> None:
        note = any(key.startswith("batch ") and key.endswith((" id", " intent", " end")) for key in rows)
        when = self.throw.random() if note and self.throw else 1.0
        if when < 0.35:
            os.kill(os.getpid(), signal.SIGKILL)
        super().put_many(rows)
        if when < 0.5:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], None]) -> int:
    """The id of a child that does this and ends with 0, or with 1 and a traceback."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def asking(folder: Path, units: int, api: str, *, dice: random.Random | None = None, **terms: Any) -> None:
    """What a stage does: a new folder, all calls, one file of what came, published by a rename."""
    staging = folder / "artifact"
    shutil.rmtree(staging, ignore_errors=True)
    # Without the slow start, so that most kills hit as many calls as there may be at once.
    gate.FIRST = float(IN_FLIGHT)
    made = desk(staging, in_flight=IN_FLIGHT, **terms)
    if dice is not None:
        made.answers = Dying(made.answers.path)
        made.answers.throw = dice
    replies = Ask(made, model(api)).each(calls(units), TAGGED)
    lines = [json.dumps([r.id, r.value, r.fault, r.attempt]) + "\n" for r in replies]
    (staging / "out.jsonl").write_text("".join(lines))
    (staging / "facts.json").write_text(json.dumps(made.facts, sort_keys=True))
    staging.rename(folder / "published")


def digests(folder: Path) -> list[str]:
    return [digest(folder / "published" / name) for name in ("out.jsonl", "dropped.jsonl", "facts.json")]


@dataclass
class Round:
    """One run from nothing to its end, killed on the way. ``delay`` gives each start its seconds to live."""

    folder: Path
    judge: Court
    units: int
    api: str
    terms: dict[str, Any]
    armed: Callable[[], bool] = lambda: False

    def play(
        self, kills: int, delay: Callable[[], float | None], dice: Callable[[], random.Random | None]
    ) -> Counter[str]:
        """What happened: kills, acknowledged answers lost or asked again, slow restarts."""
        seen: Counter[str] = Counter()
        first = self.judge.state()["calls"]
        while True:
            before, state = kept(self.folder / "ledger.sqlite"), self.judge.state()
            more = seen["kills"] < kills
            luck = dice() if more else None
            child = forked(lambda luck=luck: asking(self.folder, self.units, self.api, dice=luck, **self.terms))
            ended = self._wait(child, delay() if more else None, state["calls"] if more and self.armed() else None)
            if ended == -signal.SIGKILL:
                seen["kills"] += 1
                flying = self.judge.state()["in_flight"]
                seen["in flight at the kills"] += flying
                seen["kills with calls in flight"] += flying > 0
                seen["of them with 60 or more"] += flying >= 60
            seen["failed starts"] += ended > 0
            rows = [r for r in self.judge.rows() if r.kind == "call" and r.number >= state["calls"]]
            seen["asked again"] += len({r.draw for r in rows} & before)
            seen["lost"] += len(before - kept(self.folder / "ledger.sqlite"))
            if rows and seen["kills"] and min(r.at for r in rows) - state["seconds"] > 2.0:
                seen["restarts over 2 s"] += 1
            if ended >= 0:
                break
        rows = [r for r in self.judge.rows() if r.kind == "row" or (r.kind == "call" and r.number >= first)]
        paid = Counter(r.draw for r in rows if r.paid and r.written)
        seen["bought again, killed before they could be kept"] = sum(n - 1 for n in paid.values())
        seen["misplaced"] = len(misplaced(self.folder / "ledger.sqlite", rows))
        return seen

    def _wait(self, child: int, seconds: float | None, calls: int | None = None) -> int:
        """How the child ended, which is killed after so many seconds (from the first call after ``calls`` on)."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            if calls is not None and seconds is not None:
                end = time.monotonic() + seconds
                calls = None if self.judge.state()["calls"] > calls else calls
            found, status = os.waitpid(child, os.WNOHANG if end is not None else 0)
            if found:
                return os.waitstatus_to_exitcode(status)
            if end is not None and time.monotonic() >= end:
                os.kill(child, signal.SIGKILL)
                end = None
            time.sleep(0.002)


def online(
    folder: Path, *, kills: int, seed: int, units: int = 500, api: str = "openai", longest: float = 3.0
) -> Verdict:
    """R1, R3: kills at random moments, 64 calls in flight; every round ends in the files of an undisturbed run."""
    plan = {"seed": seed, "latency": {"first_s": 1.0}, "content": {"bad": 0.25, "kinds": KINDS, "words": 60}}
    throw, seen = random.Random(seed), Counter[str]()
    with court(folder / "court", plan) as judge:
        os.environ.update(where(judge.url))
        reference = folder / "reference"
        reference.mkdir()
        assert os.waitstatus_to_exitcode(os.waitpid(forked(lambda: asking(reference, units, api)), 0)[1]) == 0
        rounds = 0
        while seen["kills"] < kills:
            rounds += 1
            here = folder / f"round{rounds}"
            here.mkdir()
            seen += Round(here, judge, units, api, {}, lambda: throw.random() < 0.75).play(
                kills - seen["kills"], lambda: throw.uniform(0.1, longest), lambda: None
            )
            seen["other files"] += digests(here) != digests(reference)
            shutil.rmtree(here)
    return _verdict("R1/R3", seen, seed, rounds, api)


def batches(folder: Path, *, kills: int, seed: int, units: int = 8, api: str = "openai") -> Verdict:
    """Kills around the notes on a batch: never handed in twice, the same files as in an undisturbed run."""
    speed = 3600.0
    plan = {"seed": seed, "speed": speed, "batches": {"hours": [0.1, 0.6], "expired": 0.1, "lost_replies": 0.1}}
    throw, seen = random.Random(seed), Counter[str]()
    with court(folder / "court", plan) as judge:
        os.environ.update(where(judge.url))
        terms: dict[str, Any] = {"batch": True, "clock": Fast(judge.state()["epoch"], speed)}
        reference = folder / "reference"
        reference.mkdir()
        assert os.waitstatus_to_exitcode(os.waitpid(forked(lambda: asking(reference, units, api, **terms)), 0)[1]) == 0
        rounds = 0
        while seen["kills"] < kills:
            rounds += 1
            here = folder / f"round{rounds}"
            here.mkdir()
            done = len(judge.rows())
            seen += Round(here, judge, units, api, terms).play(
                kills - seen["kills"], lambda: None, lambda: random.Random(throw.random())
            )
            seen["other files"] += digests(here) != digests(reference)
            paid = Counter(r.draw for r in judge.rows()[done:] if r.kind == "row" and r.paid)
            seen["paid twice"] += sum(n > 1 for n in paid.values())
            shutil.rmtree(here)
        for name in (
            "bought again, killed before they could be kept",
            "in flight at the kills",
            "kills with calls in flight",
            "of them with 60 or more",
        ):
            seen.pop(name, None)
    return _verdict("batch kills", seen, seed, rounds, api)


def _verdict(promise: str, seen: Counter[str], seed: int, rounds: int, api: str) -> Verdict:
    bad = ("lost", "asked again", "other files", "failed starts", "misplaced", "paid twice")
    more = {name: number for name, number in seen.items() if name not in ("kills", *bad)} | {
        "rounds": rounds,
        "api": api,
    }
    more |= {name: seen[name] for name in bad if seen[name]}
    if promise == "R1/R3":
        # A kill that hits nothing shows nothing.
        more["kills with calls in flight"] = seen["kills with calls in flight"]
    return Verdict(promise, seen["kills"], sum(seen[name] for name in bad), seed, more)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.models.kills", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--api", choices=("openai", "anthropic"), default="openai")
    options.add_argument("--batch", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="midspec-kills-") as folder:
        trial = batches if given.batch else online
        print(trial(Path(folder), kills=given.kills, seed=given.seed, api=given.api))


if __name__ == "__main__":
    import anthropic  # noqa: F401  (imported before the first fork)
    import openai  # noqa: F401

    main()
