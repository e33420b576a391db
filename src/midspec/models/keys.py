"""Names of settings → keys and URLs, from the environment or the user's ``.env`` file; and text without them.

Keys go to providers and nowhere else: whatever else leaves this process goes through ``hide`` first.
"""

from __future__ import annotations

import base64
import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from midspec.core.errors import SetupError

MASK = "[key]"
SHORTEST = 6
_seen: set[str] = set()


def setting(name: str) -> str | None:
    """A value of the environment, else of the nearest ``.env`` in this folder or one above it, else None."""
    value = os.environ.get(name)
    if value is None and (path := env_file()) is not None:
        value = _lines(path, path.stat().st_mtime_ns).get(name)
    return value or None


def key(name: str, address: str) -> str:
    """A secret. Raises SetupError that names the variable, never a value."""
    value = setting(name)
    if value is None:
        raise SetupError(f"{address}: {name} is not set", hint=f"export {name}=…, or a line {name}=… in a file .env")
    _seen.add(value)
    return value


def hide(text: str) -> str:
    """The text with every key that was read so far masked, also where it stands encoded."""
    for secret in _seen:
        if len(secret) >= SHORTEST:
            for form in _forms(secret):
                text = text.replace(form, MASK)
    return text


def env_file() -> Path | None:
    """The nearest ``.env`` upwards from this folder."""
    here = Path.cwd()
    return next((p for folder in (here, *here.parents) if (p := folder / ".env").is_file()), None)


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[str, ...]:
    """As it is, URL-encoded, and in base64 (all but the last characters, which depend on what follows)."""
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), base64.b64encode(raw).decode().rstrip("=")}
    forms |= {base64.b64encode(b"\0" * n + raw).decode()[4:-4] for n in (1, 2)}
    return tuple(sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True))


@lru_cache(maxsize=8)
def _lines(path: Path, changed: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, mark, value = line.strip().removeprefix("export ").partition("=")
        if mark and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[name.strip()] = value[1:-1] if quoted else value.partition(" #")[0].strip()
    return found
