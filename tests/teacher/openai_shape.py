"""OpenAI's chat completions: what a body asks for, how an answer and an error look. Knows nothing of sockets."""

from __future__ import annotations

import json
from typing import Any

from tests.teacher.bill import Bill
from tests.teacher.billing import Prefixes, tokens
from tests.teacher.plan import Content
from tests.teacher.words import Said, Wish, tags_in

NAME = "openai"
FINISH = {"stop": "stop", "length": "length", "filter": "content_filter", "refusal": "stop"}
NUMBERS = (("frequency_penalty", -2, 2), ("presence_penalty", -2, 2), ("temperature", 0, 2), ("top_p", 0, 1))


def wrong(body: Any) -> str | None:
    """Why a body is no request, or None."""
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return "you must provide a model parameter"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "[] is too short - 'messages'"
    for one in messages:
        if not isinstance(one, dict) or one.get("role") not in ("system", "developer", "user", "assistant", "tool"):
            return "Invalid value for 'role'"
        if not isinstance(one.get("content"), (str, list)):
            return "Invalid type for 'content'"
    for name, low, high in NUMBERS:
        if name in body and body[name] is not None and not low <= body[name] <= high:
            return f"Invalid '{name}': {body[name]} is not between {low} and {high}."
    return None


def parts(body: dict[str, Any]) -> list[str]:
    extra = [json.dumps(body[name], sort_keys=True) for name in ("tools", "response_format") if body.get(name)]
    return extra + [f"{m['role']}\n{_text(m['content'])}" for m in body["messages"]]


def wish(body: dict[str, Any], content: Content) -> Wish:
    users = [_text(m["content"]) for m in body["messages"] if m["role"] == "user"]
    prompt = users[-1] if users else ""
    said = "\n".join(users)
    form = body.get("response_format") or {}
    schema = form.get("json_schema", {}).get("schema") if form.get("type") == "json_schema" else None
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    tags = tags_in(said) if content.tags is None else content.tags
    return Wish(prompt, tags, schema or asked_in_words(said), content.words, content.items, most)


def asked_in_words(prompt: str) -> dict[str, Any] | None:
    """A JSON schema written into the end of a prompt, for servers that take none."""
    decoder, start = json.JSONDecoder(), prompt.find("{", max(0, len(prompt) - 20_000))
    while start >= 0:
        try:
            value, end = decoder.raw_decode(prompt, start)
        except ValueError:
            start = prompt.find("{", start + 1)
            continue
        if isinstance(value, dict) and "type" in value and ("properties" in value or "items" in value):
            return value
        start = prompt.find("{", end)
    return None


def reckon(body: dict[str, Any], prefixes: Prefixes, now: float) -> tuple[Bill, list[tuple[bytes, int]]]:
    """What the prompt costs now, and the prefixes that its answer will leave in the cache."""
    told = parts(body)
    marks = prefixes.blocks(told) if prefixes.plan.on else []
    read = prefixes.read(marks, now)
    return Bill(fresh=sum(map(tokens, told)) - read, read=read), marks


def reply(
    body: dict[str, Any], said: Said, bill: Bill, name: str, created: int, *, usage: bool = True
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None, "annotations": []}
    if said.finish == "refusal":
        message |= {"content": None, "refusal": said.text}
    if said.finish == "filter":
        message["content"] = ""
    made: dict[str, Any] = {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": created,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[said.finish]}],
        "service_tier": "default",
        "system_fingerprint": "fp_teacher",
    }
    if usage:
        made["usage"] = usage_of(bill)
    return made


def usage_of(bill: Bill) -> dict[str, Any]:
    return {
        "prompt_tokens": bill.prompt,
        "completion_tokens": bill.out,
        "total_tokens": bill.prompt + bill.out,
        "prompt_tokens_details": {"cached_tokens": bill.read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def error(kind: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body as the provider sends them."""
    model = body.get("model", "?") if isinstance(body, dict) else "?"
    said: dict[str, tuple[int, str, str | None, str | None, str]] = {
        "401": (
            401,
            "invalid_request_error",
            None,
            "invalid_api_key",
            "Incorrect API key provided. You can find your API key at the provider's console.",
        ),
        "403": (
            403,
            "invalid_request_error",
            None,
            "model_not_allowed",
            f"Project does not have access to model {model}",
        ),
        "404": (
            404,
            "invalid_request_error",
            None,
            "model_not_found",
            f"The model `{model}` does not exist or you do not have access to it.",
        ),
        "spend": (
            429,
            "insufficient_quota",
            None,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        "context": (
            400,
            "invalid_request_error",
            "messages",
            "context_length_exceeded",
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072.",
        ),
        "429": (
            429,
            "requests",
            None,
            "rate_limit_exceeded",
            f"Rate limit reached for {model} on requests per min (RPM).",
        ),
        "500": (
            500,
            "server_error",
            None,
            None,
            "The server had an error while processing your request. Sorry about that!",
        ),
        "503": (503, "service_unavailable_error", None, "slow_down", "The engine is currently overloaded."),
        "529": (529, "server_error", None, "overloaded", "Overloaded."),
    }
    status, kind_of, param, code, message = said[kind]
    return status, {"error": {"message": message, "type": kind_of, "param": param, "code": code}}


def bad_request(message: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def limits(rate: float | None, left: float, reset_s: float) -> dict[str, str]:
    if rate is None:
        return {}
    return {
        "x-ratelimit-limit-requests": f"{rate:.0f}",
        "x-ratelimit-remaining-requests": f"{left:.0f}",
        "x-ratelimit-reset-requests": f"{reset_s * 1000:.0f}ms",
    }


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))
