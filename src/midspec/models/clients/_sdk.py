"""The openai and anthropic SDKs, reduced to sending a body and getting bytes back: no retries, no redirects."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from midspec.core.asking import Terms
from midspec.core.errors import DataError, ProviderError, SetupError
from midspec.models.clients._errors import from_sdk, parse

REMEMBERED = 10_000
# A pool looks through all its connections at each request, so that one of 1,000 takes more time than all else.
POOL = 48


@dataclass(eq=False)
class _Pool:
    client: Any
    busy: int = 0


class Wire:
    """Connections to one server, in pools."""

    def __init__(self, package: str, url: str | None, secret: str, terms: Terms, where: str) -> None:
        try:
            self.sdk: Any = import_module(package)
        except ImportError as error:
            raise SetupError(f"{where}: needs the package {package}", hint="pip install 'midspec[llm]'") from error
        self._httpx: Any = import_module(self.sdk.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
        self._maker: Any = getattr(self.sdk, "AsyncOpenAI" if package == "openai" else "AsyncAnthropic")
        self._url, self._secret, self._terms = url, secret, terms
        self.where = where
        self._trusted = self._httpx.create_ssl_context()
        self._given = dict[str, None]()
        self._suspect = ""
        self._old: list[_Pool] = []
        self._pools: list[_Pool] = []

    def _connected(self) -> Any:
        terms, httpx = self._terms, self._httpx
        # Redirects would carry the key to a host that nobody configured.
        http = self.sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, timeout=httpx.Timeout(terms.timeout, connect=min(30.0, terms.timeout)),
            verify=self._trusted, limits=httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL))
        return self._maker(api_key=self._secret, base_url=self._url, max_retries=0, http_client=http)

    def _free(self) -> _Pool:
        """The pool with most to do that still has a connection, so that connections are used again."""
        pool = max((pool for pool in self._pools if pool.busy < POOL), key=lambda pool: pool.busy, default=None)
        if pool is None:
            self._pools.append(pool := _Pool(self._connected()))
        return pool

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
            self._old, self._pools = [*self._old, *self._pools], []
            raise ProviderError(f"{self.where}: the answer to another request came ({ident})", retryable=True)
        self._given[ident] = None
        if len(self._given) > REMEMBERED:
            del self._given[next(iter(self._given))]

    async def get(self, path: str) -> dict[str, Any]:
        return parse(await self.raw("get", path), self.where)

    async def raw(self, verb: str, path: str, **more: Any) -> bytes:
        pool = self._free()
        pool.busy += 1
        try:
            return await getattr(pool.client, verb)(path, cast_to=bytes, **more)
        except UnicodeEncodeError as error:
            raise DataError(f"{self.where}: a prompt holds a lone surrogate, which no provider accepts",
                            hint="clean the spec or prompt it comes from") from error
        except (self.sdk.APIError, ValueError) as error:
            raise from_sdk(error, self.sdk, self.where) from None
        finally:
            pool.busy -= 1

    async def close(self) -> None:
        for pool in (*self._old, *self._pools):
            await pool.client.close()


def merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """``extra`` over ``body``, objects joined field by field."""
    for name, value in extra.items():
        old = body.get(name)
        body[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return body
