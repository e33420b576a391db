"""``local/FOLDER``, ``embedded/NAME``, ``tiny/NAME`` → a checkpoint on this machine, sampled one reply at a time.

For many replies from a large model, start a server (vLLM) and ask it as ``openai-api/…``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from midspec.core.asking import Terms, Usage
from midspec.core.chat import Message
from midspec.core.errors import DataError, ProviderError
from midspec.models.address import checkpoint_at
from midspec.models.call import Answer, Request
from midspec.models.digests import digest_of, file_digest
from midspec.models.local import LocalModel, load
from midspec.models.sample import sample
from midspec.models.template import render

if TYPE_CHECKING:
    from midspec.models.model import Model

PRICED = False


class LocalClient:
    """Loads the model when it is first asked. One row at a time: who else is asked then cannot move a number."""

    batches = None

    def __init__(self, model: Model, terms: Terms) -> None:
        self._settings, self._device = model, terms.device
        self._thread = ThreadPoolExecutor(1, "local-model")
        self._model: LocalModel | None = None

    def body(self, request: Request) -> dict[str, Any]:
        system = [{"role": "system", "content": "\n\n".join(request.shared)}] if request.shared else []
        m = self._settings
        return {"messages": system + [{"role": t.role, "content": t.content} for t in request.turns],
                "temperature": 1.0 if m.temperature is None else m.temperature, "top_p": m.top_p or 1.0,
                "max_tokens": m.max_tokens}

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._sample, body, int(key[:32], 16))

    def read(self, payload: dict[str, Any]) -> Answer:
        return Answer(payload["text"], payload["finish"], Usage(payload["input"], 0, 0, payload["output"]))

    async def close(self) -> None:
        self._thread.shutdown(wait=False)
        self._model = None

    def _sample(self, body: dict[str, Any], seed: int) -> dict[str, Any]:
        if self._model is None:
            self._model = load(checkpoint_at(self._settings.address), device=self._device)
        messages = [Message(row["role"], row["content"]) for row in body["messages"]]
        system = messages.pop(0).content if messages[0].role == "system" else self._model.checkpoint.system
        ids = render(self._model.tokenizer, messages, system=system, generate=True).ids
        try:
            done = sample(self._model, [ids], temperature=body["temperature"], top_p=body["top_p"],
                          max_tokens=body["max_tokens"], seeds=[seed])[0]
        except DataError as error:
            raise ProviderError(f"{self._settings.address}: {error.message}", hopeless=True, hint=error.hint) from None
        return {"text": done.text, "finish": done.finish, "input": len(ids), "output": len(done.tokens)}


def connect(model: Model, terms: Terms) -> LocalClient:
    """Raises SetupError where there is no such folder or a package is missing."""
    checkpoint_at(model.address)
    return LocalClient(model, terms)


def resolved(address: str) -> str:
    """The weights by content: a folder that moves keeps its answers, one that changes loses them."""
    found = checkpoint_at(address)
    whole = [] if found.model is None else [digest_of(found.model)]
    files = [] if found.adapter is None else sorted(found.adapter.iterdir())
    adapter = [f"{p.name} {file_digest(p)}" for p in files if p.suffix in (".json", ".safetensors")]
    parts = json.dumps([found.base.digest, whole, adapter, found.system])
    return f"local {hashlib.sha256(parts.encode()).hexdigest()}"
