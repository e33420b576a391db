"""Request → the chat-completions body that OpenAI defined and most servers speak, and its reply → Answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from midspec.core.asking import Usage
from midspec.models.call import Answer, Request
from midspec.models.clients._errors import unreadable
from midspec.models.clients._sdk import merged

if TYPE_CHECKING:
    from midspec.models.model import Model

FINISH = {"content_filter": "refusal", "max_tokens": "length"}


def chat_body(model: Model, name: str, request: Request, *, limit: str, complete: bool) -> dict[str, Any]:
    """``limit`` is what the server calls ``max_tokens``. ``complete``: send sampling fields at their default too.

    A server that takes defaults from the model's folder samples otherwise than it was told to.
    """
    messages = [{"role": "system", "content": "\n\n".join(request.shared)}] if request.shared else []
    messages += [{"role": turn.role, "content": turn.content} for turn in request.turns]
    body: dict[str, Any] = {"model": name, "messages": messages, limit: model.max_tokens}
    for field, value in (("temperature", model.temperature), ("top_p", model.top_p)):
        if value is not None and (complete or value != 1.0):
            body[field] = value
    if complete and model.temperature is not None:
        body.setdefault("top_p", 1.0)
    if request.schema is not None:
        title, schema = request.schema
        body["response_format"] = {"type": "json_schema",
                                   "json_schema": {"name": title, "schema": schema, "strict": True}}
    return merged(body, model.fields())


def chat_answer(payload: dict[str, Any], where: str) -> Answer:
    """Raises ProviderError (retryable) where this is no chat completion."""
    try:
        choice = payload["choices"][0]
        message = choice["message"]
        text, refusal = _text(message.get("content")), message.get("refusal")
        finish = str(choice.get("finish_reason") or "")
        reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    except (KeyError, IndexError, TypeError, AttributeError):
        raise unreadable("not a chat completion", where) from None
    if not finish:
        raise unreadable("a reply without finish reason", where)
    if refusal and not text:
        text, finish = str(refusal), "refusal"
    return Answer(text, FINISH.get(finish, finish), _usage(payload.get("usage")), str(payload.get("model") or ""),
                  reasoning if isinstance(reasoning, str) else "")


def _text(content: object) -> str:
    if isinstance(content, list):
        parts = [cast(dict[str, Any], part) for part in cast(list[object], content) if isinstance(part, dict)]
        return "".join(str(part.get("text", "")) for part in parts if part.get("type") in (None, "text"))
    if content is not None and not isinstance(content, str):
        raise TypeError
    return content or ""


def _usage(row: Any) -> Usage:
    if not isinstance(row, dict):
        return Usage()
    found = cast(dict[str, Any], row)
    details: dict[str, Any] = found.get("prompt_tokens_details") or {}
    cached, written = count(details.get("cached_tokens")), count(details.get("cache_write_tokens"))
    fresh = max(0, count(found.get("prompt_tokens")) - cached - written)
    return Usage(fresh, cached, written, count(found.get("completion_tokens")))


def count(value: object) -> int:
    """A token count as servers send it; 0 for anything else."""
    return max(0, int(value)) if isinstance(value, (int, float)) and value == value and abs(value) < 1e12 else 0
