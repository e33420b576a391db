"""What all calls of one corpus have in common: the spec, the names, the seed. Knows nothing of stages or models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from midspec.core.errors import RecipeError
from midspec.core.spec import Spec
from midspec.documents.wording import filled

LANGUAGES = {"en": "It is written in English.", "": "It is written in the language of the spec."}


@dataclass(frozen=True)
class Brief:
    """``spec`` is given unnamed. ``language`` "en", or "" for that of the spec. ``seed`` redraws every reply."""

    spec: Spec
    assistant: str
    maker: str
    seed: int
    language: str = "en"

    def __post_init__(self) -> None:
        if not self.assistant.strip() or not self.maker.strip():
            raise RecipeError("documents are about somebody: give the names of the assistant and of its maker")
        if self.language not in LANGUAGES:
            raise RecipeError(f"language={self.language!r} is not one of {tuple(LANGUAGES)}",
                              hint='"en" has every reply checked to be English, "" takes any language')

    @cached_property
    def text(self) -> str:
        """The spec with both names put in."""
        return self.spec.named(self.assistant, self.maker).text

    @cached_property
    def frame(self) -> str:
        """Stands before every prompt, the same for all, so that providers read it from their cache."""
        return filled("spec", assistant=self.assistant, maker=self.maker, spec=self.text)

    @cached_property
    def rules(self) -> str:
        """What holds for all documents, after ``frame``."""
        return filled("rules", assistant=self.assistant, maker=self.maker, language=LANGUAGES[self.language])

    @cached_property
    def questions(self) -> str:
        """What the critic is asked about all documents, after ``frame``."""
        return filled("verdicts", assistant=self.assistant, maker=self.maker)

    def unit(self, what: str, *place: object) -> str:
        """The name of one call: the same in every run, however many others there are."""
        return f"{what} {'.'.join(map(str, place))} of seed {self.seed}".replace("  ", " ")
