"""``anthropic/MODEL`` → Anthropic's messages, one by one or in batches; key in ``ANTHROPIC_API_KEY``."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from midspec.core.asking import Terms, Usage
from midspec.models.call import Answer, Request
from midspec.models.clients._chat import count
from midspec.models.clients._errors import from_status, unreadable
from midspec.models.clients._sdk import Wire, merged
from midspec.models.keys import key, setting
from midspec.models.providers import Result, provider_of

if TYPE_CHECKING:
    from midspec.models.model import Model

SCHEMAS = True
CACHES = True
NEEDS = ("ANTHROPIC_API_KEY",)
URL = "https://api.anthropic.com"
FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
          "model_context_window_exceeded": "length"}
MARKS = 4  # places in a prompt up to which the service caches


class MessagesClient:
    """One model of Anthropic's."""

    def __init__(self, model: Model, name: str, wire: Wire) -> None:
        self._model, self._name, self._wire = model, name, wire
        self.batches = MessageBatches(wire)

    def body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._name, "max_tokens": self._model.max_tokens}
        if request.shared:
            parts: list[dict[str, Any]] = [{"type": "text", "text": part} for part in request.shared]
            for part in parts[-MARKS:]:
                part["cache_control"] = {"type": "ephemeral"}
            body["system"] = parts
        body["messages"] = [{"role": turn.role, "content": turn.content} for turn in request.turns]
        # Newer models refuse sampling fields other than their defaults, so defaults are left out.
        for field, value in (("temperature", self._model.temperature), ("top_p", self._model.top_p)):
            if value is not None and value != 1.0:
                body[field] = value
        if request.schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema[1]}}
        return merged(body, self._model.fields())

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        return await self._wire.post("/v1/messages", body, key)

    def read(self, payload: dict[str, Any]) -> Answer:
        try:
            blocks = [(str(block["type"]), cast(dict[str, Any], block)) for block in payload["content"]]
            finish = str(payload["stop_reason"] or "")
            text = "".join(block["text"] for kind, block in blocks if kind == "text")
            thought = "".join(block.get("thinking") or "" for kind, block in blocks if kind == "thinking")
        except (KeyError, TypeError):
            raise unreadable("not a message", self._wire.where) from None
        if not finish:
            raise unreadable("a reply without stop reason", self._wire.where)
        row: dict[str, Any] = payload.get("usage") or {}
        usage = Usage(count(row.get("input_tokens")), count(row.get("cache_read_input_tokens")),
                      count(row.get("cache_creation_input_tokens")), count(row.get("output_tokens")))
        return Answer(text, FINISH.get(finish, finish), usage, str(payload.get("model") or ""), thought)

    async def close(self) -> None:
        await self._wire.close()


class MessageBatches:
    """Batches here carry no label, so a lost one is known by the keys of its requests, once it has ended."""

    most = 50_000

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def submit(self, tag: str, bodies: dict[str, dict[str, Any]]) -> str:
        requests = [{"custom_id": key, "params": body} for key, body in bodies.items()]
        return str((await self._wire.post("/v1/messages/batches", {"requests": requests}, tag))["id"])

    async def adopt(self, tag: str, keys: set[str], since: float, known: set[str]) -> str | None:
        """A batch of the right size handed in since then that nobody noted: ours if its results carry our keys.

        One that still works is taken for ours until its results say otherwise: better to wait than to pay twice.
        """
        after = ""
        while True:
            page = await self._wire.get(f"/v1/messages/batches?limit=100{after}")
            rows: list[dict[str, Any]] = page.get("data") or []
            for row in rows:
                if row["id"] in known or _size(row) != len(keys) or _made(row) < since - 600:
                    continue
                if row.get("processing_status") != "ended" or keys & (await self.results(row["id"])).keys():
                    return str(row["id"])
            if not page.get("has_more") or not rows or _made(rows[-1]) < since - 600:
                return None
            after = f"&after_id={page.get('last_id') or rows[-1]['id']}"

    async def ended(self, batch: str) -> bool:
        return (await self._wire.get(f"/v1/messages/batches/{batch}")).get("processing_status") == "ended"

    async def results(self, batch: str) -> dict[str, Result]:
        found: dict[str, Result] = {}
        # Always the documented path: a URL inside a reply could name another host.
        for line in (await self._wire.raw("get", f"/v1/messages/batches/{batch}/results")).splitlines():
            found.update(self._line(line))
        return found

    def _line(self, line: bytes) -> dict[str, Result]:
        try:
            row = cast(dict[str, Any], json.loads(line))
            key, result = str(row["custom_id"]), cast(dict[str, Any], row["result"])
            kind = result["type"]
            if kind == "succeeded" and isinstance(result.get("message"), dict):
                return {key: result["message"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            return {}
        if kind == "errored":
            error: dict[str, Any] = result.get("error") or {}
            inner: Any = error.get("error") or error
            status = {"invalid_request_error": 400, "authentication_error": 401, "billing_error": 402,
                      "permission_error": 403, "not_found_error": 404}.get(str(inner.get("type")), 500)
            told = from_status(status, inner, {}, self._wire.where)
            return {key: None if told.retryable else told}
        return {key: None}


def connect(model: Model, terms: Terms) -> MessagesClient:
    """Raises SetupError where the key is missing."""
    url = setting("ANTHROPIC_BASE_URL") or URL
    wire = Wire("anthropic", url, key("ANTHROPIC_API_KEY", model.address), terms, model.address)
    return MessagesClient(model, provider_of(model.address)[1], wire)


def _size(row: dict[str, Any]) -> int:
    counts: dict[str, Any] = row.get("request_counts") or {}
    return sum(count(value) for value in counts.values())


def _made(row: dict[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(row.get("created_at")).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return float("inf")
