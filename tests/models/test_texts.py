"""S2: text is inserted, never interpreted: prompt → body → wire → reply → ledger, byte for byte."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from tests.models.court import KEY, model
from tests.teacher.words import BRACES, CONTROL, INJECTIONS, MARKUP, PATHS

from midspec.core.asking import Terms, Usage
from midspec.core.chat import Message
from midspec.core.prompt import Prompt
from midspec.models.call import Answer, Request
from midspec.models.faults import judge
from midspec.models.forms import Limits, Tagged, Text
from midspec.models.providers import connect
from midspec.store.ledger import Ledger

PARTS = (
    *BRACES, *CONTROL, *INJECTIONS, *MARKUP, *PATHS,
    "{", "}", "{{", "}}", "{{ spec }}", "{{ idea }}", "{model_name}", "{0}", "%s", "%(a)s", "%", "$", "${HOME}",
    "$(ls)", "`ls`", "\\", "\\n", "\\u0041", "\\x00", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff",
    "\u202e", "\r", "\r\n", "\n", "\t", '"', "'", "<|im_end|>", "{% raw %}", "{# x #}", "é", "e\u0301", "🙂", "字",
    "'; DROP TABLE answers; --", "NaN",
)  # fmt: skip
PROMPT = Prompt("p.md", "Read this:\n{{ spec }}\n\nThen write on {{ idea }} and say {{ spec }} again, {not} %s $x.")
FREE = Limits(may_echo=True, may_refuse=True, language="")


def hostile(throw: random.Random) -> str:
    parts = throw.choices(PARTS, k=throw.randint(1, 8))
    if throw.random() < 0.0005:
        parts.append(throw.choice(PARTS) * (1_000_000 // 4))
    return throw.choice(("", " ", "word ")).join(parts)


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_text_is_inserted_and_never_interpreted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    for name in ("COURT_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("COURT_BASE_URL", "http://127.0.0.1:9/v1")
    throw, wrong = random.Random(7), list[str]()
    clients = [connect(model(api), Terms()) for api in ("openai", "anthropic")]
    ledger, kept = Ledger(tmp_path / "ledger.sqlite"), dict[str, dict[str, object]]()
    with ledger.own():
        for n in range(count):
            text = hostile(throw)
            filled = PROMPT.fill(spec=text, idea="boats")
            if filled != f"Read this:\n{text}\n\nThen write on boats and say {text} again, {{not}} %s $x.":
                wrong.append(f"prompt: {text[:80]!r}")
            request = Request((text,), (Message("user", filled), Message("assistant", text), Message("user", text)))
            for client in clients:
                strings = _strings(json.loads(json.dumps(client.body(request))))
                if strings.count(text) != 3 or strings.count(filled) != 1:
                    wrong.append(f"body: {text[:80]!r}")
            wrong += [f"reply: {text[:80]!r}" for fine in _replies(text, request) if not fine]
            kept[f"k{n}"] = Answer(text, "stop", Usage(), reasoning=text).row()
            if len(kept) == 1000 or n == count - 1:
                ledger.put_many(kept)
                found = ledger.get_many(list(kept))
                wrong += [f"ledger: {key}" for key, row in kept.items() if found[key] != row]
                kept = {}
    assert not wrong, wrong[:5]
    print(f"S2: 0 of {count:,} strings changed, seed 7")


def _replies(text: str, request: Request) -> tuple[bool, bool]:
    """The text as a whole reply, and between tags; what is said of it may be a fault, but never another text."""
    whole = judge(Answer(f"so {text} so", "stop", Usage()), Text(FREE), request)
    tagged = judge(Answer(f"<a>\n{text}.\n</a>", "stop", Usage()), Tagged(("a",), FREE), request)
    return (whole.fault is not None or whole.value == f"so {text} so",
            tagged.fault is not None or tagged.value["a"] == f"{text}.".strip())  # fmt: skip


def _strings(value: object) -> list[str]:
    """Every string in a body."""
    if isinstance(value, dict):
        return [found for inner in value.values() for found in _strings(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _strings(inner)]
    return [value] if isinstance(value, str) else []
