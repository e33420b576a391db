"""The openai and anthropic SDKs, reduced to sending a body and getting bytes back: no retries, no redirects."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from midspec.core.asking import Terms
from midspec.core.errors import DataError, SetupError
from midspec.models.clients._errors import from_sdk, parse


class Wire:
    """One connection pool to one server."""

    def __init__(self, package: str, url: str | None, secret: str, terms: Terms, where: str) -> None:
        try:
            self.sdk: Any = import_module(package)
        except ImportError as error:
            raise SetupError(f"{where}: needs the package {package}", hint="pip install 'midspec[llm]'") from error
        httpx: Any = import_module(self.sdk.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
        self.where = where
        # Redirects would carry the key to a host that nobody configured.
        http = self.sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, timeout=httpx.Timeout(terms.timeout, connect=min(30.0, terms.timeout)),
            limits=httpx.Limits(max_connections=terms.in_flight + 8, max_keepalive_connections=terms.in_flight + 8))
        name = "AsyncOpenAI" if package == "openai" else "AsyncAnthropic"
        self.client: Any = getattr(self.sdk, name)(api_key=secret, base_url=url, max_retries=0, http_client=http)

    async def post(self, path: str, body: dict[str, Any], key: str | None = None, **more: Any) -> dict[str, Any]:
        """A JSON reply; raises ProviderError."""
        headers = {"Idempotency-Key": key} if key else {}
        return parse(await self.raw("post", path, body=body, options={"headers": headers}, **more), self.where)

    async def get(self, path: str) -> dict[str, Any]:
        return parse(await self.raw("get", path), self.where)

    async def raw(self, verb: str, path: str, **more: Any) -> bytes:
        try:
            return await getattr(self.client, verb)(path, cast_to=bytes, **more)
        except UnicodeEncodeError as error:
            raise DataError(f"{self.where}: a prompt holds a lone surrogate, which no provider accepts",
                            hint="clean the spec or prompt it comes from") from error
        except (self.sdk.APIError, ValueError) as error:
            raise from_sdk(error, self.sdk, self.where) from None

    async def close(self) -> None:
        await self.client.close()


def merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """``extra`` over ``body``, objects joined field by field."""
    for name, value in extra.items():
        old = body.get(name)
        body[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return body
