"""Batches as OpenAI defined them: a file of bodies goes up, a batch works on it, files of replies come down."""

from __future__ import annotations

import json
from typing import Any, cast

from midspec.core.errors import ProviderError
from midspec.models.clients._errors import from_status, parse
from midspec.models.clients._sdk import Wire
from midspec.models.providers import Result

ENDED = ("completed", "failed", "expired", "cancelled")
PATH = "/v1/chat/completions"


class FileBatches:
    """``tag`` is in the batch's metadata, so that a batch whose id was lost is found again."""

    most = 50_000

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def submit(self, tag: str, bodies: dict[str, dict[str, Any]]) -> str:
        lines = [json.dumps({"custom_id": key, "method": "POST", "url": PATH, "body": body})
                 for key, body in bodies.items()]
        data = ("\n".join(lines) + "\n").encode()
        raw = await self._wire.raw("post", "/files", body={"purpose": "batch"},
                                   files=[("file", (f"{tag}.jsonl", data, "application/jsonl"))],
                                   options={"headers": {"Content-Type": "multipart/form-data"}})
        file = parse(raw, self._wire.where)["id"]
        made = await self._wire.post("/batches", {"input_file_id": file, "endpoint": PATH, "completion_window": "24h",
                                                  "metadata": {"midspec": tag}}, tag)
        return str(made["id"])

    async def adopt(self, tag: str, keys: set[str], since: float, known: set[str]) -> str | None:
        after = ""
        while True:
            page = await self._wire.get(f"/batches?limit=100{after}")
            rows: list[dict[str, Any]] = page.get("data") or []
            for row in rows:
                if (row.get("metadata") or {}).get("midspec") == tag:
                    return str(row["id"])
            # Newest first: what is older than the intent cannot be ours.
            if not page.get("has_more") or not rows or (rows[-1].get("created_at") or 0) < since - 600:
                return None
            after = f"&after={rows[-1]['id']}"

    async def ended(self, batch: str) -> bool:
        return (await self._wire.get(f"/batches/{batch}")).get("status") in ENDED

    async def results(self, batch: str) -> dict[str, Result]:
        row = await self._wire.get(f"/batches/{batch}")
        found: dict[str, Result] = {}
        for name in ("error_file_id", "output_file_id"):
            if row.get(name):
                for line in (await self._wire.raw("get", f"/files/{row[name]}/content")).splitlines():
                    found.update(self._line(line))
        if row.get("status") == "failed" and not found:
            said: Any = (row.get("errors") or {}).get("data") or row.get("errors")
            raise ProviderError(f"{self._wire.where}: batch {batch} was refused: {json.dumps(said)[:300]}",
                                hopeless=True, hint="mend what the provider names, then the same command")
        return found

    def _line(self, line: bytes) -> dict[str, Result]:
        """One line of a result file; a broken line counts as no result."""
        try:
            row = cast(dict[str, Any], json.loads(line))
            response: dict[str, Any] = row.get("response") or {}
            key, status = str(row["custom_id"]), response.get("status_code")
            if status == 200 and isinstance(response.get("body"), dict):
                return {key: response["body"]}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}
        if isinstance(status, int) and status >= 400:
            error = from_status(status, response.get("body"), {}, self._wire.where)
            return {key: None if error.retryable else error}
        return {key: None}
