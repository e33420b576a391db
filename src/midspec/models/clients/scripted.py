"""``scripted/NAME`` → replies computed from the prompt by the files in ``models/scripts/NAME/``: no model, no key.

A provider like the others, on the true path (ledger, order, bad replies), for trying out, teaching and tests. Each
file has ``answer(said) -> str | None``; the first in alphabetical order that has an answer gives it, ``prose`` last.
"""

from __future__ import annotations

import random
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from midspec.core.asking import Terms, Usage
from midspec.core.errors import SetupError
from midspec.models import scripts
from midspec.models.call import Answer, Request
from midspec.models.providers import provider_of
from midspec.models.said import Said

if TYPE_CHECKING:
    from midspec.models.model import Model

PRICED = False
SCHEMAS = True
LAST = "prose"
LETTERS_A_TOKEN = 4


class ScriptedClient:
    """Answers in no time; draws what is random from the call's key, so a repeated unit gets the same reply."""

    batches = None

    def __init__(self, model: Model, files: list[Any]) -> None:
        self._model, self._files, self._settings = model, files, model.fields()

    def body(self, request: Request) -> dict[str, Any]:
        return {"system": "\n\n".join(request.shared), "schema": request.schema,
                "messages": [{"role": turn.role, "content": turn.content} for turn in request.turns]}

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        schema = body["schema"]
        turns = tuple(message["content"] for message in body["messages"])
        said = Said(body["system"], turns, None if schema is None else schema[1], random.Random(key), self._settings)
        text = next(found for file in self._files if (found := file.answer(said)) is not None)
        read = len(body["system"]) + sum(len(turn) for turn in said.turns)
        return {"text": text, "input": read // LETTERS_A_TOKEN, "output": len(text) // LETTERS_A_TOKEN}

    def read(self, payload: dict[str, Any]) -> Answer:
        fits = payload["output"] <= self._model.max_tokens
        text = payload["text"] if fits else payload["text"][:self._model.max_tokens * LETTERS_A_TOKEN]
        return Answer(text, "stop" if fits else "length",
                      Usage(payload["input"], 0, 0, min(payload["output"], self._model.max_tokens)), "script")

    async def close(self) -> None: ...


def connect(model: Model, terms: Terms) -> ScriptedClient:
    """Raises SetupError where there is no such script; lists those there are."""
    _, name = provider_of(model.address)
    known = sorted(m.name for m in iter_modules(scripts.__path__) if m.ispkg)
    if name not in known:
        raise SetupError(f"no script {name!r} in models/scripts/ (have: {', '.join(known)})")
    package = import_module(f"{scripts.__name__}.{name}")
    names = sorted((m.name for m in iter_modules(package.__path__) if not m.name.startswith("_")),
                   key=lambda file: (file == LAST, file))
    return ScriptedClient(model, [import_module(f"{package.__name__}.{file}") for file in names])
