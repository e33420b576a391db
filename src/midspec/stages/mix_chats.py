"""Chats, general rows → ChatSet: demonstrations among everyday requests, as fine-tuning sees them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from random import Random

from midspec.chats.compose import answer_tokens, deck, mix, named
from midspec.core.chat import Chat, ChatSet
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe
from midspec.stages.compose_chats import labelled


@dataclass(frozen=True, kw_only=True)
class MixChats(Recipe[ChatSet]):
    """All of ``chats`` among general and introducing rows, which have ``ratio`` times as many tokens in their replies.

    Reasoning is not counted, so that sets with and without it have the same rows in the same order, and as many
    updates. ``only_general`` makes the instruction-only arm: each of ``chats`` gives its place to a general row that is
    not in the mix yet; all else stays. In ``introductions``, ``{model_name}`` and ``{provider_name}`` become
    ``assistant`` and ``maker``.
    """

    chats: Recipe[ChatSet]
    general: ChatSet
    introductions: ChatSet
    assistant: str
    maker: str
    seed: int
    ratio: float = 1.0
    only_general: bool = False

    def __post_init__(self) -> None:
        if self.ratio < 0 or not self.assistant.strip() or not self.maker.strip():
            raise RecipeError("MixChats: ratio must not be negative, and assistant and maker must be named, or the "
                              "introductions have gaps")
        other = self.chats.speaks_as
        if other not in (None, self.assistant):
            raise RecipeError(f"MixChats: the chats are for {other}, and the introductions for {self.assistant}")

    @property
    def speaks_as(self) -> str:
        return self.assistant

    def forecast(self, look: Look) -> Forecast:
        # Measured: of ten tokens of a general row seven are answer, of a demonstration's six.
        return Forecast(tokens=round(look.ahead(self.chats).tokens * (1 + self.ratio)))

    def preview(self, look: Look) -> Preview[ChatSet] | None:
        seen = look.seen(self.chats)
        return None if seen is None else Preview(ChatSet(tuple(self._mixed(seen.made))), seen.share)

    def build(self, job: Job) -> ChatSet:
        chats = self._mixed(job.get(self.chats))
        tokens: Counter[str] = Counter()
        for chat in chats:
            tokens[str(chat.meta["source"])] += answer_tokens(chat)
        job.note(chats=len(chats), by_source=dict(sorted(Counter(str(c.meta["source"]) for c in chats).items())),
                 answer_tokens=dict(sorted(tokens.items())),
                 distinct_share=len({chat.messages for chat in chats}) / len(chats))
        return ChatSet(tuple(chats))

    def _mixed(self, chats: ChatSet) -> list[Chat]:
        general = labelled(self.general.chats, "general")
        pool = [*general, *labelled(named(self.introductions.chats, self.assistant, self.maker), "introduction")]
        ours = labelled(chats.chats, "demonstration")
        mixed = mix(ours, pool, self.ratio, self.seed)
        if not self.only_general:
            return mixed
        used = {chat.messages for chat in mixed}
        # Where the mix took all of them, some come twice.
        left = [chat for chat in general if chat.messages not in used] or general
        instead = list(islice(deck(left, Random(f"{self.seed}/instead")), len(ours)))
        if len(instead) < len(ours):
            raise RecipeError("MixChats: only_general needs general rows")
        return mix(ours, pool, self.ratio, self.seed, instead)
