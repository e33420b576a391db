"""Address → the provider's file in ``models/clients/``. The folder is the registry.

Each file has ``connect(model, terms) -> Client``, and where it applies: ``PRICED`` False (answers cost nothing),
``SCHEMAS`` True (a JSON schema can be sent), ``CACHES`` True (the start of prompts is kept and billed less),
``AT_ONCE`` True (there is no pace to find), ``NEEDS`` (settings that must be there: keys), ``resolved(address)`` (an
address that does not say all about what answers).
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

from midspec.core.asking import Terms
from midspec.core.errors import ProviderError, SetupError
from midspec.models import clients
from midspec.models.call import Answer, Request

# Addresses of models that midspec makes itself are asked like any folder.
OWN = ("embedded", "tiny")


# Of one call in a batch: a reply body as online; an error that asking again does not mend; None where the call
# expired, was cancelled or failed, and may be handed in again.
Result = dict[str, Any] | ProviderError | None


class Batches(Protocol):
    """A provider's batch interface; ids are its own, ``tag`` and the keys are ours."""

    most: int

    async def submit(self, tag: str, bodies: dict[str, dict[str, Any]]) -> str:
        """Hand in bodies under their keys; returns the batch's id."""
        ...

    async def adopt(self, tag: str, keys: set[str], since: float, known: set[str]) -> str | None:
        """The id of a batch that was handed in under this tag by somebody who died before noting it, or None."""
        ...

    async def ended(self, batch: str) -> bool: ...

    async def results(self, batch: str) -> dict[str, Result]: ...


class Client(Protocol):
    """A connection to one model. Bodies are the same online and in batches."""

    batches: Batches | None

    def body(self, request: Request) -> dict[str, Any]: ...

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        """One call without retries; raises ProviderError."""
        ...

    def read(self, payload: dict[str, Any]) -> Answer:
        """A reply body → Answer; raises ProviderError (retryable) where it is not one."""
        ...

    async def close(self) -> None: ...


def known_providers() -> list[str]:
    """Names that an address can start with."""
    files = (m.name.replace("_", "-") for m in iter_modules(clients.__path__) if not m.name.startswith("_"))
    return sorted([*files, *OWN])


def provider_of(address: str) -> tuple[str, str]:
    """(provider, name of the model there); raises SetupError that lists the providers there are."""
    head, mark, rest = address.partition("/")
    if address.startswith("inspect:"):
        head, mark, rest = "inspect", "/", address.removeprefix("inspect:")
    if not mark or not rest or head not in known_providers():
        raise SetupError(f"{address!r} is not the address of a model that can be asked",
                         hint=f"PROVIDER/MODEL with one of: {', '.join(known_providers())} (docs/asking.md)")
    return head, rest


def client_file(address: str) -> Any:
    """The module of the address's provider."""
    provider, _ = provider_of(address)
    name = "local" if provider in OWN else provider.replace("-", "_")
    return import_module(f"{clients.__name__}.{name}")


def resolved(address: str) -> str:
    """The address, with the digest of the weights where it names a folder: equal text, equal model."""
    find = getattr(client_file(address), "resolved", None)
    return address if find is None else find(address)


def connect(model: Any, terms: Terms) -> Client:
    """A client for one model; raises SetupError where a package, key or folder is missing."""
    return client_file(model.address).connect(model, terms)


def priced(address: str) -> bool:
    """False where answers cost nothing: models on this machine, and scripts."""
    return getattr(client_file(address), "PRICED", True)


def takes_schema(address: str) -> bool:
    """Whether the provider makes a model keep to a JSON schema."""
    return getattr(client_file(address), "SCHEMAS", False)


def caches(address: str) -> bool:
    """Whether the provider keeps the start of prompts and bills it less the next time."""
    return getattr(client_file(address), "CACHES", False)


def at_once(address: str) -> bool:
    """Whether all calls may go out together, since nobody is on the other side whose pace or cache counts."""
    return getattr(client_file(address), "AT_ONCE", False)


def needs(provider: str) -> tuple[str, ...]:
    """Settings that must be there before the provider can be asked."""
    return getattr(client_file(f"{provider}/any"), "NEEDS", ())
