"""R12: whoever starts at the same moment, one pays; the others are told who it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("openai")

from tests.models.court import court, where

SCRIPT = """
import sys, time
from pathlib import Path
import openai
from midspec.core.errors import ClaimError
from midspec.models.ask import Ask
from tests.models.court import calls, desk, model
from tests.models.trials import TAGGED
made = desk(Path(sys.argv[1]) / f"artifact{sys.argv[2]}", in_flight=8)
print("ready", flush=True)
sys.stdin.readline()
try:
    Ask(made, model()).all(calls(30), TAGGED)
    print("done", flush=True)
except ClaimError as error:
    print(f"refused {error}", flush=True)
sys.stdin.readline()
"""


def race(folder: Path, repository: Path, starters: int) -> tuple[Counter[str], list[str], list[int]]:
    with court(folder / "court", {"latency": {"first_s": 1.0}}) as judge:
        (folder / "work").mkdir()
        environment = {
            **os.environ,
            **where(judge.url),
            "PYTHONPATH": os.pathsep.join([str(repository / "src"), str(repository)]),
        }
        starts = [
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(folder / "work"), str(n)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for n in range(starters)
        ]
        for one in starts:
            assert one.stdout is not None and one.stdout.readline() == "ready\n"
        for one in starts:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        said = [one.stdout.readline().strip() for one in starts if one.stdout]
        for one in starts:
            one.communicate("end\n", timeout=60)
        asked = Counter(row.draw or "" for row in judge.rows())
    return asked, said, [one.pid for one in starts]


@pytest.mark.parametrize("starters", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_one_pays_and_the_others_are_told_who(tmp_path: Path, repository: Path, starters: int) -> None:
    asked, said, pids = race(tmp_path, repository, starters)
    assert said.count("done") == 1, said
    owner = pids[said.index("done")]
    refused = [line for line in said if line != "done"]
    assert len(refused) == starters - 1 and all(f"process {owner} " in line for line in refused), said
    assert len(asked) == 30 and set(asked.values()) == {1}
