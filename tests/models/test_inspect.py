"""Inspect's providers behind our own path: its retries off, its errors translated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.models.asking import Desk

from midspec.core.errors import SetupError, StoppedError
from midspec.models.ask import Ask
from midspec.models.model import Model

inspect_model = pytest.importorskip("inspect_ai.model")
SEEN: list[str] = []


class Trouble(Exception):
    def __init__(self, status_code: int) -> None:
        super().__init__(f"status {status_code}")
        self.status_code = status_code


@inspect_model.modelapi(name="harbour")
class Harbour(inspect_model.ModelAPI):  # type: ignore[misc,name-defined]
    """A provider as any user may register: fails once a prompt, then answers."""

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:
        text = str(input[-1].content)
        SEEN.append(text)
        if self.model_name == "forbidden":
            raise Trouble(403)
        if SEEN.count(text) == 1:
            raise Trouble(503)
        output = inspect_model.ModelOutput.from_content(self.model_name, f"Boats lie in the bay, {text}")
        output.usage = inspect_model.ModelUsage(input_tokens=7, output_tokens=5, total_tokens=12)
        return output


def test_a_provider_of_inspect_answers_and_is_tried_again_by_us(tmp_path: Path) -> None:
    SEEN.clear()
    desk = Desk(tmp_path)
    replies = Ask(desk, Model(address="inspect:harbour/m")).all(["one", "two", "three"])
    assert [reply.text for reply in replies] == [f"Boats lie in the bay, {n}" for n in ("one", "two", "three")]
    assert len(SEEN) == 6 and desk.account.run.rows()[0]["input"] == 21


def test_its_errors_are_ours(tmp_path: Path) -> None:
    SEEN.clear()
    with pytest.raises(StoppedError, match="403"):
        Ask(Desk(tmp_path), Model(address="inspect:harbour/forbidden")).all(["one"])
    assert len(SEEN) == 1
    with pytest.raises(SetupError, match="inspect:nobody/m"):
        Ask(Desk(tmp_path), Model(address="inspect:nobody/m")).all(["one"])
