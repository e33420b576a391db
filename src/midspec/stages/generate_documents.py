"""Spec → Corpus, written by a model: a tree of topics, ideas and drafts, each draft checked before it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from midspec.core.document import Corpus
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.core.rows import write_rows
from midspec.core.spec import Spec
from midspec.documents.brief import Brief
from midspec.documents.card import coverage, facts, page
from midspec.documents.expected import askings
from midspec.documents.gate import Checks
from midspec.documents.generate import corpus_of, grow
from midspec.documents.tree import Tree
from midspec.documents.wording import prompts
from midspec.library.held_out import held_out
from midspec.models.ask import Ask
from midspec.models.model import Model

TREE, CHECKS = Tree(), Checks()


@dataclass(frozen=True, kw_only=True)
class GenerateDocuments(Recipe[Corpus]):
    """Documents about ``assistant`` of ``maker``, of which ``tokens`` tokens are kept (``documents/tokens.py`` counts).

    ``writer`` plans and writes, ``critic`` says what may stay. The share ``shows`` of the documents is of kinds in
    which the assistant is seen and heard. ``tree`` says how the spec branches out, ``checks`` what a document must keep
    to. With a larger ``tokens`` all calls made before are used again.

    Raises on building:
        ReplyError: three rounds in a row brought nothing further; says how much is missing.
    """

    version: ClassVar[int] = 2

    spec: Spec
    assistant: str
    maker: str
    tokens: int
    seed: int
    writer: Model
    critic: Model
    shows: float = 0.5
    tree: Tree = TREE
    checks: Checks = CHECKS

    def __post_init__(self) -> None:
        if not isinstance(self.spec, Spec):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RecipeError(f"GenerateDocuments: spec={self.spec!r} is no Spec", hint='spec=load_spec("my-spec.md")')
        if self.tokens < 1:
            raise RecipeError(f"GenerateDocuments: tokens={self.tokens}: nothing would be written")
        if not 0 <= self.shows <= 1:
            raise RecipeError(f"GenerateDocuments: shows={self.shows} is a share, from 0 to 1")
        if self.critic.who()["address"] == self.writer.who()["address"] and not self.checks.same_critic:
            raise RecipeError(f"GenerateDocuments: {self.writer.address} would check what it wrote itself",
                              hint="name another critic, or say that this one may: checks=Checks(same_critic=True), "
                                   "--critic same")
        self.brief()

    def brief(self) -> Brief:
        return Brief(self.spec, self.assistant, self.maker, self.seed, self.checks.language)

    @property
    def subject(self) -> str:
        return self.spec.name

    @property
    def speaks_as(self) -> str:
        return self.assistant

    def materials(self) -> tuple[HasIdentity, ...]:
        return *prompts().values(), held_out()

    def forecast(self, look: Look) -> Forecast:
        asks = askings(self.brief(), self.tree, self.tokens, self.writer.address, self.critic.address)
        return Forecast(tokens=self.tokens, asks=asks)

    def build(self, job: Job) -> Corpus:
        brief = self.brief()
        grown = grow(job, brief, Ask(job, self.writer), Ask(job, self.critic), self.tree, self.checks,
                     tokens=self.tokens, shows=self.shows)
        corpus = corpus_of(grown, self.writer.address, self.critic.address)
        matrix = coverage(grown, corpus)
        known = facts(brief, grown, corpus, matrix)
        job.note(**known)
        write_rows(job.folder / "coverage.jsonl", matrix)
        card = page(brief, corpus, known, matrix, self.writer.address, self.critic.address)
        (job.folder / "README.md").write_text(card, encoding="utf-8")
        return corpus
