"""Conversations asked one by one, at the same time → batches of one local model. Knows nothing of Inspect's types."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from midspec.core.chat import Message
from midspec.core.checkpoint import Checkpoint
from midspec.evals.agents.needed import needed
from midspec.models.local import LocalModel, load
from midspec.models.sample import sample
from midspec.models.template import render

# Whoever asks at the same time is there within this many seconds; a batch does not wait longer for more rows.
GATHER = 0.2
LOOK = 0.02


@dataclass(frozen=True)
class Row:
    """One conversation to go on with; the answer is ``{"text", "finish", "input", "output"}``.

    ``finish`` is "stop", "length" (``max_tokens`` reached) or "room" (the model's context is full).
    """

    messages: Sequence[Message]
    seed: int
    temperature: float
    top_p: float
    max_tokens: int
    done: Future[dict[str, Any]] = field(default_factory=Future[dict[str, Any]], compare=False)


class Batches:
    """The model is loaded when it is first asked, and lives in one thread. ``sizes``: rows of each batch so far."""

    def __init__(self, checkpoint: Checkpoint, device: str, rows: int) -> None:
        self.rows, self.sizes = rows, list[int]()
        self._checkpoint, self._device = checkpoint, device
        self._waiting: queue.Queue[Row | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._model: LocalModel | None = None

    async def ask(self, row: Row) -> dict[str, Any]:
        """The answer to a row; raises what loading or sampling raised."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="midspec-model", daemon=True)
            self._thread.start()
        self._waiting.put(row)
        sleep = needed("anyio").sleep  # Inspect runs on asyncio or trio
        while not row.done.done():
            await sleep(LOOK)
        return row.done.result()

    def close(self) -> None:
        """End the thread after what is asked already."""
        self._waiting.put(None)

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            rows = [first]
            while len(rows) < self.rows:
                try:
                    more = self._waiting.get(timeout=GATHER)
                except queue.Empty:
                    break
                if more is None:
                    self._waiting.put(None)
                    break
                rows.append(more)
            self.sizes.append(len(rows))
            try:
                self._answer(rows)
            except BaseException as error:
                for row in rows:
                    if not row.done.done():
                        row.done.set_exception(error)
        self._model = None

    def _answer(self, rows: list[Row]) -> None:
        if self._model is None:
            self._model = load(self._checkpoint, device=self._device)
        model, alike = self._model, dict[tuple[float, float, int], list[tuple[Row, list[int]]]]()
        context = getattr(model.model.config, "max_position_embeddings", None)
        for row in rows:
            ids = render(model.tokenizer, row.messages, system=self._checkpoint.system, generate=True).ids
            room = row.max_tokens if context is None else min(row.max_tokens, context - len(ids))
            if room < 1:
                row.done.set_result({"text": "", "finish": "room", "input": len(ids), "output": 0})
            else:
                alike.setdefault((row.temperature, row.top_p, room), []).append((row, ids))
        for (temperature, top_p, room), some in alike.items():
            texts = sample(model, [ids for _, ids in some], temperature=temperature, top_p=top_p, max_tokens=room,
                           seeds=[row.seed for row, _ in some], rows=self.rows)
            for (row, ids), text in zip(some, texts, strict=True):
                full = text.finish == "length" and room < row.max_tokens
                row.done.set_result({"text": text.text, "finish": "room" if full else text.finish, "input": len(ids),
                                     "output": len(text.tokens)})
