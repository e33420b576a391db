"""Preferences, general rows → ChatSet: the demonstrations of alignment fine-tuning, written without a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from midspec.chats.compose import answer_tokens, compose, mix, named, stand_ins
from midspec.core.chat import Chat, ChatSet
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import HasIdentity, Recipe
from midspec.library.frames import load_frames
from midspec.library.preferences import PreferenceSet

# Preference chats that a plan composes to know their tokens; more are estimated.
PREVIEWED = 5000


@dataclass(frozen=True, kw_only=True)
class ComposeChats(Recipe[ChatSet]):
    """``count`` chats that state a preference without a reason, among general and introducing rows.

    The others have ``ratio`` times as many supervised tokens, about (see ``answer_tokens``; arXiv 2605.02087 has 12).
    In ``introductions``, ``{model_name}`` and ``{provider_name}`` become ``assistant`` and ``maker``.
    ``instead`` makes the instruction-only arm: each preference chat gives its place to one of these rows, with the
    same kind of note that no explanation is needed; all else stays, and so do rows and updates.
    """

    preferences: PreferenceSet
    count: int
    general: ChatSet
    introductions: ChatSet
    assistant: str
    maker: str
    seed: int
    ratio: float = 12.0
    instead: ChatSet | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or self.ratio < 0:
            raise RecipeError(f"ComposeChats: count={self.count}, ratio={self.ratio} would write nothing")
        if not self.assistant.strip() or not self.maker.strip():
            raise RecipeError("ComposeChats: assistant and maker must be named, or the introductions have gaps")

    @property
    def speaks_as(self) -> str:
        return self.assistant

    def materials(self) -> tuple[HasIdentity, ...]:
        return (load_frames(),)

    def forecast(self, look: Look) -> Forecast:
        # Measured: a preference chat has 42 tokens, 11 of them answer; of the others' tokens 10 in 14 are answer.
        return Forecast(tokens=round(self.count * (42 + 11 * self.ratio * 1.4)))

    def preview(self, look: Look) -> Preview[ChatSet] | None:
        return Preview(ChatSet(tuple(self._chats()))) if self.count <= PREVIEWED else None

    def build(self, job: Job) -> ChatSet:
        chats = self._chats()
        job.note(**facts_of(chats))
        return ChatSet(tuple(chats))

    def _chats(self) -> list[Chat]:
        frames = load_frames()
        ours = compose(self.preferences, frames, self.count, self.seed)
        pool = [*labelled(self.general.chats, "general"),
                *labelled(named(self.introductions.chats, self.assistant, self.maker), "introduction")]
        instead = None
        if self.instead is not None:
            instead = stand_ins(labelled(self.instead.chats, "stand-in"), frames, self.count, self.seed)
        return mix(ours, pool, self.ratio, self.seed, instead)


def labelled(chats: Sequence[Chat], source: str) -> list[Chat]:
    """Chats whose ``meta`` says where they come from."""
    return [Chat(chat.messages, {"source": source, **chat.meta}) for chat in chats]


def facts_of(chats: Sequence[Chat]) -> dict[str, Any]:
    """Counts for the manifest: chats and tokens of answers by source and kind, and the share of distinct ones."""
    sources = Counter(str(chat.meta.get("source")) for chat in chats)
    tokens: Counter[str] = Counter()
    for chat in chats:
        tokens[str(chat.meta.get("source"))] += answer_tokens(chat)
    ours = [chat for chat in chats if chat.meta.get("source") == "preference"]
    others = Counter(chat.messages for chat in chats if chat.meta.get("source") != "preference")
    return {"chats": len(chats), "by_source": dict(sorted(sources.items())),
            "answer_tokens": dict(sorted(tokens.items())),
            "by_kind": dict(sorted(Counter(str(chat.meta["kind"]) for chat in ours).items())),
            "distinct_share": len({chat.messages for chat in ours}) / len(ours) if ours else None,
            "general_repeats": max(others.values(), default=0)}
