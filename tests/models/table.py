"""All trials of asking in a table: promise, trials, failures, 95 % upper bound, seed (``tests.models.trials``)."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.models import guards, kills, memory, trials
from tests.models.court import Verdict, upper, where

APIS = ("openai", "anthropic")
HOPELESS = ("401", "403", "404", "spend", "context")
# In a folder, at a size, with a seed.
Run = Callable[[Path, float, int], Iterable[Verdict]]


def memory_of(at: Path, size: float, seed: int) -> list[Verdict]:
    """R25 at a size that takes a moment; ``python -m tests.models.memory`` does the million."""
    count = int(20_000 * size)
    at.mkdir(parents=True, exist_ok=True)
    os.environ |= where("http://127.0.0.1:9")
    memory.fill(at / "ledger.sqlite", count)
    million = memory.a_million(memory.measured(at, count), count)
    return [Verdict("R25", count, int(million >= 300), seed, {"MB at a million": round(million)})]


def killed(at: Path, size: float, seed: int) -> list[Verdict]:
    """R1, R3 with few kills; ``python -m tests.models.kills`` does as many as wanted."""
    return [_in(at / api, lambda here, api=api: kills.online(here, kills=int(10 * size), seed=seed, units=200, api=api))
            for api in APIS]  # fmt: skip


def _in(folder: Path, trial: Callable[[Path], Verdict]) -> Verdict:
    folder.mkdir(parents=True)
    return trial(folder)


def _limits(at: Path, size: float, seed: int) -> list[Verdict]:
    """A share below 93 % of the limit used, or above 2 % of the calls refused, is a failure."""
    found = [trials.limited(at / "steady", per_minute=600 * size, minutes=4, drop=None),
             trials.limited(at / "drop", per_minute=600 * size, minutes=9, drop=(2, 5, 10))]  # fmt: skip
    for verdict in found:
        verdict.failures += sum(share < 0.93 for name, share in verdict.more.items() if name.startswith("used"))
        verdict.failures += sum(share > 0.02 for name, share in verdict.more.items() if name.startswith("refused"))
    return found


RUNS: dict[str, Run] = {
    "kills": killed,
    "faults": lambda at, size, seed: (
        trials.faults(at / api, units=int(400 * size), seed=seed, api=api) for api in APIS
    ),
    "hopeless": lambda at, size, seed: (
        trials.hopeless(at / f"{kind}-{api}", kind=kind, api=api, units=int(300 * size), start=100, in_flight=64)
        for kind in HOPELESS
        for api in APIS
    ),
    "contents": lambda at, size, seed: (
        trials.contents(at / form, units=int(250 * size), seed=seed, form=form) for form in trials.FORMS
    ),
    "starts": lambda at, size, seed: [guards.starts(at, starters=100)],
    "memory": memory_of,
    "names": lambda at, size, seed: [trials.names(at, units=int(1000 * size))],
    "texts": lambda at, size, seed: [guards.texts(at, strings=int(10_000 * size), seed=seed)],
    "secrets": lambda at, size, seed: guards.secrets(at, seed=seed),
    "redirect": lambda at, size, seed: [trials.redirected(at)],
    "verdicts": lambda at, size, seed: [trials.verdicts(int(300 * size), seed)],
    "budget": lambda at, size, seed: [trials.budget(at / api, api=api, units=200, in_flight=16) for api in APIS],
    "cached": lambda at, size, seed: [trials.cached(at / api, api=api, units=int(200 * size)) for api in APIS],
    "limits": _limits,
    "batch": lambda at, size, seed: (
        trials.batch(at / f"{api}-{lost}", api=api, units=int(300 * size), seed=seed, plan={"lost_replies": lost})
        for api in APIS
        for lost in (0, 0.5)
    ),
    "same": lambda at, size, seed: [trials.same_files(at, units=int(200 * size))],
}


def lines(found: list[tuple[str, Verdict]]) -> list[str]:
    """The table: the verdicts of one trial on one promise in a row."""
    rows = ["| promise | trials | failures | 95 % bound | again with |", "|---|---|---|---|---|"]
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for name, verdict in found:
        groups.setdefault((verdict.promise.split()[0], name), []).append(verdict)
    for (promise, name), some in sorted(groups.items()):
        count, failures = sum(one.trials for one in some), sum(one.failures for one in some)
        rows.append(f"| {promise} | {count:,} | {failures} | {upper(failures, count):.2%} | --only {name} --seed "
                    f"{some[0].seed} |")  # fmt: skip
    return rows


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.models.trials", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", nargs="*", default=[], choices=list(RUNS))
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    found: list[tuple[str, Verdict]] = []
    for name in given.only or RUNS:
        with tempfile.TemporaryDirectory(prefix="midspec-trial-") as at:
            for verdict in RUNS[name](Path(at), given.scale, given.seed):
                print(verdict, flush=True)
                found.append((name, verdict))
    print(*lines(found), sep="\n")
