"""``openai-api/NAME/MODEL`` → any server that speaks OpenAI's chat completions (vLLM, llama.cpp, OpenRouter …).

NAME is the user's: its URL is in ``NAME_BASE_URL``, its key in ``NAME_API_KEY`` (upper case, - as _).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from midspec.core.asking import Terms
from midspec.core.errors import SetupError
from midspec.models.call import Answer, Request
from midspec.models.clients._chat import chat_answer, chat_body
from midspec.models.clients._files import FileBatches
from midspec.models.clients._sdk import Wire
from midspec.models.keys import key, setting
from midspec.models.providers import provider_of

if TYPE_CHECKING:
    from midspec.models.model import Model

SCHEMAS = True


class ChatClient:
    """One model behind a chat-completions server. ``complete``, ``limit``: see ``chat_body``."""

    def __init__(self, model: Model, name: str, wire: Wire, *, limit: str, complete: bool, batches: bool) -> None:
        self._model, self._name, self._wire = model, name, wire
        self._limit, self._complete = limit, complete
        self.batches = FileBatches(wire) if batches else None

    def body(self, request: Request) -> dict[str, Any]:
        return chat_body(self._model, self._name, request, limit=self._limit, complete=self._complete)

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        return await self._wire.post("/chat/completions", body, key)

    def read(self, payload: dict[str, Any]) -> Answer:
        return chat_answer(payload, self._wire.where)

    async def close(self) -> None:
        await self._wire.close()


def connect(model: Model, terms: Terms) -> ChatClient:
    """Raises SetupError where NAME_BASE_URL or NAME_API_KEY is missing."""
    _, rest = provider_of(model.address)
    service, mark, name = rest.partition("/")
    if not mark or not name:
        raise SetupError(f"{model.address}: openai-api/NAME/MODEL is expected, NAME being yours to choose")
    prefix = re.sub(r"[^A-Z0-9]", "_", service.upper())
    url = setting(f"{prefix}_BASE_URL")
    if url is None:
        raise SetupError(f"{model.address}: {prefix}_BASE_URL is not set",
                         hint=f"export {prefix}_BASE_URL=http://127.0.0.1:8000/v1, or a line in a file .env")
    wire = Wire("openai", url, key(f"{prefix}_API_KEY", model.address), terms, model.address)
    return ChatClient(model, name, wire, limit="max_tokens", complete=True, batches=True)
