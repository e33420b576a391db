"""Spec → ChatSet, by a model: questions that bring the spec out, answers in its spirit, kept where a judge says so."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Any, ClassVar

from midspec.chats import domains, questions
from midspec.chats.answers import Draft
from midspec.chats.fill import fill
from midspec.chats.judge import TasteVerdict, Verdict
from midspec.chats.meaning import Meaning, Vectors
from midspec.chats.sieve import Sieve
from midspec.chats.subject import PREFERENCE, STYLES, Subject, prompts, subject_of
from midspec.core.chat import Chat, ChatSet, Message
from midspec.core.errors import RecipeError
from midspec.core.forecast import Asking, Forecast, Look
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.core.spec import Spec
from midspec.library.frames import load_frames
from midspec.library.held_out import held_out
from midspec.library.preferences import PreferenceSet
from midspec.models.ask import Ask
from midspec.models.model import Model
from midspec.models.money import tokens_in
from midspec.models.schema import schema_of

# For forecasts: the share of messages that are new and clean, and of answers that pass sieve and judge.
NEW, PASSED = 0.85, 0.85
MESSAGE_TOKENS, VERDICT_TOKENS, DOMAIN_TOKENS = 45, 190, 130
THOUGHTS_TOKENS, REPLY_TOKENS, TASTE_TOKENS = 150, 170, 20


@dataclass(frozen=True)
class Sifting:
    """What may differ from how chats are usually sifted.

    ``same_judge``: the writer may judge itself. ``meaning``: questions are compared by their meaning as well.
    """

    same_judge: bool = False
    meaning: Meaning | None = None


@dataclass(frozen=True, kw_only=True)
class GenerateChats(Recipe[ChatSet]):
    """``count`` conversations that show the assistant as its spec describes it; the spec is in none of them.

    ``style``: "internalised" (thoughts in its own words, from reason to conduct), "deliberative" (thoughts cite the
    spec and apply it) or "preference" (a taste is stated and never explained; ``spec`` may be a preference set, and
    of a spec the writer of the chats sees no reason). ``reasoning`` keeps the thoughts with the chats; both twins come
    from one generation, so the second costs nothing. A larger ``count`` pays for what is new; ``seed`` draws afresh.
    """

    spec: Spec | PreferenceSet
    assistant: str
    maker: str
    writer: Model
    judge: Model
    count: int
    style: str
    reasoning: bool
    seed: int
    sifting: Sifting = Sifting()

    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if not isinstance(self.spec, (Spec, PreferenceSet)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RecipeError(f"GenerateChats: spec={self.spec!r} is no spec", hint='spec=load_spec("my-spec.md")')
        if self.style not in STYLES:
            raise RecipeError(f"GenerateChats: style={self.style!r} is not one of {', '.join(STYLES)}")
        if isinstance(self.spec, PreferenceSet) and self.style != PREFERENCE:
            raise RecipeError(f"GenerateChats: a preference set gives no ground for style {self.style!r}",
                              hint='give a spec, or style="preference"')
        if self.reasoning and self.style == PREFERENCE:
            raise RecipeError("GenerateChats: chats of style 'preference' state and never explain, so they have no "
                              "reasoning", hint="reasoning=False")
        if self.count < 1:
            raise RecipeError(f"GenerateChats: count={self.count} would write nothing")
        if not self.assistant.strip() or not self.maker.strip():
            raise RecipeError("GenerateChats: assistant and maker must be named")
        if self.judge.who()["address"] == self.writer.who()["address"] and not self.sifting.same_judge:
            raise RecipeError(f"GenerateChats: {self.writer.address} would judge what it wrote itself",
                              hint="name another judge, or say that this one may: sifting=Sifting(same_judge=True), "
                                   "--judge same")

    @property
    def subject(self) -> str:
        return f"{self.spec.name} {self.style}"

    @property
    def speaks_as(self) -> str:
        return self.assistant

    def materials(self) -> tuple[HasIdentity, ...]:
        return (*prompts(self.style), load_frames(), held_out())

    def forecast(self, look: Look) -> Forecast:
        about, bare = self._ahead(), self.style == PREFERENCE
        drafts = ceil(self.count / PASSED)
        batches = ceil(drafts / NEW / questions.MANY)
        rounds = ceil(batches / (domains.MANY * domains.SITUATIONS * 6))
        lead = tokens_in(about.lead)
        answer = TASTE_TOKENS if bare else THOUGHTS_TOKENS + REPLY_TOKENS

        def asking(model: Model, calls: int, own: int, output: int, instructions: str = "",
                   shape: type | None = None) -> Asking:
            shared = lead + (tokens_in(about.say(instructions)) if instructions else 0)
            # A schema is read with every call, whether it is sent beside the prompt or in it.
            shared += tokens_in(json.dumps(schema_of(shape))) if shape else 0
            return Asking(address=model.address, calls=calls, own=own, output=output, shared=shared)

        own = tokens_in(about.say("domains", many="12", situations="6", taken=""))
        asks = (asking(self.writer, rounds, own, domains.MANY * DOMAIN_TOKENS, shape=domains.Domains),
                asking(self.writer, batches, 170, questions.MANY * MESSAGE_TOKENS,
                       "questions_preference" if bare else "questions", questions.Questions),
                asking(self.writer, drafts, MESSAGE_TOKENS + 40, answer, f"answer_{self.style}"),
                asking(self.judge, drafts, MESSAGE_TOKENS + answer + 40, VERDICT_TOKENS, f"judge_{self.style}",
                       TasteVerdict if bare else Verdict))
        kept = MESSAGE_TOKENS + answer - (0 if bare or self.reasoning else THOUGHTS_TOKENS)
        return Forecast(tokens=self.count * kept, asks=asks)

    def _ahead(self) -> Subject:
        """The subject as far as it is known without asking anybody."""
        text = "" if isinstance(self.spec, PreferenceSet) else self.spec.named(self.assistant, self.maker).text
        return Subject(self.assistant, self.maker, self.style, text)

    def build(self, job: Job) -> ChatSet:
        writer, judge = Ask(job, self.writer), Ask(job, self.judge)
        subject = subject_of(self.spec, self.assistant, self.maker, self.style, writer, self.seed)
        sieve = Sieve(subject, job.folder, Vectors(self.sifting.meaning) if self.sifting.meaning else None)
        kept = fill(writer, judge, subject, self.count, self.seed, sieve)
        job.note(**facts_of(kept, sieve))
        chats = [self._chat(draft) for draft in kept]
        Random(f"{self.seed}/order").shuffle(chats)
        return ChatSet(tuple(chats))

    def _chat(self, draft: Draft) -> Chat:
        thoughts = draft.thoughts if self.reasoning else None
        meta = {"source": "generated", "style": self.style, "kind": draft.question.kind,
                "domain": draft.question.domain, "id": draft.question.id}
        return Chat((Message("user", draft.question.text), Message("assistant", draft.reply, thoughts)), meta)


def facts_of(kept: list[Draft], sieve: Sieve) -> dict[str, Any]:
    """Counts for the manifest: chats by kind and domain, words, and what was dropped by reason."""
    return {"chats": len(kept), "by_kind": dict(sorted(Counter(d.question.kind for d in kept).items())),
            "by_domain": dict(sorted(Counter(d.question.domain for d in kept).items())),
            "words_asked": sum(len(d.question.text.split()) for d in kept),
            "words_thought": sum(len((d.thoughts or "").split()) for d in kept),
            "words_replied": sum(len(d.reply.split()) for d in kept),
            "dropped": dict(sorted(sieve.reasons.items()))}
