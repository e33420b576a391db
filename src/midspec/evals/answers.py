"""QuestionSet → sampled free answers, kept in the ledger → scores: whether it ended, which value its reason names.

Does not judge what an answer means beyond what the given reader finds in its words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from midspec.core.chat import Message
from midspec.core.errors import DataError, RecipeError
from midspec.core.job import Job
from midspec.core.score import Reading, Response, Responses, Score
from midspec.evals._eval import Eval
from midspec.evals._opening import Opening
from midspec.evals._sampling import Sampling, drawn, units_of
from midspec.evals._split import belongs, check_split, in_split
from midspec.library.questions import Question, QuestionSet
from midspec.library.reasons import OTHER, OWN, UNREADABLE, ReasonReader
from midspec.models.local import LocalModel
from midspec.models.template import render


@dataclass(frozen=True, kw_only=True)
class Answers(Eval):
    """What does the model say, in its own words? ``draws`` answers to each question.

    A draw depends on question, number and seed only, so all arms meet the same chance (common random numbers).
    ``reader`` says which value the reason in an answer appeals to; the axes of the questions must be among its own.
    ``begin`` is what every answer begins with ("Because"): given, not sampled, so that a model that has learned to
    answer without a reason gives one. The readings' names then end in "_begun"; an answer that says nothing after it
    is unreadable.
    """

    name: ClassVar[str] = "answers"
    sampled: ClassVar[bool] = True

    questions: QuestionSet
    reader: ReasonReader | None = None
    split: str = "dev"
    draws: int = 1
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 96
    begin: str = ""

    def __post_init__(self) -> None:
        Sampling(self.temperature, self.top_p, self.max_tokens)
        if self.draws < 1:
            raise RecipeError(f"Answers: draws={self.draws} would ask nothing")
        check_split("Answers", self.split)
        strange = {q.axis for q in self.questions.questions} - set(self.reader.axes if self.reader else ())
        if self.reader is not None and strange:
            raise RecipeError(f"Answers: the reader knows {', '.join(self.reader.axes)}, but questions ask for "
                              f"{', '.join(sorted(strange))}", hint="give the reader words for each axis")
        if self.reader is not None and any(self.reader.read(self.begin, axis) == OWN for axis in self.reader.axes):
            raise RecipeError(f"Answers: begin={self.begin!r} gives a reason itself, so every answer would have it")
        if self.temperature == 0 and self.draws > 1:
            raise RecipeError(f"Answers: {self.draws} draws at temperature 0 would be the same text",
                              hint="draws=1, or a temperature above 0")

    @property
    def chosen(self) -> tuple[Question, ...]:
        """The questions of the split, in their order; raises DataError where there are none or an id comes twice."""
        return in_split(self.questions.questions, self.split, "question", self.questions.name)

    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Sampled answers, questions in order and draws within them. Kept answers are not sampled again."""
        how = Sampling(self.temperature, self.top_p, self.max_tokens)
        asked = [(q, draw) for q in self.chosen for draw in range(self.draws)]
        opened = self._opened(model)
        units = units_of(model, [(q.id, draw, opened[q.id]) for q, draw in asked], how, seed)
        responses = [Response(q.id, draw, text=f"{self.begin} {row['text']}".strip(), finish=row["finish"],
                              tokens={"answer": row["tokens"]}, meta={"question": q.text})
                     for (q, draw), row in zip(asked, drawn(model, units, how, job), strict=True)]
        job.note(items=len(self.chosen), answers=len(responses), tokens=sum(r.tokens["answer"] for r in responses),
                 finished=round(sum(r.finish == "stop" for r in responses) / len(responses), 6))
        return responses

    def grade(self, responses: Responses) -> list[Score]:
        """Readings of 1.0 or 0.0: ``finished`` (the model ended its turn itself) and, with a reader, whether the reason
        appeals to the question's value (``reason_own``) or to another one (``reason_other``); None where unreadable.
        """
        questions = {q.id: q for q in self.questions.questions}
        scores: list[Score] = []
        for r in responses.rows:
            q = questions.get(r.item)
            if q is None:
                raise DataError(f"response {r.item!r} is not in question set {self.questions.name!r}")
            if not belongs(q.split, self.split):
                continue
            scores.append(Score(q.id, q.axis, "", self._named("finished"), float(r.finish == "stop"), r.draw))
            if self.reader is not None:
                label = self.label(r.text or "", q.axis)
                scores += [Score(q.id, q.axis, "", self._named(f"reason_{name}"),
                                 None if label == UNREADABLE else float(label == name), r.draw)
                           for name in (OWN, OTHER)]
        return scores

    def label(self, text: str, axis: str) -> str:
        """What the reader finds in a whole answer, one of ``reasons.LABELS``; raises RecipeError without a reader."""
        if self.reader is None:
            raise RecipeError("Answers: without a reader= no reason is read")
        # Given words are not the model's: where nothing follows them, it said nothing.
        said = re.search(r"\w", text.removeprefix(self.begin.strip()))
        return self.reader.read(text, axis) if said else UNREADABLE

    def remark(self, response: Response) -> str:
        if self.reader is None:
            return ""
        axis = next(q.axis for q in self.questions.questions if q.id == response.item)
        label = self.label(response.text or "", axis)
        return f"{label} ({axis})" if label in (OWN, OTHER) else label

    def estimate(self) -> dict[str, int]:
        """``tokens`` is what would be sampled if no answer ended before its limit."""
        items = len(self.chosen)
        return {"items": items, "sequences": items * self.draws, "tokens": items * self.draws * self.max_tokens}

    def explain(self) -> tuple[Reading, ...]:
        given = f", which was made to begin with “{self.begin}”" if self.begin else ""
        found = [Reading(self._named("finished"), f"the model ended its answer itself{given}", 0.0, 1.0,
                         larger="more answers that end")]
        if self.reader is not None:
            found += [Reading(self._named(f"reason_{which}"), f"words of the answer{given} appeal to {whose} value",
                              0.0, 1.0, larger=f"more answers that give {whose} value as their reason")
                      for which, whose in ((OWN, "this"), (OTHER, "another"))]
        return tuple(found)

    @property
    def title(self) -> str:
        return f"{self.name}, begun with “{self.begin}”" if self.begin else self.name

    def _named(self, reading: str) -> str:
        return f"{reading}_begun" if self.begin else reading

    def _opened(self, model: LocalModel) -> dict[str, list[int]]:
        """Token ids of each chosen question, by its id, up to where the model goes on."""
        if self.begin:
            opening = Opening(model)
            given = opening.answer(self.begin)
            return {q.id: [*opening.prefix(q.text), *given] for q in self.chosen}
        system = model.checkpoint.system
        return {q.id: render(model.tokenizer, [Message("user", q.text)], system=system, generate=True).ids
                for q in self.chosen}
