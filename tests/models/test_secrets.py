"""Keys stay where they belong (S5), and only the configured host is contacted (S10): real processes, canary keys."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from tests.models.court import KEY, court, where

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
        (folder / "work").mkdir()
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


@pytest.mark.parametrize(("api", "hopeless"), [("openai", None), ("anthropic", "401"), ("openai", "spend")])
def test_no_key_is_written_anywhere(tmp_path: Path, repository: Path, api: str, hopeless: str | None) -> None:
    plan = {
        "faults": {
            "rate": 0.3,
            "kinds": {"500": 1, "reset-mid": 1, "malformed": 1, "wrong-type": 1, "429-ms": 1},
            "wait_s": [0.05, 0.1],
        },
        "hopeless": {"kind": hopeless, "start": 20},
    }
    said, met, url = ask_in_a_process(tmp_path, api, plan, repository)
    assert (tmp_path / "debug.log").stat().st_size > 1000, "the logs were not on: nothing is shown"
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    written[Path("screen")] = said.encode()
    hits = [str(path) for path, data in written.items() for form in forms(KEY) if form in data]
    assert not hits, hits
    port = url.rpartition(":")[2]
    strangers = [one for one in met if one not in (["127.0.0.1", port], ["b'127.0.0.1'", port])]
    assert met and not strangers, strangers


def test_the_canary_would_be_found(tmp_path: Path) -> None:
    for form in forms(KEY):
        assert any(found in b"..." + form + b"..." for found in forms(KEY))
    assert base64.b64encode(b"x" + KEY.encode()) and any(
        form in base64.b64encode(b"x" + KEY.encode()) for form in forms(KEY)
    )
