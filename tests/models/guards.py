"""Trials around asking: texts stay as they are (S2), keys and hosts (S5, S10), many starts at once (R12).

By hand as part of ``python -m tests.models.trials``.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.models.court import KEY, REPOSITORY, Verdict, calls, court, desk, model, where
from tests.models.kills import forked
from tests.models.trials import TAGGED
from tests.teacher.words import BRACES, CONTROL, INJECTIONS, MARKUP, PATHS

from midspec.core.asking import Terms, Usage
from midspec.core.chat import Message
from midspec.core.errors import ClaimError
from midspec.core.prompt import Prompt
from midspec.models.ask import Ask
from midspec.models.call import Answer, Request
from midspec.models.faults import judge
from midspec.models.forms import Limits, Tagged, Text
from midspec.models.providers import connect
from midspec.store.ledger import Ledger

PARTS = (
    *BRACES, *CONTROL, *INJECTIONS, *MARKUP, *PATHS,
    "{", "}", "{{", "}}", "{{ spec }}", "{{ idea }}", "{model_name}", "{0}", "%s", "%(a)s", "%", "$", "${HOME}",
    "$(ls)", "`ls`", "\\", "\\n", "\\u0041", "\\x00", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff",
    "\u202e", "\r", "\r\n", "\n", "\t", '"', "'", "<|im_end|>", "{% raw %}", "{# x #}", "é", "e\u0301", "🙂", "字",
    "'; DROP TABLE answers; --", "NaN",
)  # fmt: skip
PROMPT = Prompt("p.md", "Read this:\n{{ spec }}\n\nThen write on {{ idea }} and say {{ spec }} again, {not} %s $x.")
FREE = Limits(may_echo=True, may_refuse=True, language="")


def hostile(throw: random.Random) -> str:
    parts = throw.choices(PARTS, k=throw.randint(1, 8))
    if throw.random() < 0.0005:
        parts.append(throw.choice(PARTS) * (1_000_000 // 4))
    return throw.choice(("", " ", "word ")).join(parts)


def texts(folder: Path, *, strings: int, seed: int) -> Verdict:
    """S2. A failure is a string that is another one in the prompt, a body, a reply or the ledger."""
    os.environ |= where("http://127.0.0.1:9")
    throw, wrong = random.Random(seed), list[str]()
    clients = [connect(model(api), Terms()) for api in ("openai", "anthropic")]
    folder.mkdir(parents=True, exist_ok=True)
    ledger, kept = Ledger(folder / "ledger.sqlite"), dict[str, dict[str, object]]()
    with ledger.own():
        for n in range(strings):
            text = hostile(throw)
            filled = PROMPT.fill(spec=text, idea="boats")
            if filled != f"Read this:\n{text}\n\nThen write on boats and say {text} again, {{not}} %s $x.":
                wrong.append(f"prompt: {text[:80]!r}")
            request = Request((text,), (Message("user", filled), Message("assistant", text), Message("user", text)))
            for client in clients:
                found = _strings(json.loads(json.dumps(client.body(request))))
                if found.count(text) != 3 or found.count(filled) != 1:
                    wrong.append(f"body: {text[:80]!r}")
            wrong += [f"reply: {text[:80]!r}" for fine in _replies(text, request) if not fine]
            kept[f"k{n}"] = Answer(text, "stop", Usage(), reasoning=text).row()
            if len(kept) == 1000 or n == strings - 1:
                ledger.put_many(kept)
                rows = ledger.get_many(list(kept))
                wrong += [f"ledger: {key}" for key, row in kept.items() if rows[key] != row]
                kept = {}
    return Verdict("S2", strings, len(wrong), seed, {"wrong": wrong[:5]} if wrong else {})


def _replies(text: str, request: Request) -> tuple[bool, bool]:
    """The text as a whole reply, and between tags; what is said of it may be a fault, but never another text."""
    whole = judge(Answer(f"so {text} so", "stop", Usage()), Text(FREE), request)
    tagged = judge(Answer(f"<a>\n{text}.\n</a>", "stop", Usage()), Tagged(("a",), FREE), request)
    return (whole.fault is not None or whole.value == f"so {text} so",
            tagged.fault is not None or tagged.value["a"] == f"{text}.".strip())  # fmt: skip


def _strings(value: object) -> list[str]:
    """Every string in a body."""
    if isinstance(value, dict):
        return [found for inner in value.values() for found in _strings(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _strings(inner)]
    return [value] if isinstance(value, str) else []


RUDE = {
    "rate": 0.3,
    "kinds": {"500": 1, "reset-mid": 1, "malformed": 1, "wrong-type": 1, "429-ms": 1},
    "wait_s": [0.05, 0.1],
}
# What one process does: asks with every log turned on, notes each address it connects to, prints what went wrong.
SCRIPT = """
import json, logging, os, sys, traceback
from pathlib import Path

met = []
def watch(event, given):
    if event == "socket.connect":
        met.append(given[1])
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        met.append(given[0:2])
sys.addaudithook(watch)
logging.basicConfig(level=logging.DEBUG, filename=sys.argv[2])
from midspec.core.errors import MidspecError
from midspec.models.ask import Ask
from tests.models.court import calls, desk, model
from tests.models.trials import TAGGED
made = desk(Path(sys.argv[1]) / "artifact", in_flight=8)
try:
    Ask(made, model(sys.argv[3])).all(calls(40), TAGGED)
