"""A prompt that names <tags> for the reply → the same tags in the same order, each with prose inside."""

from __future__ import annotations

import re

from midspec.models.said import Said
from midspec.models.scripts.teacher.prose import answer as plain
from midspec.models.scripts.teacher.prose import prose

TAG = re.compile(r"<([a-z][a-z_]{1,30})>")
ASIDE = ("plan", "outline", "notes", "thoughts", "reasoning", "scratchpad")


def answer(said: Said) -> str | None:
    asked = list(dict.fromkeys(TAG.findall(said.text)))
    if not asked or said.schema is not None:
        return None
    return "\n".join(f"<{tag}>\n{prose(said, 40) if tag in ASIDE else plain(said)}\n</{tag}>" for tag in asked)
