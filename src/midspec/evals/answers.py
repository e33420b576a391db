"""QuestionSet → sampled free answers, kept in the ledger → scores by plain lexical readings.

Does not judge what an answer means: it says whether it ended, and whether it contains a word of a given list.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from midspec.core.chat import Message
from midspec.core.errors import DataError, RecipeError
from midspec.core.job import Job
from midspec.core.score import Reading, Response, Responses, Score
from midspec.evals._eval import Eval
from midspec.library.questions import Question, QuestionSet
from midspec.models.digests import digest_of, file_digest
from midspec.models.local import LocalModel
from midspec.models.sample import BATCH_ROWS, check_sampling, sample
from midspec.models.template import render

# Part of every key: raise it when sampling itself changes, so that older kept answers are not taken for new ones.
SAMPLER = 1


@dataclass(frozen=True)
class Lexicon:
    """Words (or phrases) whose appearance in an answer counts as naming the value of one axis."""

    axis: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Unit:
    """One answer to sample: a question, its draw, and the key under which the answer is kept."""

    question: Question
    draw: int
    prompt: list[int]
    seed: int
    key: str


@dataclass(frozen=True, kw_only=True)
class Answers(Eval):
    """What does the model say, in its own words? ``draws`` answers to each question.

    A draw depends on question, number and seed only, so all arms meet the same chance (common random numbers).
    """

    name: ClassVar[str] = "answers"
    sampled: ClassVar[bool] = True

    questions: QuestionSet
    lexicons: tuple[Lexicon, ...] = ()
    split: str = "dev"
    draws: int = 1
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 96

    def __post_init__(self) -> None:
        check_sampling(self.temperature, self.top_p, self.max_tokens)
        if self.draws < 1:
            raise RecipeError(f"Answers: draws={self.draws} would ask nothing")
        if self.split not in ("dev", "test", "all"):
            raise RecipeError(f"Answers: split {self.split!r} is not dev, test or all")
        if self.temperature == 0 and self.draws > 1:
            raise RecipeError(f"Answers: {self.draws} draws at temperature 0 would be the same text",
                              hint="draws=1, or a temperature above 0")

    @property
    def chosen(self) -> tuple[Question, ...]:
        """The questions of the split, in their order; raises DataError where there are none or an id comes twice."""
        found = tuple(q for q in self.questions.questions if self.split in ("all", q.split))
        if not found or len({q.id for q in found}) < len(found):
            raise DataError(f"question set {self.questions.name!r}: "
                            f"{'an id comes twice' if found else f'no questions in split {self.split!r}'}")
        return found

    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Sampled answers, questions in order and draws within them. Kept answers are not sampled again."""
        units = self._units(model, seed)
        kept = job.answers.get_many([unit.key for unit in units])
        # Batches are cut before looking at what is kept and stored whole: after a kill, the rest is sampled in the
        # same company as without it, so that not even rounding differs.
        order = sorted(units, key=lambda unit: (unit.draw, len(unit.prompt), unit.question.id))
        for start in range(0, len(order), BATCH_ROWS):
            batch = [unit for unit in order[start:start + BATCH_ROWS] if unit.key not in kept]
            if batch:
                new = self._sample(model, batch)
                job.answers.put_many(new)
                kept.update(new)
            job.step(min(start + BATCH_ROWS, len(order)), len(order))
        responses = [Response(unit.question.id, unit.draw, text=kept[unit.key]["text"], finish=kept[unit.key]["finish"],
                              tokens={"answer": kept[unit.key]["tokens"]}, meta={"question": unit.question.text})
                     for unit in units]
        job.note(items=len(self.chosen), answers=len(responses), tokens=sum(r.tokens["answer"] for r in responses),
                 finished=round(sum(r.finish == "stop" for r in responses) / len(responses), 6))
        return responses

    def grade(self, responses: Responses) -> list[Score]:
        """Two plain readings, each 1.0 or 0.0.

        ``finished``: the model ended its turn itself. ``names_value``, where the question's axis has a lexicon: the
        answer contains one of its words, whole, in any case. Words, not meaning: "not because it is cheap" counts.
        """
        questions = {q.id: q for q in self.questions.questions}
        scores: list[Score] = []
        for r in responses.rows:
            q = questions.get(r.item)
            if q is None:
                raise DataError(f"response {r.item!r} is not in question set {self.questions.name!r}")
            if self.split not in ("all", q.split):
                continue
            scores.append(Score(q.id, q.axis, "", "finished", float(r.finish == "stop"), r.draw))
            words = tuple(word for lexicon in self.lexicons if lexicon.axis == q.axis for word in lexicon.words)
            if words:
                named = None if r.text is None else float(names_any(r.text, words))
                scores.append(Score(q.id, q.axis, "", "names_value", named, r.draw))
        return scores

    def estimate(self) -> dict[str, int]:
        """``tokens`` is what would be sampled if no answer ended before its limit."""
        items = len(self.chosen)
        return {"items": items, "sequences": items * self.draws, "tokens": items * self.draws * self.max_tokens}

    def explain(self) -> tuple[Reading, ...]:
        return (Reading("finished", "the model ended its answer itself", 0.0, 1.0, larger="more answers that end"),
                *([Reading("names_value", "the answer contains a word of the axis's lexicon", 0.0, 1.0,
                           larger="more answers with such a word")] if self.lexicons else []))

    def _units(self, model: LocalModel, seed: int) -> list[_Unit]:
        weights = _weights(model)
        units: list[_Unit] = []
        for q in self.chosen:
            ask = [Message("user", q.text)]
            prompt = render(model.tokenizer, ask, system=model.checkpoint.system, generate=True).ids
            for draw in range(self.draws):
                chance = int(_sha256("draw", q.id, draw, seed)[:32], 16)
                settings = [self.temperature, self.top_p, self.max_tokens]
                units.append(_Unit(q, draw, prompt, chance,
                                   _sha256("sampled", SAMPLER, weights, prompt, settings, q.id, draw, seed)))
        return units

    def _sample(self, model: LocalModel, units: list[_Unit]) -> dict[str, dict[str, Any]]:
        texts = sample(model, [u.prompt for u in units], temperature=self.temperature, top_p=self.top_p,
                       max_tokens=self.max_tokens, seeds=[u.seed for u in units])
        return {u.key: {"text": t.text, "finish": t.finish, "tokens": len(t.tokens)}
                for u, t in zip(units, texts, strict=True)}


def names_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words (or phrases) stands in the text as a whole, in any case."""
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words)


def _weights(model: LocalModel) -> list[str]:
    """What is loaded, by content: base, whole model and adapter where present, and the number type it computes in."""
    checkpoint = model.checkpoint
    whole = [] if checkpoint.model is None else [digest_of(checkpoint.model)]
    files = [] if checkpoint.adapter is None else sorted(checkpoint.adapter.iterdir())
    adapter = [f"{path.name} {file_digest(path)}" for path in files if path.suffix in (".json", ".safetensors")]
    return [checkpoint.base.digest, *whole, *adapter, str(model.model.dtype)]


def _sha256(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
