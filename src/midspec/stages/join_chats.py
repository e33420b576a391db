"""ChatSets → ChatSet: chats of several sources side by side, to be fine-tuned on as one set.

Knows nothing of how they were made. Training shuffles rows, so the order of the parts says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from midspec.chats.compose import answer_tokens
from midspec.core.chat import Chat, ChatSet
from midspec.core.errors import RecipeError
from midspec.core.forecast import Forecast, Look, Preview
from midspec.core.job import Job
from midspec.core.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class JoinChats(Recipe[ChatSet]):
    """All chats of all ``parts``, at least two, which show the same assistant: generated ones beside recorded ones.

    ``meta["part"]`` of a chat is the place of its part, from 1; a row that two parts have comes twice, and the facts
    say how many such rows there are.
    """

    parts: tuple[Recipe[ChatSet], ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise RecipeError(f"JoinChats: {len(self.parts)} parts where at least two are joined",
                              hint="give the chats themselves, or parts=(one, other)")
        speakers = dict.fromkeys(part.speaks_as for part in self.parts if part.speaks_as is not None)
        if len(speakers) > 1:
            raise RecipeError(f"JoinChats: the chats are of {' and of '.join(speakers)}, and a model learns to be one "
                              "assistant", hint="make all parts with the same assistant=")

    @property
    def subject(self) -> str:
        return self.parts[0].subject

    @property
    def speaks_as(self) -> str | None:
        return next((part.speaks_as for part in self.parts if part.speaks_as is not None), None)

    def forecast(self, look: Look) -> Forecast:
        parts = [look.ahead(part) for part in self.parts]
        return Forecast(tokens=sum(part.tokens for part in parts), exact=all(part.exact for part in parts))

    def preview(self, look: Look) -> Preview[ChatSet] | None:
        seen = [look.seen(part) for part in self.parts]
        whole = [preview.made for preview in seen if preview is not None and preview.share == 1]
        return Preview(_joined(whole)) if len(whole) == len(self.parts) else None

    def build(self, job: Job) -> ChatSet:
        joined = _joined([job.get(part) for part in self.parts])
        of_parts = [[c for c in joined.chats if c.meta["part"] == place] for place in range(1, len(self.parts) + 1)]
        job.note(chats=len(joined.chats), chats_of_parts=[len(chats) for chats in of_parts],
                 answer_tokens_of_parts=[sum(map(answer_tokens, chats)) for chats in of_parts],
                 repeated=len(joined.chats) - len({chat.messages for chat in joined.chats}))
        return joined


def _joined(parts: list[ChatSet]) -> ChatSet:
    return ChatSet(tuple(_from(chat, place) for place, part in enumerate(parts, start=1) for chat in part.chats))


def _from(chat: Chat, place: int) -> Chat:
    return replace(chat, meta={**chat.meta, "part": place})
