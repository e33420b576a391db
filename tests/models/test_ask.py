"""Asking over real HTTP: order, replay, faults, bad replies, stops, money. The teacher's record says what was paid."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.models.asking import KEY, Desk, calls, served
from tests.teacher.plan import FAULTS
from tests.teacher.record import early, totals

from midspec.core.errors import ClaimError, MidspecError, SetupError, StoppedError
from midspec.models.ask import Ask
from midspec.models.call import Call
from midspec.models.forms import Tagged, Text
from midspec.models.model import Model
from midspec.store.ledger import Ledger

pytest.importorskip("openai")
pytest.importorskip("anthropic")
ADDRESSES = ("openai/m", "anthropic/m", "openai-api/other/m")
DOCUMENT = Tagged(("document",))
SPEC = "The harbour master explains each order before giving it, and says why. " * 120


@pytest.mark.parametrize("address", ADDRESSES)
def test_order_is_kept_and_a_second_run_is_free(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch) as (one, clock):
        desk = Desk(tmp_path, clock=clock)
        replies = Ask(desk, Model(address=address)).all(calls(40), DOCUMENT)
        assert [reply.id for reply in replies] == [f"u{n}" for n in range(40)] and all(reply.ok for reply in replies)
        assert totals(one.record.rows)["paid"] == 40
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OTHER_API_KEY"):
            monkeypatch.delenv(name)
        again = Desk(tmp_path, clock=clock)
        # No key is needed for what is kept.
        assert Ask(again, Model(address=address)).all(calls(40), DOCUMENT) == replies
        assert totals(one.record.rows)["arrived"] == 40 and again.facts == desk.facts
        assert again.account.run.rows() == [] and again.account.cost == desk.account.cost
        with pytest.raises(SetupError, match="API_KEY is not set"):
            Ask(again, Model(address=address)).all(calls(41), DOCUMENT)


def test_what_is_new_is_asked_before_what_is_kept_has_been_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midspec.models.ask.WINDOW", 256)
    with served(monkeypatch) as (one, clock):
        model, kept = Model(address="openai/m"), calls(600)
        Ask(Desk(tmp_path, clock=clock), model).all(kept, DOCUMENT)
        twice = [Call("twice", "Write about a ferry in <document>.")] * 2
        replies = Ask(Desk(tmp_path, clock=clock), model).each([*kept, *calls(620)[600:], *twice], DOCUMENT)
        assert next(replies).id == "u0"
        end = time.monotonic() + 20
        while one.calls < 621 and time.monotonic() < end:
            time.sleep(0.01)
        assert one.calls == 621, "the first reply is out, and the new calls are not"
        rest = list(replies)
        assert [reply.id for reply in rest] == [f"u{n}" for n in range(1, 620)] + ["twice", "twice"]
        assert all(reply.ok for reply in rest) and rest[-1].value == rest[-2].value
        assert totals(one.record.rows)["paid"] == 621


@pytest.mark.parametrize("address", ADDRESSES[:2])
def test_faults_are_survived(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A reply that comes twice hides the next one, which may have asked to wait, from the client.
    kinds = {kind: 1 for kind in FAULTS if kind != "duplicate"}
    with served(monkeypatch, faults={"rate": 0.3, "huge_bytes": 100_000, "kinds": kinds}) as (one, clock):
        desk = Desk(tmp_path, clock=clock, timeout=30)
        replies = Ask(desk, Model(address=address)).all(calls(120), DOCUMENT)
        assert all(reply.ok for reply in replies)
        sums = totals(one.record.rows)
        assert sums["arrived"] <= 1.45 * 120 and not early(one.record.rows), "Retry-After was not obeyed"


def test_bad_replies_are_counted_and_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, content={"bad": 0.4}) as (one, clock):
        desk = Desk(tmp_path, clock=clock)
        replies = Ask(desk, Model(address="openai/m")).all(calls(200), DOCUMENT)
        bad = {row.tracer for row in one.record.rows if row.usable is False and row.tracer}
        good = [row.tracer for row in one.record.rows if row.usable]
        text = "\n".join(reply.value["document"] for reply in replies if reply.ok)
        assert bad and not [row.content for row in one.record.rows if not row.usable and row.tracer in text]
        assert all(tracer in text for tracer in good), "a good reply was dropped"
        facts = desk.facts["asked"]["openai/m"]
        assert facts["units"] == 200 and facts["used"] == sum(reply.ok for reply in replies)
        assert sum(facts["bad"].values()) == len(desk.dropped) == facts["answers"] - facts["used"]
        assert Counter(row["reason"] for row in desk.dropped) == facts["bad"]


@pytest.mark.parametrize("kind", ["401", "403", "404", "spend", "context"])
@pytest.mark.parametrize("address", ADDRESSES[:2])
def test_hopeless_errors_stop_the_run(kind: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, hopeless={"kind": kind, "start": 20}) as (one, clock):
        desk = Desk(tmp_path, clock=clock, in_flight=16)
        with pytest.raises(StoppedError, match="asking stopped") as caught:
            Ask(desk, Model(address=address)).all(calls(300), DOCUMENT)
        assert caught.value.retryable, "exit code 75"
        rows = [row for row in one.record.rows if row.kind == "call"]
        arrived = sum(row.written and row.outcome == "reply" for row in rows)
        assert len(rows) <= 20 + 16 + 5
        assert desk.answers.count() == arrived >= 4, "an answer that arrived was not kept"


def test_the_budget_is_a_hard_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai/m: {input: 2, output: 10, source: a test, seen: 2026-11-01}\n")
    with served(monkeypatch) as (one, clock):
        desk = Desk(tmp_path, clock=clock, budget=0.05, prices=prices, in_flight=8)
        with pytest.raises(StoppedError, match=r"budget of \$0.05"):
            Ask(desk, Model(address="openai/m", max_tokens=1000)).all(calls(300), DOCUMENT)
        sums = totals(one.record.rows)
        billed = (2 * sums["tokens"]["in"] + 10 * sums["tokens"]["out"]) / 1e6
        assert 0.03 < billed <= 0.05 and desk.account.run.spent == pytest.approx(billed)
        assert desk.answers.count() == sums["paid"]
        richer = Desk(tmp_path, clock=clock, prices=prices)
        again = Ask(richer, Model(address="openai/m", max_tokens=1000))
        assert all(reply.ok for reply in again.all(calls(60), DOCUMENT))
        assert totals(one.record.rows)["paid"] == 60


def test_an_unknown_price_is_refused_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch) as (one, clock):
        for terms in ({"unpriced": False}, {"budget": 1.0}):
            with pytest.raises(SetupError, match="its price is not known"):
                Ask(Desk(tmp_path, clock=clock, **terms), Model(address="openai/m")).all(calls(1))
        assert not one.record.rows


def test_the_first_call_warms_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ADDRESSES[:2]:
        with served(monkeypatch) as (one, clock):
            desk = Desk(tmp_path / address.partition("/")[0], clock=clock)
            Ask(desk, Model(address=address)).all(calls(30, (SPEC,)), DOCUMENT)
            tokens = totals(one.record.rows)["tokens"]
            assert tokens["read"] > 0.85 * 29 / 30 * (tokens["in"] if address == "openai/m" else tokens["read"])
            assert desk.account.lines[address].usage.cached == tokens["read"]
            ledger = desk.answers.starting("part ")
            assert [row["text"] for row in ledger.values()] == [SPEC], "a long shared part is kept once"


def test_equal_units_are_asked_once_and_texts_get_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch) as (one, clock):
        desk = Desk(tmp_path, clock=clock)
        twice = [Call("a", "Write about boats."), Call("b", "Write about boats."), Call("a", "Write about boats.")]
        first, second, third = Ask(desk, Model(address="openai/m")).all(twice)
        assert first == third and first.text != second.text and totals(one.record.rows)["paid"] == 2
        texts = Ask(desk, Model(address="openai/m")).all(["Write about nets.", "Write about nets."])
        assert len({reply.text for reply in texts}) == 2
        assert Ask(desk, Model(address="openai/m", temperature=0.5)).all(["Write about nets."])[0] not in texts
        assert totals(one.record.rows)["paid"] == 5


def test_one_process_pays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch) as (_, clock):
        desk = Desk(tmp_path, clock=clock)
        other = Ledger(tmp_path / "ledger.sqlite")
        with other.paying(), pytest.raises(ClaimError, match="paying for answers"):
            Ask(desk, Model(address="openai/m")).all(calls(1))
        # Whoever only keeps a row is not in the way of one who pays.
        with other.paying():
            desk.answers.put_many({"mine": {}})


def test_keys_leave_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
                            capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    for plan in ({"faults": {"rate": 0.5}}, {"hopeless": {"kind": "401", "start": 3}}, {"keys": ["another"]}):
        with served(monkeypatch, **plan) as (_, clock):
            for address in ADDRESSES:
                desk = Desk(tmp_path / address.replace("/", "-"), clock=clock, timeout=20)
                try:
                    Ask(desk, Model(address=address)).all(calls(10), DOCUMENT)
                except MidspecError as error:
                    texts += [str(error), repr(error.__cause__), repr(error.__context__)]
                desk.answers.close()
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    out = capfd.readouterr()
    assert len(texts) > 5 and not [text for text in (*texts, caplog.text, out.out, out.err) if KEY in text]


def test_a_server_that_is_down_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, faults={"rate": 1.0, "kinds": {"503": 1.0}}) as (one, clock):
        with pytest.raises(StoppedError, match="16 tries in a row failed"):
            Ask(Desk(tmp_path, clock=clock), Model(address="openai/m")).all(calls(5))
        assert 16 <= len(one.record.rows) <= 5 * 16
        assert clock.now() > 60, "it was patient before"


def test_a_stream_of_calls_is_taken_as_it_is_used(tmp_path: Path) -> None:
    taken: list[int] = []

    def many() -> Any:
        for n in range(100_000):
            taken.append(n)
            yield Call(str(n), f"Say something about boat {n}.")

    replies = Ask(Desk(tmp_path), Model(address="scripted/teacher")).each(
        many(), Text())
    for _, _reply in zip(range(10), replies, strict=False):
        pass
    replies.close()  # type: ignore[attr-defined]
    assert len(taken) <= 4096 + 10
