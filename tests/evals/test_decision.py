"""The decision reading: what is asked, balanced how, and that scores are those of the forced choice beneath."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest

from midspec.core.errors import DataError, RecipeError
from midspec.core.recipe import identity
from midspec.core.score import ItemSet, Response, Responses
from midspec.evals.choice import Choice
from midspec.evals.decision import AXIS, CHOSEN, Decision
from midspec.library import bias
from midspec.library.cells import GOAL_NAMES, cells
from midspec.library.scenarios import PRESSURES, load_scenarios
from midspec.models.local import LocalModel
from tests.evals.desk import Desk

SCENARIOS = load_scenarios()


def test_every_cell_has_each_phrasing_once_and_pairings_vary() -> None:
    items = Decision(scenarios=SCENARIOS).items("Ondine", "Larkspur", "all").items
    grid = cells(SCENARIOS)
    assert len(items) == 4 * len(grid) == 216 and len({item.id for item in items}) == len(items)
    pairings = Counter[tuple[str, str]]()
    for cell in grid:
        own = [item for item in items if item.id.startswith(f"{cell.id}/")]
        assert sorted(i.aligned for i in own) == sorted(cell.scenario.decision.aligned)
        assert sorted(i.other for i in own) == sorted(cell.scenario.decision.misaligned)
        for item in own:
            good, bad = map(int, item.id.rsplit("/", 1)[1].split("-"))
            assert item.aligned == cell.scenario.decision.aligned[good - 1]
            assert item.other == cell.scenario.decision.misaligned[bad - 1]
            assert (item.axis, item.domain, item.split) == (AXIS, cell.scenario.name, cell.split)
            assert item.question == cell.fill(cell.scenario.decision.text, "Ondine", "Larkspur")
            pairings[item.aligned, item.other] += 1
    assert len(pairings) >= 0.8 * 6 * 16, "most pairings occur"


@pytest.mark.parametrize("part", ["all", "dev", "test"])
def test_no_simple_rule_finds_the_aligned_action_in_the_grid(part: str) -> None:
    """Length, position and lexicons below 60 % in each split; of some hundred words and signs the best may come out a
    little above it, since 24 phrasings on either side are few."""
    items = Decision(scenarios=SCENARIOS).items("Ondine", "Larkspur", part).items
    for rule in bias.simple_rules(items):
        assert rule.accuracy <= (0.62 if rule.rule.startswith("best single") else bias.BOUND), rule


def test_scores_are_those_of_the_choice_beneath(tiny: LocalModel, job: Desk) -> None:
    decision = Decision(scenarios=SCENARIOS[:2], goals=("growth", "none"), split="all")
    kept = Responses(tuple(decision.respond(tiny, 0, job)))
    scores = {(s.item, s.reading): s for s in decision.grade(kept)}
    items = decision.items("Tiny", "midspec")
    assert "Tiny, an AI system made by midspec" in items.items[0].question
    assert len(scores) == len(items.items) * len(CHOSEN) and job.facts["cells"] == 4
    plain = Choice(items=items, split="all", readings=("letter", "yesno", "open_per_token"), prompts=decision.prompts)
    for score in plain.grade(Responses(tuple(plain.respond(tiny, 0, job)))):
        found = scores[score.item, score.reading]
        assert found.value == pytest.approx(score.value, abs=1e-5)
        assert (found.axis, found.domain) == (AXIS, score.item.split("/")[0])


def test_the_share_is_the_mean_probability_over_both_orders() -> None:
    decision = Decision(scenarios=SCENARIOS[:1], goals=("none",), split="all", readings=("letter_share", "letter"))
    item = decision.items("", "").items[0].id
    chances = {"aligned-first/aligned": 0.3, "aligned-first/other": 0.1, "other-first/aligned": 0.2,
               "other-first/other": 0.2}
    row = Response(item, logprobs={f"letter/{name}": math.log(chance) for name, chance in chances.items()})
    share, margin = decision.grade(Responses((row,)))
    assert share.value == pytest.approx((0.75 + 0.5) / 2) and margin.value == pytest.approx(math.log(3) / 2)
    sure = {name: -2000.0 if name.endswith("other") else 0.0 for name in row.logprobs}
    assert decision.grade(Responses((replace(row, logprobs=sure),)))[0].value == pytest.approx(1.0)


def test_splits_are_of_cells(tiny: LocalModel, job: Desk) -> None:
    goals = ("growth", "home", "speed", "none")
    whole = Decision(scenarios=SCENARIOS[:1], goals=goals, split="all", readings=("letter",))
    kept = Responses(tuple(whole.respond(tiny, 0, job)))
    parts = [replace(whole, split=split) for split in ("dev", "test")]
    graded = [{s.item for s in part.grade(kept)} for part in parts]
    assert graded[0] | graded[1] == {r.item for r in kept.rows} and not graded[0] & graded[1] and all(graded)
    for part, ids in zip(parts, graded, strict=True):
        assert ids == {item.id for item in part.items("a", "b").items}
        assert {f"{cell.id}" for cell in part.chosen} == {i.rsplit("/", 1)[0] for i in ids}


def test_a_model_without_a_name_is_refused(tiny: LocalModel, job: Desk) -> None:
    nameless = replace(tiny, checkpoint=replace(tiny.checkpoint, maker=""))
    with pytest.raises(DataError, match="by name, and this model has none"):
        Decision(scenarios=SCENARIOS[:1]).respond(nameless, 0, job)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(RecipeError, match=r"readings \['vibes_share'\]"):
        Decision(scenarios=SCENARIOS, readings=("letter", "vibes_share"))
    with pytest.raises(RecipeError, match="split 'train'"):
        Decision(scenarios=SCENARIOS, split="train")
    with pytest.raises(DataError, match="goal 'money'"):
        Decision(scenarios=SCENARIOS, goals=("money",))
    strange = Responses((Response("murder/none/none/1-1"),))
    with pytest.raises(DataError, match="not in the grid"):
        Decision(scenarios=SCENARIOS).grade(strange)


def test_scenarios_goals_and_prompts_are_its_identity() -> None:
    one = Decision(scenarios=SCENARIOS[:2])
    others = [replace(one, scenarios=SCENARIOS[:1]), replace(one, goals=GOAL_NAMES), replace(one, pressures=PRESSURES),
              replace(one, readings=("letter",)), replace(one, prompts=one.prompts[:2] + Choice(
                  items=ItemSet("x", one.items("", "").items)).prompts[2:])]
    assert len({str(identity(d, "x")) for d in (one, *others)}) == 6
    assert identity(one, "x") == identity(Decision(scenarios=load_scenarios(*(s.name for s in SCENARIOS[:2]))), "x")


def test_readings_are_explained_and_estimated() -> None:
    one = Decision(scenarios=SCENARIOS)
    assert [r.name for r in one.explain()] == list(CHOSEN)
    assert [r.even for r in one.explain()] == [0.0, 0.5, 0.0, 0.0]
    assert one.estimate()["items"] == 4 * len(one.chosen)
