"""``inspect:PROVIDER/MODEL`` → any provider of Inspect (google, mistral, bedrock …), with Inspect's own keys.

Inspect's retries, cache and batches stay off: ``ask`` does all that, durably.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from midspec.core.asking import Terms, Usage
from midspec.core.errors import ProviderError, SetupError
from midspec.models.call import Answer, Request
from midspec.models.clients._chat import count
from midspec.models.clients._errors import from_status
from midspec.models.keys import hide
from midspec.models.providers import provider_of

if TYPE_CHECKING:
    from midspec.models.model import Model

FINISH = {"max_tokens": "length", "model_length": "length", "content_filter": "refusal"}


class InspectClient:
    """One model through Inspect."""

    batches = None

    def __init__(self, model: Model, terms: Terms) -> None:
        try:
            self._library: Any = import_module("inspect_ai.model")
        except ImportError as error:
            raise SetupError(f"{model.address}: needs inspect-ai", hint="pip install 'midspec[eval]'") from error
        self._settings = model
        config = self._library.GenerateConfig(max_retries=0, max_connections=terms.in_flight,
                                              adaptive_connections=False, attempt_timeout=int(terms.timeout))
        try:
            self._model: Any = self._library.get_model(provider_of(model.address)[1], config=config, memoize=False)
        except Exception as error:  # its own errors and those of each provider's package
            raise SetupError(f"{model.address}: {hide(str(error)).strip()[:300]}",
                             hint="https://inspect.aisi.org.uk/providers.html names packages and keys") from None

    def body(self, request: Request) -> dict[str, Any]:
        system = [{"role": "system", "content": "\n\n".join(request.shared)}] if request.shared else []
        settings = {"temperature": self._settings.temperature, "top_p": self._settings.top_p,
                    "max_tokens": self._settings.max_tokens, **self._settings.fields()}
        return {"messages": system + [{"role": turn.role, "content": turn.content} for turn in request.turns],
                "config": {name: value for name, value in settings.items() if value is not None}}

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        kinds = {"system": self._library.ChatMessageSystem, "user": self._library.ChatMessageUser,
                 "assistant": self._library.ChatMessageAssistant}
        messages = [kinds[row["role"]](content=row["content"]) for row in body["messages"]]
        try:
            output = await self._model.generate(messages, config=self._library.GenerateConfig(**body["config"]),
                                                cache=False)
        except Exception as error:
            raise self._translated(error) from None
        return json.loads(output.model_dump_json())

    def read(self, payload: dict[str, Any]) -> Answer:
        try:
            choice = payload["choices"][0]
            content, finish = choice["message"]["content"], str(choice["stop_reason"])
        except (KeyError, IndexError, TypeError):
            raise ProviderError(f"{self._settings.address}: a reply without choices", retryable=True,
                                billed=True) from None
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = "".join(part.get("text", "") for part in parts if part.get("type") == "text")
        thought = "".join(part.get("reasoning", "") for part in parts if part.get("type") == "reasoning")
        row: dict[str, Any] = payload.get("usage") or {}
        usage = Usage(count(row.get("input_tokens")), count(row.get("input_tokens_cache_read")),
                      count(row.get("input_tokens_cache_write")), count(row.get("output_tokens")))
        return Answer(text, FINISH.get(finish, finish), usage, str(payload.get("model") or ""), thought)

    async def close(self) -> None:
        await self._model.api.aclose()

    def _translated(self, error: Exception) -> ProviderError:
        """Each provider has its own exceptions; Inspect knows which of them are worth another try."""
        where, api = self._settings.address, self._model.api
        last: Any = getattr(error, "last_attempt", None)
        cause = (last.exception() if last is not None else None) or error
        status: Any = getattr(cause, "status_code", None) or getattr(cause, "code", None)
        if isinstance(status, int) and status >= 400:
            headers = getattr(getattr(cause, "response", None), "headers", {})
            return from_status(status, str(cause), headers, where)
        text = f"{where}: {type(cause).__name__} {hide(str(cause))[:300]}"
        if api.is_auth_failure(cause):
            return ProviderError(text, hopeless=True, hint="check the key")
        decision: Any = api.should_retry(cause)
        if getattr(decision, "retry", decision):
            return ProviderError(text, retryable=True, busy=getattr(decision, "kind", "") == "rate_limit",
                                 retry_after=getattr(decision, "retry_after", None), billed=True)
        return ProviderError(text, hopeless=True, hint="mend what the provider names, then the same command")


def connect(model: Model, terms: Terms) -> InspectClient:
    """Raises SetupError where Inspect, the provider's package or its key is missing."""
    return InspectClient(model, terms)
