"""Anthropic's messages: what a body asks for, how an answer and an error look. Knows nothing of sockets."""

from __future__ import annotations

import json
from typing import Any

from tests.teacher.bill import Bill
from tests.teacher.billing import Prefixes, tokens
from tests.teacher.openai_shape import asked_in_words
from tests.teacher.plan import Content
from tests.teacher.words import Said, Wish, tags_in

NAME = "anthropic"
FINISH = {"stop": "end_turn", "length": "max_tokens", "filter": "refusal", "refusal": "refusal"}


def wrong(body: Any) -> str | None:
    """Why a body is no request, or None."""
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return "model: Field required"
    if not isinstance(body.get("max_tokens"), int):
        return "max_tokens: Field required"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    for n, one in enumerate(messages):
        if not isinstance(one, dict) or one.get("role") not in ("user", "assistant"):
            return f"messages.{n}.role: Input should be 'user' or 'assistant'"
        if not _blocks(one.get("content")):
            return f"messages.{n}.content: text content blocks must be non-empty"
    if "temperature" in body and not 0 <= body["temperature"] <= 1:
        return "temperature: range: 0..1"
    if len([1 for _, marked in _marked(body) if marked]) > 4:
        return "A maximum of 4 blocks with cache_control may be provided."
    return None


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


def _marked(body: dict[str, Any]) -> list[tuple[str, bool]]:
    """Tools, system, messages, in the order in which the cache reads them; whether each part ends a cached prefix."""
    found: list[tuple[str, bool]] = []
    for tool in body.get("tools") or []:
        found.append((json.dumps({k: v for k, v in tool.items() if k != "cache_control"}), "cache_control" in tool))
    if (form := (body.get("output_config") or {}).get("format")) is not None:
        found.append((json.dumps(form, sort_keys=True), False))
    for block in _blocks(body.get("system")):
        found.append((block.get("text", ""), bool(block.get("cache_control"))))
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            text = block.get("text") if block.get("type") == "text" else json.dumps(block, sort_keys=True)
            found.append((f"{message['role']}\n{text}", bool(block.get("cache_control"))))
    if body.get("cache_control") and found:
        found[-1] = (found[-1][0], True)
    return found


def wish(body: dict[str, Any], content: Content) -> Wish:
    users = ["".join(b.get("text", "") for b in _blocks(m["content"])) for m in body["messages"] if m["role"] == "user"]
    prompt, said = users[-1] if users else "", "\n".join(users)
    tags = tags_in(said) if content.tags is None else content.tags
    return Wish(prompt, tags, _schema(body) or asked_in_words(said), content.words, content.items, body["max_tokens"])


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    form = (body.get("output_config") or {}).get("format") or body.get("output_format")
    if form:
        return form.get("schema")
    return (_forced(body) or {}).get("input_schema")


def _forced(body: dict[str, Any]) -> dict[str, Any] | None:
    """The tool that the model must use, where there is one."""
    choice = body.get("tool_choice") or {}
    tools = body.get("tools") or []
    if choice.get("type") == "tool":
        return next((t for t in tools if t.get("name") == choice.get("name")), None)
    return tools[0] if choice.get("type") == "any" and tools else None


def reckon(body: dict[str, Any], prefixes: Prefixes, now: float) -> tuple[Bill, list[tuple[bytes, int]]]:
    """What the prompt costs now, and the prefixes that its answer will leave in the cache."""
    told = _marked(body)
    marks = prefixes.breakpoints(told) if prefixes.plan.on else []
    read = prefixes.read(marks, now)
    stored = max(0, (marks[-1][1] if marks else 0) - read)
    return Bill(fresh=sum(tokens(text) for text, _ in told) - read - stored, read=read, stored=stored), marks


def reply(
    body: dict[str, Any], said: Said, bill: Bill, name: str, created: int, *, usage: bool = True
) -> dict[str, Any]:
    content: list[dict[str, Any]] = (
        [] if said.text is None else [{"type": "text", "text": said.text, "citations": None}]
    )
    stop = FINISH[said.finish]
    if (tool := _forced(body)) is not None and said.finish == "stop":
        try:
            value = json.loads(said.text or "")
            stop = "tool_use"
            content = [{"type": "tool_use", "id": f"toolu_{name}", "name": tool["name"], "input": value}]
        except ValueError:
            pass  # a model may ignore the tool and talk
    if said.finish in ("refusal", "filter"):
        content = []
    made: dict[str, Any] = {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
    }
    if usage:
        made["usage"] = usage_of(bill)
    return made


def usage_of(bill: Bill) -> dict[str, Any]:
    return {
        "input_tokens": bill.fresh,
        "cache_creation_input_tokens": bill.stored,
        "cache_read_input_tokens": bill.read,
        "cache_creation": {"ephemeral_5m_input_tokens": bill.stored, "ephemeral_1h_input_tokens": 0},
        "output_tokens": bill.out,
        "service_tier": "standard",
    }


def error(kind: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body as the provider sends them."""
    model = body.get("model", "?") if isinstance(body, dict) else "?"
    said: dict[str, tuple[int, str, str]] = {
        "401": (401, "authentication_error", "invalid x-api-key"),
        "403": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
        "404": (404, "not_found_error", f"model: {model}"),
        "spend": (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to "
            "Plans & Billing to upgrade or purchase credits.",
        ),
        "context": (400, "invalid_request_error", "prompt is too long: 210044 tokens > 200000 maximum"),
        "429": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
        "500": (500, "api_error", "Internal server error"),
        "503": (503, "api_error", "Service unavailable"),
        "529": (529, "overloaded_error", "Overloaded"),
    }
    status, kind_of, message = said[kind]
    return status, _error(kind_of, message)


def bad_request(message: str) -> tuple[int, dict[str, Any]]:
    return 400, _error("invalid_request_error", message)


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_teacher"}


def limits(rate: float | None, left: float, reset_s: float) -> dict[str, str]:
    if rate is None:
        return {}
    return {
        "anthropic-ratelimit-requests-limit": f"{rate:.0f}",
        "anthropic-ratelimit-requests-remaining": f"{left:.0f}",
    }
