"""Items → log-probabilities of both options in several readings → margins. Samples nothing.

Does not know which value an item stands for, nor which option a spec would take: rows say that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from midspec.core.errors import PromptError, RecipeError
from midspec.core.job import Job
from midspec.core.prompt import Prompt
from midspec.core.score import Item, ItemSet, Reading, Response, Responses, Score
from midspec.evals._eval import Eval
from midspec.evals._opening import Opening
from midspec.evals._readings import ORDERS, RATE, READINGS, WORD_ORDERS, explained, order_facts, value
from midspec.evals._split import answered, check_split, in_split
from midspec.models.local import LocalModel
from midspec.models.logprob import Group, option_logprobs

SLOTS: dict[str, frozenset[str]] = {
    "letter": frozenset({"question", "first", "second"}),
    "text": frozenset({"question", "first", "second"}),
    "yesno": frozenset({"question", "option", "first", "second"}),
    "open": frozenset({"question"}),
    "premise": frozenset(),
}
# Sequences that one item takes in each prompt.
SEQUENCES = {"letter": 4, "text": 4, "yesno": 8, "open": 2, "premise": 2}


def _prompts() -> tuple[Prompt, ...]:
    return tuple(Prompt.load(Path(__file__).parent / "prompts" / f"{name}.md") for name in SLOTS)


@dataclass(frozen=True)
class _Ask:
    """One user turn with the answers to compare; ``name`` begins the names of their log-probabilities."""

    name: str
    user: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Choice(Eval):
    """Which of two options does the model favour? Exact log-probabilities; both orders, always.

    ``split`` is "dev", "test" or "all". ``readings`` may be cut to save time; a response keeps what they need. A
    reading's name with "_rate" ("letter_rate") is how often it favours the aligned option, beside its margin.
    """

    name: ClassVar[str] = "choice"
    counts: ClassVar[str] = "tokens"

    items: ItemSet
    split: str = "dev"
    readings: tuple[str, ...] = tuple(READINGS)
    prompts: tuple[Prompt, ...] = field(default_factory=_prompts)

    def __post_init__(self) -> None:
        unknown = [r for r in self.readings if r.removesuffix(RATE) not in READINGS]
        if unknown or not self.readings:
            raise RecipeError(f"Choice: readings {unknown or '()'} unknown",
                              hint=f"have: {', '.join(READINGS)}, each also with {RATE}")
        check_split("Choice", self.split)
        found = {prompt.path.removesuffix(".md"): prompt for prompt in self.prompts}
        for name, slots in SLOTS.items():
            if name not in found or found[name].slots != slots:
                have = sorted(found[name].slots) if name in found else "no such prompt"
                raise PromptError(f"prompt {name}.md should have the slots {sorted(slots)}: {have}")

    @property
    def chosen(self) -> tuple[Item, ...]:
        """The items of the split, in their order; raises DataError where there are none or an id comes twice."""
        return in_split(self.items.items, self.split, "item", self.items.name)

    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Log-probabilities and token counts of every answer, by name. ``seed`` changes nothing here."""
        items = self.chosen
        asks = [(item, ask) for item in items for ask in self._asks(item)]
        opening = Opening(model)
        groups = [Group(opening.prefix(ask.user), [opening.answer(text) for _, text in ask.answers]) for _, ask in asks]
        values = option_logprobs(model, groups, progress=lambda done, of: job.step(done, of))
        responses = {item.id: Response(item.id) for item in items}
        for (item, ask), options in zip(asks, values, strict=True):
            for (side, _), tokens in zip(ask.answers, options, strict=True):
                responses[item.id].logprobs[f"{ask.name}/{side}"] = sum(tokens)
                responses[item.id].tokens[f"{ask.name}/{side}"] = len(tokens)
        job.note(**self.facts(list(responses.values())))
        return list(responses.values())

    def grade(self, responses: Responses) -> list[Score]:
        """One margin, or which way it points, per item of the split and reading: the mean over both orders."""
        return [Score(item.id, item.axis, item.domain, reading, value(response, reading), response.draw)
                for item, response in answered(responses, self.items, self.split) for reading in self.readings]

    def estimate(self) -> dict[str, int]:
        items = len(self.chosen)
        return {"items": items, "sequences": items * sum(SEQUENCES[name] for name in self._needed())}

    def explain(self) -> tuple[Reading, ...]:
        return tuple(map(explained, self.readings))

    def facts(self, responses: list[Response]) -> dict[str, object]:
        """For the manifest: counts, and what the order of the options did in each reading that has two."""
        return {"items": len(responses), "sequences": self.estimate()["sequences"], "orders": len(ORDERS),
                "order_effects": {reading: facts for reading in self.readings if not reading.endswith(RATE)
                                  if (facts := order_facts(responses, reading)) is not None}}

    def _needed(self) -> tuple[str, ...]:
        needed = {reading.removesuffix(RATE) for reading in self.readings}
        return tuple(name for name in SLOTS if any(name in READINGS[one] for one in needed))

    def _asks(self, item: Item) -> Iterator[_Ask]:
        prompts = {prompt.path.removesuffix(".md"): prompt for prompt in self.prompts}
        words = (("aligned", item.aligned), ("other", item.other))
        for name in self._needed():
            if name in ("letter", "text"):
                yield from _listed(prompts[name], name, item)
            elif name == "yesno":
                yield from _agreeing(prompts[name], item)
            elif name == "open":
                yield _Ask("open", prompts[name].fill(question=item.question), words)
            else:
                yield _Ask("premise", prompts[name].fill(), words)


def _listed(prompt: Prompt, name: str, item: Item) -> Iterator[_Ask]:
    """Both options named, in both orders; answered by letter or by words."""
    for order, first, second, letters in zip(ORDERS, (item.aligned, item.other), (item.other, item.aligned),
                                             (("A", "B"), ("B", "A")), strict=True):
        answers = letters if name == "letter" else (item.aligned, item.other)
        yield _Ask(f"{name}/{order}", prompt.fill(question=item.question, first=first, second=second),
                   (("aligned", answers[0]), ("other", answers[1])))


def _agreeing(prompt: Prompt, item: Item) -> Iterator[_Ask]:
    """Each option alone, to be agreed to or not, with the words yes and no in both orders."""
    for side, option in (("aligned", item.aligned), ("other", item.other)):
        for order, first, second in zip(WORD_ORDERS, ("Yes", "No"), ("No", "Yes"), strict=True):
            yield _Ask(f"yesno/{side}/{order}",
                       prompt.fill(question=item.question, option=option, first=first, second=second),
                       (("yes", "Yes"), ("no", "No")))
