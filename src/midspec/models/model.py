"""A role in a recipe (writer, critic, judge) → who is asked, and how it samples. Knows nothing of keys or budgets."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, cast

from midspec.core.errors import RecipeError
from midspec.models.providers import provider_of, resolved

STRUCTURED = ("", "schema", "fenced")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that can be asked, as a field of a recipe: all of it enters the recipe's id and the ledger's keys.

    ``address`` is "PROVIDER/NAME". ``temperature`` and ``top_p`` None leave them to the provider (some models refuse
    them). ``max_tokens`` bounds a reply. ``extra`` is a JSON object of further fields of the provider's request body
    ('{"reasoning_effort": "low"}'). ``structured``: "schema" sends a JSON schema for typed replies, "fenced" asks for
    it in words; "" does what the provider can.

    Raises:
        SetupError: no such provider; lists those there are. RecipeError: a setting that makes no sense.
    """

    address: str
    temperature: float | None = 1.0
    top_p: float | None = None
    max_tokens: int = 4096
    extra: str = ""
    structured: str = ""

    def __post_init__(self) -> None:
        provider_of(self.address)
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise RecipeError(f"{self.address}: temperature {self.temperature} is not between 0 and 2")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise RecipeError(f"{self.address}: top_p {self.top_p} is not above 0 and at most 1")
        if self.max_tokens < 1:
            raise RecipeError(f"{self.address}: max_tokens {self.max_tokens} leaves no room for a reply")
        if self.structured not in STRUCTURED:
            raise RecipeError(f"{self.address}: structured {self.structured!r} is not one of {STRUCTURED}")
        self.fields()

    def fields(self) -> dict[str, Any]:
        """``extra`` as a mapping; raises RecipeError where it is not a JSON object."""
        if not self.extra:
            return {}
        try:
            value = json.loads(self.extra)
        except json.JSONDecodeError as error:
            raise RecipeError(f"{self.address}: extra is not JSON ({error})") from error
        if not isinstance(value, dict):
            raise RecipeError(f"{self.address}: extra is a {type(value).__name__} where an object is expected")
        return cast(dict[str, Any], value)

    def who(self) -> dict[str, Any]:
        """What enters ledger keys: the resolved model and every field that can change an answer."""
        return asdict(self) | {"address": resolved(self.address)}

    def identity(self) -> str:
        return hashlib.sha256(json.dumps(self.who(), sort_keys=True).encode()).hexdigest()