except MidspecError as error:
    print(error)
    traceback.print_exc()
(Path(sys.argv[1]) / "facts.json").write_text(json.dumps([made.facts, made.account.run.rows()]))
print("MET", json.dumps([list(map(str, one)) if isinstance(one, tuple) else str(one) for one in met]))
"""


def forms(secret: str) -> set[bytes]:
    """As it is, URL-encoded, in base64 at every offset."""
    raw = secret.encode()
    found = {raw, quote(secret, safe="").encode(), raw.hex().encode(), secret[::-1].encode()}
    for start in range(3):
        found.add(base64.b64encode(b"\0" * start + raw)[4:-4])
    return found


def ask_in_a_process(folder: Path, api: str, plan: dict[str, Any], repository: Path) -> tuple[str, list[Any], str]:
    with court(folder / "court", plan) as judge:
        (folder / "work").mkdir(parents=True)
        environment = {
            **os.environ,
            **where(judge.url),
            "OPENAI_LOG": "debug",
            "ANTHROPIC_LOG": "debug",
            "PYTHONPATH": os.pathsep.join([str(repository / "src"), str(repository)]),
        }
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", SCRIPT, str(folder / "work"), str(folder / "debug.log"), api],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=True,
        )
    met = json.loads(done.stdout.rpartition("MET ")[2])
    return done.stdout + done.stderr, met, judge.url


def start(folder: Path, number: int, signals: tuple[int, int, int]) -> None:
    """Wait for the first signal to close, ask, say what came of it, and live until the second one closes."""
    ready, go, leave = signals
    made = desk(folder / f"artifact{number}", in_flight=8)
    os.write(ready, b".")
    os.read(go, 1)
    try:
        Ask(made, model()).all(calls(30), TAGGED)
        said = "done"
    except ClaimError as error:
        said = f"refused {error}"
    (folder / f"said{number}").write_text(said)
    os.write(ready, b".")
    os.read(leave, 1)


def race(folder: Path, starters: int) -> tuple[Counter[str], list[str], list[int]]:
    with court(folder / "court", {"latency": {"first_s": 1.0}}) as judge:
        os.environ |= where(judge.url)
        (folder / "work").mkdir()
        (told, ready), (go, going), (leave, leaving) = os.pipe(), os.pipe(), os.pipe()

        def child(number: int) -> None:
            os.close(going)
            os.close(leaving)
            start(folder / "work", number, (ready, go, leave))

        pids = [forked(lambda number=number: child(number)) for number in range(starters)]
        _hear(told, starters)
        os.close(going)
        _hear(told, starters)
        os.close(leaving)
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0
        for end in (told, ready, go, leave):
            os.close(end)
        said = [(folder / "work" / f"said{number}").read_text() for number in range(starters)]
        return Counter(row.draw or "" for row in judge.rows()), said, pids


def _hear(pipe: int, dots: int) -> None:
    while dots > 0:
        dots -= len(os.read(pipe, dots))


def secrets(folder: Path, *, seed: int) -> list[Verdict]:
    """S5, S10. Every byte that a process with all logs on wrote or said, and every address it connected to."""
    files, hits, met, strangers = 0, list[str](), 0, list[Any]()
    for api, hopeless in (("openai", None), ("anthropic", "401"), ("openai", "spend"), ("anthropic", None)):
        here = folder / f"{api}-{hopeless}"
        plan = {"seed": seed, "faults": RUDE, "hopeless": {"kind": hopeless, "start": 20}}
        said, addresses, url = ask_in_a_process(here, api, plan, REPOSITORY)
        assert (here / "debug.log").stat().st_size > 1000, "the logs were not on: nothing is shown"
        written = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} | {here: said.encode()}
        files += len(written)
        hits += [str(path) for path, data in written.items() for form in forms(KEY) if form in data]
        port = url.rpartition(":")[2]
        met += len(addresses)
        strangers += [one for one in addresses if one not in (["127.0.0.1", port], ["b'127.0.0.1'", port])]
    assert files and met
    return [Verdict("S5", files, len(hits), seed, {"of": "files", "hits": hits[:3]} if hits else {"of": "files"}),
            Verdict("S10", met, len(strangers), seed, {"strangers": strangers[:3]} if strangers else {})]  # fmt: skip


def starts(folder: Path, *, starters: int) -> Verdict:
    """R12. One pays, all others are told who it is, and nothing is asked twice."""
    os.environ |= where("")
    folder.mkdir(parents=True, exist_ok=True)
    asked, said, pids = race(folder, starters)
    done, wrong = said.count("done"), list[str]()
    if done != 1:
        wrong.append(f"{done} owners")
    owner = f"process {pids[said.index('done')]} " if done else "?"
    wrong += [line for line in said if line != "done" and owner not in line]
    wrong += [f"{times} calls of one draw" for times in asked.values() if times != 1]
    wrong += [f"{len(asked)} draws of 30"] * (len(asked) != 30)
    return Verdict("R12", starters, len(wrong), 7, {"wrong": wrong[:3]} if wrong else {})


