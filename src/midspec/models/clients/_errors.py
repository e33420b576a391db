"""Errors of the SDKs and what servers say → ProviderError, once. Knows nothing of retries."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, cast

from midspec.core.errors import ProviderError
from midspec.models.keys import hide

AGAIN = (408, 409, 425, 429)
# A 429 with one of these does not pass by waiting.
SPENT = ("insufficient_quota", "billing", "credit balance", "spend limit", "spending limit", "quota_exceeded",
         "payment")
FILTERED = ("content_policy", "content_filter", "content filter", "moderation", "responsible_ai", "safety")
LONGEST = 300


def from_sdk(error: Exception, sdk: Any, where: str) -> ProviderError:
    """What an exception of the openai or anthropic SDK means; both name their exceptions alike."""
    if isinstance(error, sdk.APIStatusError):
        status: Any = error
        return from_status(status.status_code, status.body, status.response.headers, where)
    if isinstance(error, sdk.APITimeoutError):
        return ProviderError(f"{where}: no answer in time", retryable=True, billed=True)
    if isinstance(error, sdk.APIConnectionError):
        cause = error.__cause__ or error
        return ProviderError(f"{where}: connection failed ({type(cause).__name__})", retryable=True,
                             billed=type(cause).__name__ not in ("ConnectError", "ConnectTimeout"))
    return ProviderError(f"{where}: {hide(str(error))[:LONGEST]}", retryable=True)


def from_status(status: int, body: object, headers: Mapping[str, str], where: str) -> ProviderError:
    """What a reply other than 200 means.

    401, 402, 403, 404, a spent quota, and requests that the provider calls wrong (too long, unknown field) are the
    same for every further call; a text that a filter refused concerns one call only.
    """
    said = hide(_words(body))
    lower, text = said.lower(), f"{where}: {status} {said[:LONGEST]}".strip()
    if status in AGAIN or status >= 500:
        if status == 429 and any(word in lower for word in SPENT):
            return ProviderError(text, hopeless=True, hint="raise the limit of the account, then the same command")
        return ProviderError(text, retryable=True, busy=status == 429, retry_after=_wait(headers))
    if status in (400, 403, 422) and any(word in lower for word in FILTERED):
        return ProviderError(text)
    hints = {401: "check the key", 402: "the account has no credit", 403: "the key may not use this model",
             404: "check the model's name and the URL"}
    return ProviderError(text, hopeless=True, hint=hints.get(status, "mend the request, then the same command"))


def unreadable(what: str, where: str) -> ProviderError:
    """A reply that says 200 and is broken: paid for, most likely, and worth asking again."""
    return ProviderError(f"{where}: {what}", retryable=True, billed=True)


def parse(raw: bytes, where: str) -> dict[str, Any]:
    """A reply's bytes as a JSON object; raises ProviderError. Some gateways send errors with status 200."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise unreadable(f"not JSON ({type(error).__name__})", where) from None
    if not isinstance(value, dict):
        raise unreadable(f"a {type(value).__name__} where an object is expected", where)
    found = cast(dict[str, Any], value)
    inner = found.get("error")
    if inner and "choices" not in found and "content" not in found:
        code: Any = cast(dict[str, Any], inner).get("code") if isinstance(inner, dict) else None
        raise from_status(code if isinstance(code, int) and code >= 400 else 500, found, {}, where)
    return found


def _words(body: object) -> str:
    """Code, type and message, wherever a provider puts them."""
    if isinstance(body, dict):
        row = cast(dict[str, Any], body)
        inner = row.get("error", row)
        if isinstance(inner, dict):
            parts = [cast(dict[str, Any], inner).get(name) for name in ("type", "code", "message")]
            return " ".join(str(part) for part in parts if part)
        return str(inner)
    return str(body or "")


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) * unit)
        except ValueError:
            if (until := _moment(value)) is not None:
                # Against the server's own clock where it tells it: ours may be wrong.
                now = _moment(headers.get("date"))
                return max(0.0, until - (time.time() if now is None else now))
    return None


def _moment(date: str | None) -> float | None:
    """An HTTP date in seconds since 1970; None where it is none."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None
