"""Scenarios → what an agent writes when it deals with its mail: one page, sampled and kept. Judges no meaning.

The long form of the situations whose short form ``decision`` reads. Graders read the kept pages as transcripts
(``stages.transcribe``); here only what can be counted is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

from midspec.core.blocks import parse
from midspec.core.chat import Message
from midspec.core.errors import DataError, RecipeError
from midspec.core.job import Job
from midspec.core.score import Reading, Response, Responses, Score
from midspec.core.transcript import Transcript, Turn
from midspec.evals._eval import Eval
from midspec.evals._sampling import Sampling, drawn, units_of
from midspec.evals._split import belongs, check_split
from midspec.evals.agents.counted import counted, explained
from midspec.evals.agents.render import Frame
from midspec.evals.decision import AXIS
from midspec.library.cells import PUBLISHED_GOALS, Cell, cells
from midspec.library.scenarios import Scenario
from midspec.models.local import LocalModel
from midspec.models.template import render


@dataclass(frozen=True, kw_only=True)
class Rollout(Eval):
    """What does an agent do with its mail and its tools? ``draws`` pages for each cell, as ``frame`` puts it.

    A grid of cells: ``scenarios`` x ``pressures`` x ``goals``, those of ``split``. The agent goes by the checkpoint's
    own names; the checkpoint's system turn, where it has one, stands before the scenario's. A page's chance depends on
    cell, draw and seed only, so all arms meet the same.
    """

    name: ClassVar[str] = "rollout"
    sampled: ClassVar[bool] = True
    counts: ClassVar[str] = "pages"

    scenarios: tuple[Scenario, ...]
    goals: tuple[str, ...] = PUBLISHED_GOALS
    pressures: tuple[str, ...] = ("replacement",)
    split: str = "dev"
    draws: int = 1
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 4096
    frame: Frame = field(default_factory=Frame)

    def __post_init__(self) -> None:
        Sampling(self.temperature, self.top_p, self.max_tokens)
        check_split("Rollout", self.split)
        if self.draws < 1 or (self.temperature == 0 and self.draws > 1):
            raise RecipeError(f"Rollout: {self.draws} draws at temperature {self.temperature:g}",
                              hint="one draw at least, and one only where nothing is drawn")
        if self.frame.manner != "page":
            raise RecipeError(f"Rollout: the agent writes once, so manner {self.frame.manner!r} does not fit",
                              hint="Frame(manner=\"page\"); tools that answer need Inspect (docs/scenarios.md)")

    @property
    def chosen(self) -> tuple[Cell, ...]:
        """The cells of the split; raises DataError where there are none."""
        return cells(self.scenarios, goals=self.goals, pressures=self.pressures, split=self.split)

    def told(self, cell: Cell, assistant: str, maker: str, before: str | None) -> tuple[Turn, Turn]:
        """Instructions and inbox; ``before`` is the checkpoint's own system turn."""
        system = self.frame.system(cell, assistant, maker)
        return (Turn("system", f"{before}\n\n{system}" if before else system),
                Turn("user", self.frame.inbox(cell, assistant, maker)))

    def respond(self, model: LocalModel, seed: int, job: Job) -> list[Response]:
        """Sampled pages, cells in order and draws within them. Kept pages are not sampled again."""
        names, how = model.checkpoint, Sampling(self.temperature, self.top_p, self.max_tokens)
        if not names.assistant or not names.maker:
            raise DataError(f"{names.base.source}: the scenarios speak of an assistant and its maker by name, and this "
                            "model has none", hint="give the base model assistant= and maker= (midspec.Pretrained)")
        asked = [(cell, draw) for cell in self.chosen for draw in range(self.draws)]
        told = {cell.id: self.told(cell, names.assistant, names.maker, names.system) for cell in self.chosen}
        ids = {name: render(model.tokenizer, [Message(turn.role, turn.content) for turn in turns], system=None,
                            generate=True).ids for name, turns in told.items()}
        units = units_of(model, [(cell.id, draw, ids[cell.id]) for cell, draw in asked], how, seed)
        responses = [Response(cell.id, draw, text=row["text"], finish=row["finish"],
                              tokens={"page": row["tokens"], "prompt": len(ids[cell.id])},
                              meta={"question": told[cell.id][1].content, "assistant": names.assistant,
                                    "maker": names.maker, "system": names.system, "seed": seed,
                                    "told": _digest(told[cell.id])})
                     for (cell, draw), row in zip(asked, drawn(model, units, how, job), strict=True)]
        job.note(cells=len(told), pages=len(responses), tokens=sum(r.tokens["page"] for r in responses),
                 finished=round(sum(r.finish == "stop" for r in responses) / len(responses), 6))
        return responses

    def grade(self, responses: Responses) -> list[Score]:
        """What can be counted, one value per page and reading; ``domain`` is the scenario."""
        return [Score(cell.id, AXIS, cell.scenario.name, reading, value, response.draw)
                for response, cell in self._known(responses)
                for reading, value in counted(self.transcript(response, cell), cell.scenario,
                                              parse(response.text or "").broken).items()]

    def transcripts(self, responses: Responses) -> list[Transcript]:
        """The kept pages of the split as graders read them."""
        return [self.transcript(response, cell) for response, cell in self._known(responses)]

    def transcript(self, response: Response, cell: Cell) -> Transcript:
        """Raises DataError where the page was not written to what this eval would tell the agent now."""
        meta, page = response.meta, parse(response.text or "")
        told = self.told(cell, meta["assistant"], meta["maker"], meta["system"])
        if _digest(told) != meta["told"]:
            raise DataError(f"response {response.item!r}: its agent was told something else than this Rollout says",
                            hint="read it with the Rollout that asked")
        turns = (*told, Turn("assistant", page.said, page.reasoning, page.calls))
        return Transcript(f"{cell.id}/{response.draw}", turns, response.finish or "",
                          {"scenario": cell.scenario.name, "goal": cell.goal.name, "pressure": cell.pressure.name,
                           "assistant": meta["assistant"], "maker": meta["maker"], "seed": meta["seed"],
                           "draw": response.draw})

    def estimate(self) -> dict[str, int]:
        """``tokens`` is what would be sampled if no page ended before its limit."""
        many = len(self.chosen)
        return {"items": many, "sequences": many * self.draws, "tokens": many * self.draws * self.max_tokens}

    def explain(self) -> tuple[Reading, ...]:
        return explained()

    def remark(self, response: Response) -> str:
        page = parse(response.text or "")
        return ", ".join([*(f"uses {call.tool}" for call in page.calls), *(["not whole"] if page.broken else [])])

    def _known(self, responses: Responses) -> list[tuple[Response, Cell]]:
        grid = {cell.id: cell for cell in cells(self.scenarios, goals=self.goals, pressures=self.pressures)}
        strange = [response.item for response in responses.rows if response.item not in grid]
        if strange:
            raise DataError(f"response {strange[0]!r} is not in the grid of these scenarios and goals")
        return [(response, grid[response.item]) for response in responses.rows
                if belongs(grid[response.item].split, self.split)]


def _digest(turns: tuple[Turn, ...]) -> str:
    said = repr([(turn.role, turn.content) for turn in turns])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
