"""Batches over real HTTP, a day in a moment: nothing is handed in twice, whoever dies when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.models.asking import Desk, calls, served
from tests.teacher.record import totals

from midspec.core.errors import SetupError, StoppedError
from midspec.models.ask import Ask
from midspec.models.forms import Tagged
from midspec.models.model import Model

pytest.importorskip("openai")
pytest.importorskip("anthropic")
ADDRESSES = ("openai/m", "anthropic/m", "openai-api/other/m")
DOCUMENT = Tagged(("document",))


@pytest.mark.parametrize("address", ADDRESSES)
def test_partial_results_are_kept_and_the_rest_handed_in_again(address: str, tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    rough = {"expired": 0.15, "errored": 0.1, "lost_replies": 0.5, "poll_faults": 0.2, "hours": [1.0, 4.0]}
    with served(monkeypatch, batches=rough) as (one, clock):
        desk = Desk(tmp_path, clock=clock, batch=True)
        replies = Ask(desk, Model(address=address)).all(calls(60), DOCUMENT)
        assert all(reply.ok for reply in replies) and clock.now() > 3600
        assert totals(one.record.rows)["paid"] == 60
        assert {"expired", "errored"} <= {row.outcome for row in one.record.rows}


def test_batches_and_single_calls_are_the_same_to_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch) as (one, clock):
        together = Desk(tmp_path, clock=clock, batch=True)
        replies = Ask(together, Model(address="openai/m")).all(calls(10), DOCUMENT)
        single = Desk(tmp_path, clock=clock)
        assert Ask(single, Model(address="openai/m")).all(calls(10), DOCUMENT) == replies
        assert totals(one.record.rows)["paid"] == 10 and single.facts == together.facts


def test_bad_replies_of_a_batch_are_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, content={"bad": 0.4}, batches={"hours": [0.2, 1.0]}) as (one, clock):
        desk = Desk(tmp_path, clock=clock, batch=True)
        replies = Ask(desk, Model(address="anthropic/m")).all(calls(30), DOCUMENT)
        assert sum(reply.ok for reply in replies) > 25 and desk.dropped
        text = "\n".join(reply.value["document"] for reply in replies if reply.ok)
        assert not [row.content for row in one.record.rows if row.tracer and not row.usable and row.tracer in text]


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


@pytest.mark.parametrize("address", ADDRESSES[:2])
@pytest.mark.parametrize("moment", ["intent", "id", "end"])
def test_whoever_dies_is_followed_by_one_who_finds_the_batch(address: str, moment: str, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, batches={"hours": [1.0, 2.0]}) as (one, clock):
        desk = Desk(tmp_path, clock=clock, batch=True)
        put = desk.answers.put_many

        def dying(rows: dict[str, Any]) -> None:
            if any(key.endswith(f" {moment}") for key in rows):
                if moment == "intent":
                    put(rows)
                raise Killed
            put(rows)

        monkeypatch.setattr(desk.answers, "put_many", dying)
        with pytest.raises(Killed):
            Ask(desk, Model(address=address)).all(calls(20), DOCUMENT)
        heir = Desk(tmp_path, clock=clock, batch=True)
        assert all(reply.ok for reply in Ask(heir, Model(address=address)).all(calls(20), DOCUMENT))
        assert sum(row.kind == "submit" for row in one.record.rows) == 1 and totals(one.record.rows)["paid"] == 20


def test_a_refused_batch_stops_with_everything_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, keys=["another"]) as (_, clock), \
            pytest.raises(StoppedError, match="401"):
        Ask(Desk(tmp_path, clock=clock, batch=True), Model(address="anthropic/m")).all(calls(3))


def test_who_has_no_batches_says_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no batches"):
        Ask(Desk(tmp_path, batch=True), Model(address="scripted/teacher")).all(calls(3))
