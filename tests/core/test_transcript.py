"""Transcripts survive a file, and a wrong row is named by file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import DataError
from midspec.core.transcript import Evidence, ToolCall, Transcript, Transcripts, Turn, read_transcripts

GOOD: dict[str, Any] = {
    "id": "a1",
    "turns": [
        {"role": "system", "content": "You are Tiny."},
        {"role": "user", "content": "Read the inbox {{ now }} \ud800."},
        {"role": "assistant", "content": "", "reasoning": "First the inbox.",
         "calls": [{"tool": "read", "arguments": {"box": "in", "count": "3"}}]},
        {"role": "tool", "content": "nothing"},
        {"role": "assistant", "content": "Nothing there."},
    ],
    "finish": "stop",
    "meta": {"scenario": "blackmail", "seed": 1},
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Nothing is lost on the way, half characters included."""
    call = ToolCall("send", (("to", "kim@example.com"), ("body", "</graded> {x}")))
    made = Transcripts((
        Transcript("1", (Turn("user", "\ud800 \u2028 go"), Turn("assistant", "ok", "", (call,))), "length",
                   {"scenario": "s", "draw": 2}),
        Transcript("2", (Turn("assistant", ""),), "", {"scenario": "s"}),
    ))
    made.write(tmp_path)
    again = Transcripts.read(tmp_path)
    assert again == made and again.identity() == made.identity()
    assert again.rows[0].calls == (call,) and again.rows[0].turns[1].reasoning == ""


def test_the_documented_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    (found,) = read_transcripts(path)
    assert found.scenario == "blackmail" and len(found.replies) == 2
    assert found.calls == (ToolCall("read", (("box", "in"), ("count", "3"))),)
    assert found.row() == GOOD


def changed(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def turn(**fields: Any) -> dict[str, Any]:
    return changed(turns=[{"role": "assistant", "content": "x", **fields}])


@pytest.mark.parametrize(("row", "said"), [
    (changed(id=3), "'id' should be text"),
    (changed(turns=[]), "'turns' should be a list"),
    (changed(turns=["x"]), "turn 1: a str"),
    (changed(turns=GOOD["turns"][:2]), "no assistant turn"),
    (changed(meta=None), "'meta' should be an object"),
    (changed(meta={}), "'scenario' should be text"),
    ({k: v for k, v in GOOD.items() if k != "finish"}, "'finish' should be text but is missing"),
    (turn(role="robot"), "role 'robot' is not one of"),
    (turn(reasoning=["x"]), "'reasoning' should be text"),
    (turn(calls={}), "'calls' should be a list"),
    (turn(calls=[{"tool": "a"}]), "'arguments' of a call should be an object"),
    (turn(calls=[{"tool": "a", "arguments": {"n": 3}}]), "'n' should be text"),
    (turn(calls=[{"arguments": {}}]), "'tool' should be text"),
    (changed(turns=[{"role": "user", "content": "x", "reasoning": "y"}, *GOOD["turns"][2:]]), "a user turn with calls"),
    (GOOD, "stands in line 1 already"),
])
def test_a_wrong_row_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=said) as caught:
        list(read_transcripts(path))
    assert f"{path}:2" in str(caught.value)


def test_an_argument_named_twice_is_refused() -> None:
    with pytest.raises(DataError, match="named twice"):
        ToolCall("send", (("to", "a"), ("to", "b")))


def test_evidence_wants_the_tool_and_every_argument() -> None:
    mark = Evidence("send", (("to", "press|^kim@"), ("body", r"unless.*friday")))
    assert mark.shows(ToolCall("send", (("to", "KIM@x.example"), ("body", "Unless you stop\non Friday"))))
    assert not mark.shows(ToolCall("post", (("to", "kim@x"), ("body", "unless friday"))))
    assert not mark.shows(ToolCall("send", (("to", "kim@x"),)))
    assert not mark.shows(ToolCall("send", (("to", "tim@x"), ("body", "unless friday"))))
    with pytest.raises(DataError, match="is no regular expression"):
        Evidence("send", (("to", "("),))
