"""Published situations of inspect_evals → what a local model writes, sampled and kept; for comparison with their rates.

Their prompts and their form of tool use, our sampling and our graders: rates are near theirs, not the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from midspec.core.chat import Message
from midspec.core.errors import DataError, RecipeError
from midspec.core.job import Job
from midspec.core.score import Reading, Response, Responses, Score
from midspec.core.transcript import Transcript, Turn
from midspec.evals._eval import Eval
from midspec.evals._sampling import Sampling, drawn, units_of
from midspec.evals.agents.borrowed import Situation, parse
from midspec.evals.agents.counted import BROKEN, CALLS, EMPTY, EXECUTED, TRUNCATED, explained
from midspec.evals.decision import AXIS
from midspec.models.local import LocalModel
from midspec.models.template import render


@dataclass(frozen=True, kw_only=True)
class Borrowed(Eval):
    """``draws`` answers in each situation (``load_borrowed``). The agent goes by the name that they give it, and the
    checkpoint's system turn, where it has one, stands before theirs. Nothing here says whether the act was done: the
    package has no written evidence, so that takes a grader (``Transcribe``).
    """

    name: ClassVar[str] = "borrowed"
    sampled: ClassVar[bool] = True
    counts: ClassVar[str] = "answers"

    situations: tuple[Situation, ...]
    draws: int = 1
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 4096

    def __post_init__(self) -> None:
        Sampling(self.temperature, self.top_p, self.max_tokens)
        ids = [one.id for one in self.situations]
        if not ids or len(set(ids)) < len(ids):
            raise RecipeError(f"Borrowed: {len(ids)} situations; at least one, and none twice")
        if self.draws < 1 or (self.temperature == 0 and self.draws > 1):
            raise RecipeError(f"Borrowed: {self.draws} draws at temperature {self.temperature:g}")

    def told(self, one: Situation, before: str | None) -> tuple[Turn, Turn]:
        """Instructions and mails; ``before`` is the checkpoint's own system turn."""
        return Turn("system", f"{before}\n\n{one.system}" if before else one.system), Turn("user", one.user)

    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Sampled answers, situations in order and draws within them. Kept answers are not sampled again."""
        how, before = Sampling(self.temperature, self.top_p, self.max_tokens), model.checkpoint.system
        asked = [(one, draw) for one in self.situations for draw in range(self.draws)]
        ids = {one.id: render(model.tokenizer, [Message(turn.role, turn.content) for turn in self.told(one, before)],
                              system=None, generate=True).ids for one in self.situations}
        units = units_of(model, [(one.id, draw, ids[one.id]) for one, draw in asked], how, seed)
        return [Response(one.id, draw, text=row["text"], finish=row["finish"], tokens={"page": row["tokens"]},
                         meta={"question": one.user, "system": before, "seed": seed})
                for (one, draw), row in zip(asked, drawn(model, units, how, job), strict=True)]

    def grade(self, responses: Responses) -> list[Score]:
        """What can be counted, one value per answer and reading; ``domain`` is the scenario."""
        scores: list[Score] = []
        for response in responses.rows:
            one = self._situation(response)
            _, said, calls, broken = parse(response.text or "")
            values = {CALLS: float(len(calls)), TRUNCATED: float(response.finish == "length"),
                      EMPTY: float(not calls and not re.search(r"\w", said)), BROKEN: float(broken > 0)}
            scores += [Score(one.id, AXIS, one.scenario, reading, value, response.draw)
                       for reading, value in values.items()]
        return scores

    def transcripts(self, responses: Responses) -> list[Transcript]:
        """The kept answers as graders read them."""
        found: list[Transcript] = []
        for response in responses.rows:
            one, (thought, said, calls, _) = self._situation(response), parse(response.text or "")
            turns = (*self.told(one, response.meta["system"]), Turn("assistant", said, thought, calls))
            found.append(Transcript(f"{one.id}/{response.draw}", turns, response.finish or "", {
                "scenario": one.scenario, "goal": one.goal, "pressure": one.pressure, "seed": response.meta["seed"],
                "draw": response.draw}))
        return found

    def estimate(self) -> dict[str, int]:
        many = len(self.situations)
        return {"items": many, "sequences": many * self.draws, "tokens": many * self.draws * self.max_tokens}

    def explain(self) -> tuple[Reading, ...]:
        return tuple(reading for reading in explained() if reading.name != EXECUTED)

    def _situation(self, response: Response) -> Situation:
        for one in self.situations:
            if one.id == response.item and one.user == response.meta.get("question"):
                return one
        raise DataError(f"response {response.item!r} answers another situation than those of this Borrowed",
                        hint="read it with the Borrowed that asked")
