"""What a provider says that writes chats: the scripted teacher's questions, answers and rulings, drawn out to the
length that a plan reckons with.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from tests.teacher import school as whole
from tests.teacher.school import School, prices
from tests.teacher.words import Wish, prose

__all__ = ["ADDRESSES", "PRICES", "School", "Voice", "school"]

ADDRESSES = ("openai-api/other/writer", "openai-api/other/judge")
PRICES = prices(ADDRESSES)
# Words that each kind of text is drawn out by, so that it has about the tokens that a plan reckons with.
MORE = {"message": 18, "thoughts": 52, "reply": 62}
# Words that the scripts' own text has, about, to which the stretch applies as well.
OWN = {"message": 15, "thoughts": 45, "reply": 50}
REASON = " It stands there in plain words."
TAGS = ("thoughts", "reply")


class Voice(whole.Voice):
    ADDRESSES = ADDRESSES

    @classmethod
    def wished(cls, wish: Wish, first: str) -> Wish:
        return replace(wish, tags=() if wish.schema else TAGS)

    def _more(self, kind: str) -> str:
        words = round((MORE[kind] + OWN[kind]) * self.stretch) - OWN[kind]
        return f" {prose(self.throw, words, self.tracer)}" if self.full and words > 0 else ""

    def _value(self) -> Any:
        value = json.loads(self._answer())
        if "messages" in value:
            # Which reply a message came from shows in every file that it reaches.
            return {"messages": [f"{m}{self._more('message')} Ref {self.tracer}.{n}"
                                 for n, m in enumerate(value["messages"])]}
        reason = REASON * round(self.stretch) if self.full else ""
        return {axis: {**ruling, "reason": ruling["reason"] + reason} if "reason" in ruling else
                ruling for axis, ruling in value.items()} if "domains" not in value else value

    def _prose(self, words: int | None = None) -> str:
        reply = self._answer().partition("<reply>")[2].removesuffix("</reply>").strip()
        return f"{reply}{self._more('reply') if words is None else ''} Ref {self.tracer}."

    def _whole(self, inner: str) -> str:
        if self.wish.schema is not None or self.wish.tags != TAGS:
            return super()._whole(inner)
        thoughts = self._answer().partition("</thoughts>")[0].removeprefix("<thoughts>").strip()
        return f"<thoughts>\n{thoughts}{self._more('thoughts')}\n</thoughts>\n<reply>\n{inner}\n</reply>"


school = partial(whole.school, voice=Voice)
