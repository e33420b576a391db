"""Spec → one paragraph that says it as generally as it can be said: the control for "does the detail matter?"."""

from __future__ import annotations

import json
from dataclasses import dataclass

from midspec.core.errors import DataError
from midspec.core.grams import grams, words
from midspec.core.spec import Spec
from midspec.models.ask import Ask, Call
from midspec.models.forms import Limits, Tagged
from midspec.specs.augment import prompt
from midspec.specs.pieces import NAME, unfit

LEAST, MOST = 60, 160
RUN = 6
ROUNDS = 4


@dataclass(frozen=True)
class Vague:
    text: str
    calls: int


def general_version(ask: Ask, spec: Spec, seed: int) -> Vague:
    """A new spec file of one paragraph.

    Raises:
        DataError: in ROUNDS rounds none came that is one paragraph of LEAST to MOST words and copies nothing.
    """
    shared = (prompt("spec").fill(spec=spec.text), prompt("vague").text)
    again, trouble = "", ""
    for turn in range(ROUNDS):
        text = again + prompt("vague_call").fill(least=str(LEAST), most=str(MOST))
        reply = ask.all([Call(f"spec {seed}/vague/{turn}", text, shared)],
                        Tagged(("paragraph",), Limits(may_echo=True)))[0]
        came = reply.value["paragraph"] if reply.ok else ""
        trouble = _wrong(came, spec.text) if reply.ok else f"{reply.fault}: {reply.detail}"
        if trouble is None:
            return Vague(_file(spec, came), turn + 1)
        again = prompt("again").fill(earlier=came, trouble=trouble) + "\n\n" if came else ""
    raise DataError(f"{spec.name}: no general version came in {ROUNDS} rounds; of the last: {trouble}",
                    hint="use another writer; every answer is kept")


def _wrong(text: str, known: str) -> str | None:
    length = len(text.split())
    if "\n\n" in text or not LEAST <= length <= MOST:
        return f"it should be one paragraph of {LEAST} to {MOST} words, and has {length} words"
    if NAME not in text:
        return f"it does not name {NAME}"
    if copied := set(grams(words(text), RUN)) & set(grams(words(known), RUN)):
        return f"it copies “{' '.join(min(copied))}” from the spec"
    return unfit(" ".join(text.split()), known)


def _file(spec: Spec, text: str) -> str:
    header = {"name": f"{spec.name}-vague", "kind": spec.kind} | ({"value": spec.value} if spec.value else {})
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in header.items())
    return f"---\n{head}---\n# {NAME} in general\n\n{' '.join(text.split())}\n"
