"""``midspec/MODEL`` for Inspect → a checkpoint on this machine, sampled in batches. Knows no task.

MODEL is what ``midspec eval`` takes: embedded/NAME, tiny/NAME, a folder, an artifact or a hub id. Turns are rendered by
the model's own template, with one BOS; tools are offered and called as blocks of text, whatever the template knows.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from midspec.core.blocks import block, parse
from midspec.core.chat import Message
from midspec.core.errors import RecipeError
from midspec.core.prompt import Prompt
from midspec.core.transcript import ToolCall
from midspec.evals.agents.batches import Batches, Row
from midspec.evals.agents.needed import needed
from midspec.models.address import checkpoint_at
from midspec.models.sample import BATCH_ROWS

NAME = "midspec"
MAX_TOKENS = 4096
BLOCKS = Prompt.load(Path(__file__).parent / "prompts" / "blocks.md")
FINISH = {"stop": "stop", "length": "max_tokens", "room": "model_length"}


class CheckpointAPI(needed("inspect_ai.model").ModelAPI):
    """Model arguments (``-M``): ``device``, ``adapter`` (a folder), ``system`` (in place of the checkpoint's own turn),
    ``batch`` (rows at once).

    A reply depends on its seed and turns, and on its company only as far as rounding goes: ``-M batch=1`` takes
    that out too. Without ``seed``, the same turns asked again are a further draw.

    Raises:
        SetupError: no such model or adapter. RecipeError: an unknown argument, or a setting that is not done here.
    """

    def __init__(self, model_name: str, base_url: str | None = None, api_key: str | None = None, config: Any = None,
                 device: str = "cpu", adapter: str | None = None, system: str | None = None, batch: int = BATCH_ROWS,
                 **model_args: Any) -> None:
        if model_args or base_url:
            raise RecipeError(f"midspec/{model_name}: unknown arguments {', '.join(model_args) or 'base_url'}",
                              hint="have: device, adapter, system, batch")
        library = needed("inspect_ai.model")
        super().__init__(model_name, None, None, [], config or library.GenerateConfig())
        self.checkpoint = checkpoint_at(model_name, Path(adapter) if adapter else None, system=system)
        self.batches = Batches(self.checkpoint, device, int(batch))
        self._asked = Counter[str]()

    async def generate(self, input: Sequence[Any], tools: Sequence[Any], tool_choice: Any, config: Any) -> Any:
        offered = [] if tool_choice == "none" else list(tools)
        _only(config, self.model_name)
        messages = turns(input, offered, self.checkpoint.system)
        temperature = 1.0 if config.temperature is None else config.temperature
        row = Row(messages, self._chance(messages, config.seed), temperature,
                  1.0 if config.top_p is None else config.top_p, config.max_tokens or MAX_TOKENS)
        return self.output(await self.batches.ask(row), bool(offered))

    def max_tokens(self) -> int:
        return MAX_TOKENS

    def max_connections(self) -> int:
        return self.batches.rows

    def close(self) -> None:
        self.batches.close()

    def _chance(self, messages: Sequence[Message], seed: int | None) -> int:
        asked = json.dumps([[turn.role, turn.content] for turn in messages])
        number = self._asked[asked] if seed is None else 0
        self._asked[asked] += seed is None
        return int(hashlib.sha256(json.dumps([seed, number, asked]).encode()).hexdigest()[:32], 16)

    def output(self, done: dict[str, Any], tools: bool) -> Any:
        """Inspect's output from an answer of ``batches``; ``tools``: blocks in it are calls."""
        library = needed("inspect_ai.model")
        page = parse(done["text"]) if tools else None
        calls = _calls(page.calls) if page else []
        content = done["text"]
        if page and calls:
            pad = "" if page.reasoning is None else f"<scratchpad>\n{page.reasoning}\n</scratchpad>\n\n"
            content = f"{pad}{page.said}"
        message = library.ChatMessageAssistant(content=content, tool_calls=calls or None, model=self.model_name,
                                               source="generate")
        stop = "tool_calls" if calls and done["finish"] == "stop" else FINISH[done["finish"]]
        usage = library.ModelUsage(input_tokens=done["input"], output_tokens=done["output"],
                                   total_tokens=done["input"] + done["output"])
        return library.ModelOutput(model=self.model_name, usage=usage,
                                   choices=[library.ChatCompletionChoice(message=message, stop_reason=stop)])


def turns(input: Sequence[Any], tools: Sequence[Any], own: str | None) -> list[Message]:
    """Inspect's messages as turns that every template knows: system first, then user and assistant by turns.

    ``own`` is the checkpoint's system turn; it stands before what the messages say. What tools answered comes from the
    user.
    """
    given = [message.text for message in input if message.role == "system"]
    offer = [BLOCKS.fill(tools="\n".join(map(_described, tools)))] if tools else []
    found = [Message("system", "\n\n".join([*([own] if own else []), *given, *offer]))] if given or offer or own else []
    for message in input:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        text = _said(message)
        if found and found[-1].role == role:
            found[-1] = Message(role, f"{found[-1].content}\n\n{text}")
        else:
            found.append(Message(role, text))
    return found


def _said(message: Any) -> str:
    if message.role == "tool":
        return f"{message.function} answers:\n{message.text or (message.error.message if message.error else '')}"
    if message.role != "assistant":
        return message.text
    calls = [ToolCall(call.function, tuple((name, str(value)) for name, value in call.arguments.items()))
             for call in message.tool_calls or []]
    return "\n\n".join([*([message.text] if message.text else []), *map(block, calls)])


def _described(tool: Any) -> str:
    arguments = "".join(f"\n    {name}: {one.description or ''}" for name, one in tool.parameters.properties.items())
    return f"- {tool.name}: {tool.description}{arguments}"


def _calls(calls: Sequence[ToolCall]) -> list[Any]:
    made = needed("inspect_ai.tool").ToolCall
    return [made(id=f"call_{number}", function=call.tool, arguments=dict(call.arguments))
            for number, call in enumerate(calls, start=1)]


def _only(config: Any, model: str) -> None:
    """Refuse what would silently do nothing."""
    asked = [name for name in ("stop_seqs", "logprobs", "top_k", "frequency_penalty", "presence_penalty", "logit_bias",
                               "num_choices", "response_schema") if getattr(config, name) not in (None, False, 1)]
    if asked:
        raise RecipeError(f"midspec/{model}: {', '.join(asked)} cannot be set here",
                          hint="temperature, top_p, max_tokens and seed can")


PROVIDER: Any = needed("inspect_ai.model").modelapi(name=NAME)(CheckpointAPI)
