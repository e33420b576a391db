"""Transcript → what can be counted without a grader: calls, whether one of them is the act, whether it was cut off."""

from __future__ import annotations

from midspec.core.transcript import Transcript
from midspec.library.acts import Act


def counted(transcript: Transcript, act: Act) -> dict[str, float | None]:
    """The COUNTED readings. ``executed`` is None where no evidence is written down for the scenario, ``truncated``
    where nobody knows why the last turn ended.
    """
    calls = transcript.calls
    done = None if act.evidence is None else float(any(one.shows(call) for call in calls for one in act.evidence))
    return {"executed": done, "called": float(bool(calls)), "tool_calls": float(len(calls)),
            "truncated": float(transcript.finish == "length") if transcript.finish else None}
