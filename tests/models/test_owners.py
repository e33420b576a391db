"""R12: whoever starts at the same moment, one pays; the others are told who it is."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("openai")

from tests.models.court import calls, court, desk, model, where
from tests.models.kills import forked
from tests.models.trials import TAGGED

from midspec.core.errors import ClaimError
from midspec.models.ask import Ask


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


@pytest.mark.parametrize("starters", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_one_pays_and_the_others_are_told_who(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starters: int
) -> None:
    for name in where(""):
        monkeypatch.setenv(name, "set by the trial")
    asked, said, pids = race(tmp_path, starters)
    assert said.count("done") == 1, said
    owner = pids[said.index("done")]
    refused = [line for line in said if line != "done"]
    assert len(refused) == starters - 1 and all(f"process {owner} " in line for line in refused), said
    assert len(asked) == 30 and set(asked.values()) == {1}
