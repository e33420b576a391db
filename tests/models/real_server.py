"""A real model behind a real server: the embedded SmolLM2-135M in llama.cpp's server, asked as any provider. By hand:

    pip install xllamacpp; python -m tests.models.real_server [--calls 500] [--tokens 48]

xllamacpp is that server as a wheel, so that nothing is compiled. Whatever the model writes, each round ends, all that
cannot be used is counted by class, and a second round asks nothing. The server's own log says how often it was asked. A
model of this size keeps to few forms unless a schema holds it, which is the point.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.models.court import Desk, desk, digest

from midspec.library.catalog import catalog
from midspec.models.ask import Ask, Call, Reply
from midspec.models.embedded import gguf_in
from midspec.models.forms import Form, Limits, Tagged, Text, Typed
from midspec.models.model import Model

THINGS = ("harbour", "bakery", "library", "orchard", "lighthouse", "station", "workshop", "market", "bridge", "garden",
          "school", "ferry", "kitchen", "mill", "museum", "stable", "theatre", "river", "forest", "quarry")  # fmt: skip
SERVE = """
import sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.port, params.hostnames = sys.argv[1], int(sys.argv[2]), ["127.0.0.1"]
params.n_ctx, params.n_parallel, params.ui = 8192, 2, False
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Opinion:
    """What the typed third of the calls asks for."""

    thing: str
    useful: bool


TAGS = "Write one plain sentence about a {thing} in {year}. Put it between <document> and </document>."
NAME = 'Name the thing "{thing}" and say whether it was useful in {year}.'
FORMS: dict[str, tuple[Form, str, str]] = {
    "text": (Text(Limits(least=4)), "Write one plain sentence about a {thing} in the year {year}.", ""),
    "tags": (Tagged(("document",)), TAGS, ""),
    "json": (Typed(Opinion), NAME, "schema"),
    "fenced": (Typed(Opinion), NAME, "fenced"),
}


@dataclass
class Served:
    url: str
    log: Path

    def calls(self) -> int:
        """How many calls have begun so far."""
        return self.log.read_text(errors="replace").count("| processing task")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The server on loopback, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Served(f"http://127.0.0.1:{port}", folder / "server.log")
    weights = gguf_in(catalog().embedded["embedded/smollm2-135m-instruct"])
    with found.log.open("wb") as out:
        command = [sys.executable, "-c", SERVE, str(weights), str(port)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out)
    try:
        _wait_for(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(server: Served, process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/health", timeout=5):
            return
        time.sleep(0.5)
    raise RuntimeError(f"the server does not answer:\n{server.log.read_text(errors='replace')[-2000:]}")


def planned(task: str, count: int) -> list[Call]:
    texts = (task.replace("{thing}", THINGS[n % len(THINGS)]).replace("{year}", str(1900 + n)) for n in range(count))
    return [Call(f"u{n}", text) for n, text in enumerate(texts)]


def asked(folder: Path, form: str, units: int, tokens: int) -> tuple[Desk, list[Reply]]:
    made = desk(folder, in_flight=2, unpriced=True)
    kind, task, structured = FORMS[form]
    who = Model(address="openai-api/real/smollm2", temperature=1.0, max_tokens=tokens, structured=structured)
    return made, Ask(made, who).all(planned(task, units), kind)


def trial(folder: Path, calls: int, tokens: int, at_once: int = 12) -> list[str]:
    """Units of each form until the server was asked so often, then all of them again; returns what went wrong."""
    wrong, units, rounds = list[str](), 0, dict[str, tuple[Desk, list[Reply]]]()
    with served(folder) as server:
        os.environ |= {"REAL_BASE_URL": f"{server.url}/v1", "REAL_API_KEY": "none"}
        while server.calls() < calls:
            units += at_once
            rounds = {form: asked(folder / f"{form}-{units}", form, units, tokens) for form in FORMS}
            print(f"{units} units a form, {server.calls()} calls", flush=True)
        made_calls = server.calls()
        for form, (made, replies) in rounds.items():
            again, same = asked(folder / f"{form}-again", form, units, tokens)
            if same != replies or _files(again) != _files(made) or again.account.run.rows():
                wrong.append(f"{form}: the second round differs")
        if server.calls() > made_calls:
            wrong.append(f"the second round made {server.calls() - made_calls} calls")
    facts = {form: _checked(made, replies, wrong) for form, (made, replies) in rounds.items()}
    if (kept := sum(found["answers"] for found in facts.values())) != made_calls:
        wrong.append(f"the server had {made_calls} calls, {kept} are accounted for")
    print(f"{made_calls} calls in the first round")
    for form, found in facts.items():
        print(f"{form}: {json.dumps(found)}")
    return wrong


def _files(made: Desk) -> tuple[str, str]:
    return digest(made.folder / "dropped.jsonl"), json.dumps(made.facts, sort_keys=True)


def _checked(made: Desk, replies: list[Reply], wrong: list[str]) -> dict[str, Any]:
    """The facts of one round; each unit has a value or a fault, and each bad answer was kept aside."""
    (found,) = made.facts["asked"].values()
    if any(reply.ok is (reply.value is None) for reply in replies):
        wrong.append("a reply has both a value and a fault, or neither")
    lines = (made.folder / "dropped.jsonl").read_text().splitlines() if found["bad"] else []
    if len(lines) != sum(found["bad"].values()) or found["used"] != sum(reply.ok for reply in replies):
        wrong.append(f"{len(lines)} were kept aside, {found['bad']} counted")
    return found


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m tests.models.real_server", description=(__doc__ or "").splitlines()[0]
    )
    options.add_argument("--calls", type=int, default=500)
    options.add_argument("--tokens", type=int, default=48)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="midspec-real-") as folder:
        wrong = trial(Path(folder), given.calls, given.tokens)
    print(*(wrong or ["nothing went wrong"]), sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
