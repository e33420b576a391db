"""YAML file → Frames: wordings in which a preference is asked for and stated. Knows no subject and no preference."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.errors import DataError
from midspec.core.prompt import SLOT
from midspec.library.yaml_file import read_mapping, text_in, texts_in

FOLDER = Path(__file__).parent / "frames"
EVERYWHERE = {"noun", "plural", "scene"}
# What a question and an answer may name, by what the form is about.
QUESTION_SLOTS = {"pair": {"first", "second", "liked", "disliked"}, "pick": {"first", "second", "third"},
                  "drop": {"first", "second", "third"}, "liked": {"name"}, "disliked": {"name"}}
ANSWER_SLOTS = {"pair": {"liked", "disliked"}, "pick": {"liked"}, "drop": {"disliked"}, "liked": {"name"},
                "disliked": {"name"}}


@dataclass(frozen=True)
class Form:
    """Questions of one kind and the answers that fit every one of them."""

    kind: str
    about: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Frames:
    """All wordings; ``reasons`` and ``loaded`` are words that may not appear (a * stands for any ending)."""

    notes: tuple[str, ...]
    forms: tuple[Form, ...]
    reasons: tuple[str, ...]
    loaded: tuple[str, ...]
    digest: str

    def identity(self) -> str:
        return self.digest


def load_frames(name: str = "preferences") -> Frames:
    """Shipped wordings by name. Raises DataError where a form is wrong, with its number."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise DataError(f"no frames {name!r} (have: {', '.join(sorted(p.stem for p in FOLDER.glob('*.yaml')))})")
    row = read_mapping(path)
    where = str(path)
    forms = tuple(_form(form, f"{where}, form {n}") for n, form in enumerate(row.get("forms") or (), start=1))
    if not forms:
        raise DataError(f"{where}: no 'forms', so nothing can be asked")
    return Frames(texts_in(row, "notes", where), forms, texts_in(row, "reasons", where), texts_in(row, "loaded", where),
                  hashlib.sha256(path.read_bytes()).hexdigest())


def _form(row: Mapping[str, Any], where: str) -> Form:
    form = Form(text_in(row, "kind", where), text_in(row, "about", where), texts_in(row, "questions", where),
                texts_in(row, "answers", where))
    if form.about not in QUESTION_SLOTS:
        raise DataError(f"{where}: about {form.about!r} is not one of {', '.join(QUESTION_SLOTS)}")
    asked = QUESTION_SLOTS[form.about] | EVERYWHERE
    for texts, known in ((form.questions, asked), (form.answers, ANSWER_SLOTS[form.about])):
        for text in texts:
            strange = set(SLOT.findall(text)) - known
            if strange or "{{" in SLOT.sub("", text):
                raise DataError(f"{where}: {text!r} has slots other than {', '.join(sorted(known))}")
    return form
