"""CPU per durable call with many in flight, beside the plain openai SDK with the same bodies on the same server (P5).

    python benchmarks/asking.py [--calls 3000] [--in-flight 1000] [--rounds 3]

Both run in processes of their own against the test suite's fake provider, which is another process; the order changes
from round to round. Counted is user and system CPU of the client from the first call to the last, without imports. The
plain client keeps nothing and checks nothing; ours has every answer on the disk, judged, when it counts. Both must end
with the same texts.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.models.court import calls, court, desk, model, where  # noqa: E402

TASK = "Write a short document about the careful assistant, in plain words and without headings (case {n})."


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--calls", type=int, default=3000)
    options.add_argument("--in-flight", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--words", type=int, default=750)
    options.add_argument("--latency", type=float, default=20.0)
    options.add_argument("--child", choices=("plain", "ours"), help=argparse.SUPPRESS)
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        found = plain(given) if given.child == "plain" else ours(given)
        print(json.dumps(found))
        return
    took: dict[str, list[float]] = {"plain": [], "ours": []}
    for n in range(given.rounds):
        found = [one(given, name, n, took) for name in (("plain", "ours") if n % 2 else ("ours", "plain"))]
        assert found[0] == found[1], "the two ended with different texts"
    theirs, mine = statistics.median(took["plain"]), statistics.median(took["ours"])
    print(
        f"P5  {given.in_flight} in flight: plain SDK {theirs:.2f} ms, durable and judged {mine:.2f} ms of CPU a call: "
        f"{mine / theirs - 1:+.0%}"
    )


def one(given: argparse.Namespace, name: str, n: int, took: dict[str, list[float]]) -> str:
    """One client against a teacher of its own; the digest of the texts it ended with."""
    # Answers come fast until ours has felt its way up, then so slowly that all places are taken.
    latency = {"first_s": 0.05, "later_from": given.in_flight, "later_s": given.latency}
    plan = {"seed": n, "latency": latency, "content": {"words": given.words}}
    with tempfile.TemporaryDirectory(prefix="midspec-asking-") as work, court(Path(work) / "court", plan) as judge:
        os.environ.update(where(judge.url))
        command = [
            sys.executable,
            __file__,
            "--child",
            name,
            "--work",
            f"{work}/desk",
            "--calls",
            str(given.calls),
            "--in-flight",
            str(given.in_flight),
        ]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        took[name].append(found["cpu"] / given.calls * 1000)
        print(
            f"round {n}, {name}: {took[name][-1]:.2f} ms of CPU a call, {found['seconds']:.0f} s, peak "
            f"{found['peak_mb']:.0f} MB, {judge.state()['most_in_flight']} in flight at most",
            flush=True,
        )
    return found["texts"]


def plain(given: argparse.Namespace) -> dict[str, Any]:
    """The SDK as its documentation shows it, with a semaphore; bodies are those that ours sends."""
    import openai

    from midspec.core.asking import Terms
    from midspec.models.forms import Text
    from midspec.models.providers import connect
    from midspec.models.unit import Terminology, Unit

    who = model()
    shape = Terminology.of(who.address, who.who(), Text(), by_schema=True)
    units = [Unit(call, shape) for call in calls(given.calls, task=TASK)]
    maker = connect(who, Terms())
    bodies = [maker.body(unit.request) for unit in units]

    async def ask() -> list[str]:
        client = openai.AsyncOpenAI(base_url=os.environ["COURT_BASE_URL"], api_key="k", max_retries=0, timeout=600)
        places = asyncio.Semaphore(given.in_flight)

        async def one(n: int) -> str:
            async with places:
                headers = {"Idempotency-Key": units[n].key}
                reply = await client.chat.completions.create(**bodies[n], extra_headers=headers)
                return reply.choices[0].message.content

        return list(await asyncio.gather(*map(one, range(given.calls))))

    return measured(lambda: asyncio.run(ask()))


def ours(given: argparse.Namespace) -> dict[str, Any]:
    import openai  # noqa: F401

    from midspec.models.ask import Ask
    from midspec.models.forms import Text

    made = desk(given.work, in_flight=given.in_flight)
    asked = calls(given.calls, task=TASK)

    def ask() -> list[str]:
        replies = Ask(made, model()).all(asked, Text())
        assert all(reply.ok for reply in replies)
        return [reply.text for reply in replies]

    return measured(ask)


def measured(work: Any) -> dict[str, Any]:
    import resource

    before, started = time.process_time(), time.perf_counter()
    texts = work()
    cpu, seconds = time.process_time() - before, time.perf_counter() - started
    shape = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "seconds": seconds, "peak_mb": peak, "texts": shape}


if __name__ == "__main__":
    main()
