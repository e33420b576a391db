"""Faults that somebody else chose: `agentbreak` from PyPI stands between `ask` and the test suite's provider (R8).

Needs `agentbreak==0.4.5` in the Python that runs this (0.4.6 was published without its faults). From the repository:

    python benchmarks/faults_referee.py [--calls 200] [--api anthropic]

agentbreak is a proxy with published presets; this is its preset "standard" (429, 500, broken JSON, empty body, broken
schema: together about half of all calls) without the seconds of waiting, which would only make it slow. It knows
nothing of us, and neither side knows its dice. The provider behind it says what it answered. The exit code is 1 where a
unit has no usable reply, the wrong one, or was paid for again after it was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.models.court import Verdict, calls, court, desk, kept, misplaced, model, where  # noqa: E402
from tests.models.trials import TAGGED  # noqa: E402

from midspec.models.ask import Ask  # noqa: E402


def scenarios() -> list[dict[str, Any]]:
    from agentbreak.scenarios import PRESET_SCENARIOS

    return [one for one in PRESET_SCENARIOS["standard"] if one["fault"]["kind"] != "latency"]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--calls", type=int, default=200)
    options.add_argument("--api", choices=("openai", "anthropic"), default="openai")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="midspec-referee-") as work:
        verdict = trial(Path(work), given.calls, given.api)
    print(verdict)
    sys.exit(bool(verdict.failures))


def trial(folder: Path, units: int, api: str) -> Verdict:
    with court(folder / "court", {}) as judge, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        own = folder / "referee"
        own.mkdir()
        # The files are YAML, of which JSON is a part.
        (own / "application.yaml").write_text(
            json.dumps(
                {
                    "llm": {"enabled": True, "mode": "proxy", "upstream_url": judge.url},
                    "serve": {"host": "127.0.0.1", "port": port},
                }
            )
        )
        (own / "scenarios.yaml").write_text(json.dumps({"version": 1, "scenarios": scenarios()}))
        proxy = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "agentbreak",
                "serve",
                "--config",
                str(own / "application.yaml"),
                "--scenarios",
                str(own / "scenarios.yaml"),
            ],
            cwd=own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await_answer(f"{url}/healthz")
            os.environ.update(where(url))
            made = desk(folder / "artifact", in_flight=16)
            replies = Ask(made, model(api)).all(calls(units), TAGGED)
            with urllib.request.urlopen(f"{url}/_agentbreak/scorecard", timeout=30) as reply:
                card = json.load(reply)
        finally:
            proxy.terminate()
            proxy.wait(timeout=20)
        rows = judge.rows()
        wrong = [r.id for r in replies if not r.ok] + misplaced(made.answers.path, rows)
        wrong += [key for key in {r.draw for r in rows} - kept(made.answers.path) if key]
    return Verdict(
        f"R8, faults by agentbreak, {api}",
        units,
        len(wrong),
        0,
        {
            "calls a unit": round(card["requests_seen"] / units, 2),
            "faults": card["injected_faults"],
            "answers of the provider": Counter(r.outcome for r in rows)["reply"],
        },
    )


def await_answer(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("agentbreak did not start")


if __name__ == "__main__":
    main()
