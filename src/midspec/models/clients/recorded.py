"""``recorded/NAME`` → replies that were written down before, found by the text of the prompt: no model, no key.

They lie in ``library/recorded/NAME/*.jsonl``, or in ``$MIDSPEC_RECORDINGS/NAME/`` where that is set; a row is
``{"key": …, "reply": …}``. A prompt without a reply stops the run; with $MIDSPEC_RECORDINGS it is written to
``missing/`` there, for whoever is to answer it: KEY.md with the prompt, its long shared parts in files of their own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midspec.core.asking import Terms, Usage
from midspec.core.errors import DataError, ProviderError, SetupError
from midspec.core.rows import read_rows, text_field
from midspec.models.call import Answer, Request
from midspec.models.keys import setting
from midspec.models.providers import provider_of

if TYPE_CHECKING:
    from midspec.models.model import Model

PRICED = False
# A prompt that says in words what its reply must be is the same for whoever writes it down.
SCHEMAS = False
# Nobody is on the other side: all prompts of a stage go out together, so that all that lack a reply are known at once.
AT_ONCE = True
SHIPPED = Path(__file__).resolve().parents[2] / "library" / "recorded"
TOGETHER_SECONDS = 0.2
SHOWN = 3
NAME = re.compile(r"[\w-]+")


class RecordedClient:
    """Answers from rows; what is missing is collected for a moment before the first of them stops the run."""

    batches = None

    def __init__(self, address: str, rows: dict[str, str], missing: Path | None) -> None:
        self._address, self._rows, self._missing = address, rows, missing
        self._lacking: dict[str, str] = {}

    def body(self, request: Request) -> dict[str, Any]:
        return {"shared": list(request.shared),
                "turns": [{"role": turn.role, "content": turn.content} for turn in request.turns]}

    async def send(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        name = prompt_key(body)
        if name in self._rows:
            return {"text": self._rows[name]}
        self._lacking[name] = " ".join(body["turns"][-1]["content"].split())[:80]
        if self._missing is not None:
            _note(self._missing, name, body)
        await asyncio.sleep(TOGETHER_SECONDS)
        raise ProviderError(self._told(), hopeless=True, hint=self._hint())

    def read(self, payload: dict[str, Any]) -> Answer:
        return Answer(payload["text"], "stop", Usage(), "recorded")

    async def close(self) -> None: ...

    def _told(self) -> str:
        some = "; ".join(f"{name[:12]} “{start}…”" for name, start in sorted(self._lacking.items())[:SHOWN])
        return f"{self._address}: no reply is recorded for {len(self._lacking)} of the prompts: {some}"

    def _hint(self) -> str:
        if self._missing is None:
            return ("only what was recorded can be replayed: take the same spec, names, tree and prompts, or set "
                    "MIDSPEC_RECORDINGS=FOLDER to have the prompts written there")
        return (f"answer the prompts in {self._missing}, each in a row "
                f'{{"key": …, "reply": …}} of a .jsonl file in {self._missing.parent}')


def prompt_key(body: dict[str, Any]) -> str:
    """Under which a reply is recorded: sha256 of the prompt's texts, whoever is asked and however often."""
    said = [body["shared"], [[turn["role"], turn["content"]] for turn in body["turns"]]]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def connect(model: Model, terms: Terms) -> RecordedClient:
    """Raises SetupError where there is no such recording, DataError where a row of it is wrong."""
    places = _places(model.address)
    own = setting("MIDSPEC_RECORDINGS")
    missing = None if own is None else Path(own).expanduser() / provider_of(model.address)[1] / "missing"
    return RecordedClient(model.address, _rows(places), missing)


def resolved(address: str) -> str:
    """The address with the content of the recording: another reply, another answer."""
    rows = _rows(_places(address))
    told = hashlib.sha256(json.dumps(sorted(rows.items())).encode()).hexdigest()
    return f"{address}@{told[:16]}"


def _places(address: str) -> tuple[tuple[str, int], ...]:
    """(file, when it was changed) of a recording, the shipped first."""
    _, name = provider_of(address)
    if not NAME.fullmatch(name):
        raise SetupError(f"{address}: a recording goes by a plain name", hint="letters, digits, - and _")
    own = setting("MIDSPEC_RECORDINGS")
    folders = [SHIPPED / name, *([] if own is None else [Path(own).expanduser() / name])]
    if own is None and not folders[0].is_dir():
        have = sorted(path.name for path in SHIPPED.glob("*") if path.is_dir())
        raise SetupError(f"no recording {name!r} (have: {', '.join(have) or 'none'})",
                         hint="recordings of your own: MIDSPEC_RECORDINGS=FOLDER, with a folder of that name in it")
    return tuple((str(path), path.stat().st_mtime_ns) for folder in folders for path in sorted(folder.glob("*.jsonl")))


@cache
def _rows(places: tuple[tuple[str, int], ...]) -> dict[str, str]:
    rows = dict[str, str]()
    for file, _ in places:
        for number, row in read_rows(Path(file)):
            where = f"{file}:{number}"
            key, reply = text_field(row, "key", where), text_field(row, "reply", where)
            if rows.setdefault(key, reply) != reply:
                raise DataError(f"{where}: another reply to prompt {key[:12]} than an earlier row has",
                                hint="a prompt has one reply: remove one of the two rows")
    return rows


def _note(folder: Path, name: str, body: dict[str, Any]) -> None:
    """The prompt in a file for people; parts that many prompts share stand in files of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    above = list[str]()
    for part in body["shared"]:
        path = folder / f"shared-{hashlib.sha256(part.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}.txt"
        if not path.is_file():
            path.write_text(part, encoding="utf-8", errors="surrogatepass")
        above.append(path.name)
    turns = "\n\n".join(f"## {turn['role']}\n\n{turn['content']}" for turn in body["turns"])
    head = f"key: {name}\nread first: {', '.join(above) or 'nothing'}\n\n"
    (folder / f"{name}.md").write_text(head + turns + "\n", encoding="utf-8", errors="surrogatepass")
