"""Inspect's logs and messages → transcripts. Reads through Inspect's own API; knows no scenario and no grader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.blocks import parse, without_scratchpad
from midspec.core.errors import DataError
from midspec.core.transcript import ToolCall, Transcript, Transcripts, Turn
from midspec.evals.agents.needed import needed

FINISH = {"max_tokens": "length", "model_length": "length", "content_filter": "refusal", "unknown": ""}
PAGE = "page"


@dataclass(frozen=True)
class LogRead:
    """What a log holds: transcripts, and (sample, reason) for each sample that is none."""

    transcripts: Transcripts
    left_out: tuple[tuple[str, str], ...]


def transcripts_from_log(path: str | Path) -> LogRead:
    """The samples of an ``.eval`` log, of our tasks or of any whose metadata name a ``scenario``.

    ``meta["arm"]`` is the model, ``draw`` the epoch counted from 0. A sample that failed is left out, with its reason.

    Raises:
        SetupError: Inspect is not installed. DataError: no such log, or none that Inspect can read.
    """
    library = needed("inspect_ai.log")
    if not Path(path).is_file():
        raise DataError(f"{path}: no such log", hint="inspect writes them to ./logs, or to --log-dir")
    try:
        log = library.read_eval_log(str(path), resolve_attachments=True)
    except Exception as error:  # a zip, JSON or field that is not what it should be: each has its own exception
        raise DataError(f"{path}: Inspect cannot read this log ({type(error).__name__}: {error})") from error
    made: list[Transcript] = []
    left: list[tuple[str, str]] = []
    for sample in log.samples or []:
        found = _transcript(sample, str(log.eval.model), log.eval.task_args)
        if isinstance(found, str):
            left.append((f"{sample.id}, epoch {sample.epoch}", found))
        else:
            made.append(found)
    return LogRead(Transcripts(tuple(made)), tuple(left))


def turns_of(messages: Sequence[Any], manner: str) -> tuple[tuple[Turn, ...], int]:
    """Turns of Inspect's messages, and how many blocks or scratchpads in them are not whole.

    ``manner`` "page": tools are used by blocks of text. Else they are called as the model's provider has it, and a
    block is only text.
    """
    turns: list[Turn] = []
    broken = 0
    for message in messages:
        if message.role != "assistant":
            turns.append(Turn(message.role, message.text))
            continue
        page = parse(message.text)
        thought, said = without_scratchpad(message.text)
        native = tuple(ToolCall(call.function, tuple((name, _text(value)) for name, value in call.arguments.items()))
                       for call in message.tool_calls or [])
        reasoning = [part.reasoning for part in _parts(message) if part.type == "reasoning" and part.reasoning]
        reasoning += [thought] if thought is not None else []
        blocks = manner == PAGE
        turns.append(Turn("assistant", page.said if blocks else said, "\n\n".join(reasoning) if reasoning else None,
                          (*native, *(page.calls if blocks else ()))))
        broken += page.broken + (0 if blocks else len(page.calls))
    return tuple(turns), broken


def finish_of(output: Any) -> str:
    """Why the last turn ended, in our words; "" where nobody knows."""
    reason = str(output.stop_reason) if output.choices else "unknown"
    return FINISH.get(reason, reason)


def _transcript(sample: Any, model: str, settings: dict[str, Any]) -> Transcript | str:
    """A transcript, or the reason why there is none."""
    meta: dict[str, Any] = sample.metadata
    if sample.error is not None:
        return f"failed: {sample.error.message.strip()[:200]}"
    if not isinstance(meta.get("scenario"), str):
        return "its metadata name no scenario"
    turns, _ = turns_of(sample.messages, str(meta.get("manner", "")))
    if not any(turn.role == "assistant" for turn in turns):
        return "the agent said nothing"
    goal = meta.get("goal") or meta.get("goal_value") or ""
    known = {"scenario": meta["scenario"], "goal": goal,
             "pressure": meta.get("pressure") or meta.get("urgency_type") or "",
             "assistant": meta.get("assistant"), "maker": meta.get("maker"), "arm": model, "seed": settings.get("seed"),
             "draw": sample.epoch - 1}
    return Transcript(f"{sample.id}/{sample.epoch - 1}", turns, finish_of(sample.output),
                      {name: value for name, value in known.items() if value is not None})


def _parts(message: Any) -> list[Any]:
    return [] if isinstance(message.content, str) else message.content


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
