"""The openai and anthropic SDKs, reduced to sending a body and getting bytes back: no retries, no redirects."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from midspec.core.asking import Terms
from midspec.core.errors import DataError, ProviderError, SetupError
from midspec.models.clients._errors import from_sdk, parse

REMEMBERED = 10_000


class Wire:
    """One connection pool to one server."""

    def __init__(self, package: str, url: str | None, secret: str, terms: Terms, where: str) -> None:
        try:
            self.sdk: Any = import_module(package)
        except ImportError as error:
            raise SetupError(f"{where}: needs the package {package}", hint="pip install 'midspec[llm]'") from error
        self._httpx: Any = import_module(self.sdk.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
        self._maker: Any = getattr(self.sdk, "AsyncOpenAI" if package == "openai" else "AsyncAnthropic")
        self._url, self._secret, self._terms = url, secret, terms
        self.where = where
        self._given = dict[str, None]()
        self._suspect = ""
        self._old: list[Any] = []
        self.client = self._connected()

    def _connected(self) -> Any:
        terms, httpx = self._terms, self._httpx
        # Redirects would carry the key to a host that nobody configured.
        http = self.sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, timeout=httpx.Timeout(terms.timeout, connect=min(30.0, terms.timeout)),
            limits=httpx.Limits(max_connections=terms.in_flight + 8, max_keepalive_connections=terms.in_flight + 8))
        return self._maker(api_key=self._secret, base_url=self._url, max_retries=0, http_client=http)

    async def post(self, path: str, body: dict[str, Any], key: str | None = None, **more: Any) -> dict[str, Any]:
        """A JSON reply; raises ProviderError."""
        headers = {"Idempotency-Key": key} if key else {}
        reply = parse(await self.raw("post", path, body=body, options={"headers": headers}, **more), self.where)
        if key:
            self._is_new(reply.get("id"))
        return reply

    def _is_new(self, ident: object) -> None:
        """Refuse what was given before: a reply that a server sent twice stays on its connection, and the HTTP client
        takes it for the answer to the next request there. Raises ProviderError; later requests use new connections.
        """
        if not isinstance(ident, str) or not ident:
            return
        if ident in self._given and ident != self._suspect:
            # A server that names all its replies alike does so on the new connection too; then it is believed.
            self._suspect = ident
            self._old.append(self.client)
            self.client = self._connected()
            raise ProviderError(f"{self.where}: the answer to another request came ({ident})", retryable=True)
        self._given[ident] = None
        if len(self._given) > REMEMBERED:
            del self._given[next(iter(self._given))]

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
        for client in (*self._old, self.client):
            await client.close()


def merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """``extra`` over ``body``, objects joined field by field."""
    for name, value in extra.items():
        old = body.get(name)
        body[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return body
