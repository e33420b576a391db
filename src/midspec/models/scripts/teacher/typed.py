"""A prompt with a JSON schema, sent beside it or written in it → an object that fits."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from midspec.models.said import Said
from midspec.models.scripts.teacher.prose import prose

FENCE = re.compile(r"```json\s*\n(\{.*?\})\s*\n```", re.DOTALL)
COUNT = re.compile(r"\b(\d{1,3})\b")
MOST = 100


def answer(said: Said) -> str | None:
    schema = said.schema or _written(said.text)
    if schema is None:
        return None
    return json.dumps(_value(schema, said), ensure_ascii=False)


def _written(text: str) -> dict[str, Any] | None:
    for block in FENCE.findall(text):
        try:
            found = json.loads(block)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict) and "properties" in found:
            return cast(dict[str, Any], found)
    return None


def _value(schema: dict[str, Any], said: Said) -> Any:
    if "enum" in schema:
        return said.chance.choice(schema["enum"])
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], said)
    match schema.get("type"):
        case "object":
            return {name: _value(inner, said) for name, inner in schema["properties"].items()}
        case "array":
            return [_value(schema["items"], said) for _ in range(_many(said))]
        case "integer":
            return said.chance.randint(1, 10)
        case "number":
            return round(said.chance.random(), 3)
        case "boolean":
            return said.chance.random() < 0.5
        case _:
            sentences = re.split(r"(?<=\.)\s", prose(said, 20))
            return said.chance.choice(sentences)


def _many(said: Said) -> int:
    """The first number in the last lines of the prompt: most prompts end with how many they want."""
    asked = FENCE.sub("", said.text).splitlines()
    found = [int(number) for line in asked[-8:] for number in COUNT.findall(line)]
    return next((number for number in found if 0 < number <= MOST), 5)
