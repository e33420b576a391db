"""What a provider says that writes documents: the scripted teacher's tree, drafts and verdicts, drawn out to the
lengths that people's replies to the same prompts have.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from typing import Any

from tests.teacher import school as whole
from tests.teacher.school import School, prices
from tests.teacher.words import Wish, prose

__all__ = ["ADDRESSES", "PRICES", "School", "Voice", "school"]

ADDRESSES = ("openai-api/other/writer", "openai-api/other/critic")
PRICES = prices(ADDRESSES)
# Letters of one entry of a list, as people wrote them, and the field that is drawn out.
LENGTHS = {"domains": (440, "about"), "subdomains": (940, "context"), "assertions": (210, "name"),
           "types": (210, "about"), "ideas": (330, "gist")}
# Where a reply's tracer stands so that it shows in every file that the reply reaches.
MARKED = {"domains": "name", "subdomains": "name", "assertions": "text", "types": "name", "ideas": "title"}
PLANNED, FINDING = 280, 230
WORDS = re.compile(r"about (\d+) words")
COPIED = {"starts", "ends", "quotation"}
# The scripts' small scenes have more tokens a word than people's texts (1.25).
FEWER = 0.84


class Voice(whole.Voice):
    ADDRESSES = ADDRESSES

    @classmethod
    def wished(cls, wish: Wish, first: str) -> Wish:
        tags = ("changes" if "<changes>" in first else "plan", "document")
        asked = WORDS.search(first)
        return replace(wish, tags=() if wish.schema else tags, words=int(asked[1]) if asked else 120)

    def _asked(self) -> str:
        words = FEWER * self.stretch
        return WORDS.sub(lambda found: f"about {round(words * int(found[1]))} words", super()._asked()) if self.full \
            else super()._asked()

    def _longer(self, text: str, letters: float) -> str:
        return text if not self.full or letters < 8 else f"{text} {prose(self.throw, int(letters) // 6, self.tracer)}"[
            :len(text) + int(letters)]

    def _value(self) -> Any:
        value = json.loads(self._answer())
        (name, rows), *more = value.items()
        if name == "starts":
            return value
        if more:
            for one in (one for axis, one in value.items() if axis != "shown"):
                why = f"{one['why']} Ref {self.tracer}."
                one["why"] = self._longer(why, FINDING * self.stretch - len(json.dumps(one)) - 19)
            return value
        for number, row in enumerate(rows):
            text = row[MARKED[name]].rstrip(".")
            row[MARKED[name]] = f"{text} {self.tracer}n{number}" + ("." if MARKED[name] == "text" else "")
            letters, field = LENGTHS[name]
            row[field] = self._longer(row[field], letters * self.stretch - len(json.dumps(row)))
        return value

    def _prose(self, words: int | None = None) -> str:
        text = self._answer().partition("<document>\n")[2].removesuffix("\n</document>")
        first, mark, rest = text.partition("\n\n")
        return f"{first} Ref {self.tracer}.{mark}{rest}"

    def _whole(self, inner: str) -> str:
        if self.wish.schema is not None:
            return super()._whole(inner)
        aside, product = self.wish.tags
        plan = self._longer("It opens with a scene and gives each assertion a part of its own.",
                            PLANNED * self.stretch - 100)
        return f"<{aside}>\n{plan}\n</{aside}>\n<{product}>\n{inner}\n</{product}>"

    def _planted(self, value: Any, inner: str) -> Any:
        if isinstance(value, dict) and self.usable:
            # A right reply in dangerous clothes still copies letter by letter.
            return {name: part if name in COPIED else self._planted(part, inner) for name, part in value.items()}
        return super()._planted(value, inner)


school = partial(whole.school, voice=Voice)
