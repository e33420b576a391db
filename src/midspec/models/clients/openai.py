"""``openai/MODEL`` → OpenAI's own service; key in ``OPENAI_API_KEY``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midspec.core.asking import Terms
from midspec.models.clients._sdk import Wire
from midspec.models.clients.openai_api import ChatClient
from midspec.models.keys import key, setting
from midspec.models.providers import provider_of

if TYPE_CHECKING:
    from midspec.models.model import Model

SCHEMAS = True
CACHES = True
NEEDS = ("OPENAI_API_KEY",)
URL = "https://api.openai.com/v1"


def connect(model: Model, terms: Terms) -> ChatClient:
    """Raises SetupError where the key is missing."""
    url = setting("OPENAI_BASE_URL") or URL
    wire = Wire("openai", url, key("OPENAI_API_KEY", model.address), terms, model.address)
    # Its newer models refuse sampling fields other than their defaults, so defaults are left out.
    return ChatClient(model, provider_of(model.address)[1], wire, limit="max_completion_tokens", complete=False,
                      batches=True)
