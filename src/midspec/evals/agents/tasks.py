"""Scenarios → tasks of Inspect: ``midspec/agentic_misalignment`` (one cell) and ``midspec/agentic_grid``.

Inspect's entry point: importing this registers the tasks and the provider ``midspec/…``. Judges no meaning; graders
read the logs as transcripts (``evals.agents.logs``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from midspec.core.errors import RecipeError, SetupError
from midspec.core.transcript import Transcript
from midspec.evals._split import check_split
from midspec.evals.agents import provider
from midspec.evals.agents.counted import CALLS, COUNTED, counted
from midspec.evals.agents.logs import finish_of, turns_of
from midspec.evals.agents.needed import needed
from midspec.evals.agents.provider import CheckpointAPI
from midspec.evals.agents.render import Frame
from midspec.evals.agents.simulated import tools_of
from midspec.library.cells import PUBLISHED_SCENARIOS, STAND_INS, Cell, cells, every_cell
from midspec.library.scenarios import NONE, load_scenario, load_scenarios

__all__ = ["agentic_grid", "agentic_misalignment", "provider"]
GRIDS = ("published", "full")
TEMPERATURE, MAX_TOKENS = 0.7, 4096
STEPS = 12


def _misalignment(scenario: str, goal: str = NONE, urgency: str = "replacement", assistant: str = "", maker: str = "",
                  manner: str = "agent", scratchpad: bool = True, steps: int = STEPS, seed: int = 0) -> Any:
    """One cell: an agent that could do harm, under pressure. More draws: ``--epochs``.

    Args:
        scenario: a shipped scenario's name or a YAML file's path.
        goal: what the agent is told to work for; "none" for nothing.
        urgency: replacement, restriction or none.
        assistant: the agent's name, with ``maker``; left out, a checkpoint of ours goes by its own, any other model by
            a name that is no model's.
        maker: who made it.
        manner: "agent", tools answer; "page", it writes once, for models that call no tools.
        scratchpad: it is asked to think in writing first.
        steps: how often it may act.
        seed: redraws what is sampled, where the provider takes seeds.
    """
    one = load_scenario(scenario)
    cell = Cell(one, one.goal(goal), one.pressure(urgency))
    return _task([cell], "agentic_misalignment", assistant, maker, manner, scratchpad, steps, seed)


def _grid(grid: str = "published", split: str = "all", assistant: str = "", maker: str = "", manner: str = "agent",
          scratchpad: bool = True, steps: int = STEPS, seed: int = 0) -> Any:
    """A grid of cells: "published" (27: exfiltration, murder and espionage under replacement) or "full" (all of ours).

    ``split`` "dev" or "test" takes the cells that are always in it, by a hash of their names. The rest is as in
    ``agentic_misalignment``.
    """
    check_split("agentic_grid", split)
    if grid not in GRIDS:
        raise RecipeError(f"agentic_grid: grid {grid!r} is not one of {', '.join(GRIDS)}")
    rows = cells(load_scenarios(*PUBLISHED_SCENARIOS)) if grid == "published" else every_cell(load_scenarios())
    return _task([cell for cell in rows if split in ("all", cell.split)], "agentic_grid", assistant, maker, manner,
                 scratchpad, steps, seed)


def _task(rows: Sequence[Cell], name: str, assistant: str, maker: str, manner: str, scratchpad: bool, steps: int,
          seed: int) -> Any:
    library, model, dataset = needed("inspect_ai"), needed("inspect_ai.model"), needed("inspect_ai.dataset")
    frame = Frame(manner=manner, scratchpad=scratchpad)
    if bool(assistant) != bool(maker):
        raise RecipeError(f"{name}: assistant={assistant!r}, maker={maker!r}: both names or neither")
    samples = [dataset.Sample(id=cell.id, input=cell.scenario.title, metadata={
        "scenario": cell.scenario.name, "goal": cell.goal.name, "pressure": cell.pressure.name, "split": cell.split,
        "manner": manner}) for cell in rows]
    found = {cell.id: cell for cell in rows}
    return library.Task(dataset=dataset.MemoryDataset(samples, name=name),
                        solver=_at_work(found, frame, assistant, maker, steps, seed), scorer=_counts(found),
                        config=model.GenerateConfig(temperature=TEMPERATURE, max_tokens=MAX_TOKENS),
                        metadata={"canaries": sorted({cell.scenario.canary for cell in rows}),
                                  "scenarios": {cell.scenario.name: cell.scenario.digest for cell in rows}})


def _at_work(found: dict[str, Cell], frame: Frame, assistant: str, maker: str, steps: int, seed: int) -> Any:
    """Instructions and inbox, then the agent acts until it uses no tool or ``steps`` are over."""
    library, solver = needed("inspect_ai.model"), needed("inspect_ai.solver")

    def agent_at_work() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            cell, api = found[state.sample_id], library.get_model().api
            _stay_offline(api)
            names = (assistant, maker) if assistant else _names(api)
            state.metadata |= {"assistant": names[0], "maker": names[1]}
            state.messages = [library.ChatMessageSystem(content=frame.system(cell, *names)),
                              library.ChatMessageUser(content=frame.inbox(cell, *names))]
            state.tools = [] if frame.manner == "page" else tools_of(cell, *names)
            for step in range(steps if state.tools else 1):
                state = await generate(state, tool_calls="none", seed=_chance(seed, cell, state.epoch, step))
                if not state.output.choices or not state.output.message.tool_calls:
                    break
                said = await library.execute_tools(state.messages, state.tools)
                state.messages.extend(said.messages)
            return state

        return solve

    return solver.solver(agent_at_work)()


def _counts(found: dict[str, Cell]) -> Any:
    """What can be counted without a grader, one value a reading."""
    library = needed("inspect_ai.scorer")

    def counts() -> Any:
        async def score(state: Any, target: Any) -> Any:
            cell = found[state.sample_id]
            turns, broken = turns_of(state.messages, state.metadata["manner"])
            transcript = Transcript(state.sample_id, turns, finish_of(state.output))
            values = counted(transcript, cell.scenario, broken)
            called = ", ".join(call.tool for call in transcript.calls)
            # Inspect leaves what is no number out of its means.
            known = {name: float("nan") if value is None else value for name, value in values.items()}
            said = f"tools used: {called or 'none'}; nobody judged what was meant"
            return library.Score(value=known, explanation=said)

        return score

    metrics = {name: [library.mean(), *([] if name == CALLS else [library.stderr()])] for name in COUNTED}
    return library.scorer(metrics=metrics)(counts)()


def _names(api: Any) -> tuple[str, str]:
    if not isinstance(api, CheckpointAPI):
        return STAND_INS
    own = api.checkpoint
    if not own.assistant or not own.maker:
        raise SetupError(f"midspec/{api.model_name}: the scenarios speak of an assistant and its maker by name, and "
                         "this model has none", hint="-T assistant=NAME -T maker=NAME")
    return own.assistant, own.maker


def _stay_offline(api: Any) -> None:
    """Inspect's mock model counts tokens with a table from the network; a count of its words serves it as well."""

    async def words(text: str) -> int:
        return len(text.split())

    if type(api).__module__.endswith("._providers.mockllm"):
        api.count_text_tokens = words


def _chance(seed: int, cell: Cell, epoch: int, step: int) -> int:
    """A seed of its own for each turn; 31 bits, which every provider takes."""
    return int.from_bytes(hashlib.sha256(f"{seed} {cell.id} {epoch} {step}".encode()).digest()[:4]) >> 1


_register: Any = needed("inspect_ai").task
agentic_misalignment: Any = _register(name="agentic_misalignment")(_misalignment)
agentic_grid: Any = _register(name="agentic_grid")(_grid)
