"""Prices with their sources, plans before and accounts after; keys from the environment or a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.models.asking import Desk, calls, served
from tests.teacher.record import totals

from midspec.core.asking import Terms, Usage
from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.core.forecast import Asking
from midspec.experiment.verbs import plan
from midspec.library.prices import SHIPPED, price_of
from midspec.library.yaml_file import read_mapping
from midspec.models.ask import Ask
from midspec.models.forms import Tagged, Typed
from midspec.models.keys import hide, key, setting
from midspec.models.model import Model
from midspec.models.money import estimate
from midspec.models.providers import known_providers, provider_of


def test_every_shipped_price_has_a_source_and_a_day() -> None:
    names = list(read_mapping(SHIPPED))
    for name in names:
        price = price_of(name)
        assert price is not None and price.seen and (price.example or price.source.startswith("https://"))
    assert price_of("anthropic/claude-opus-5-20260724") == price_of("anthropic/claude-opus-5")
    assert price_of("anthropic/claude-opus") is None


def test_a_file_of_ones_own_comes_first_and_is_checked(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text("example/teacher: {input: 4, output: 8, batch: 0.25, source: me, seen: 2026-01-01}\n")
    price = price_of("example/teacher", own)
    assert price is not None and price.cost(Usage(1_000_000, 0, 0, 500_000)) == 8 and not price.example
    assert price.cost(Usage(0, 1_000_000, 0, 0)) == 4 and price.cost(Usage(1_000_000), batch=True) == 1
    for text, says in (("x/y: {input: 1, output: 2, seen: 2026-01-01}", "'source' should be a text"),
                       ("x/y: {input: 1, output: 2, source: s}", "'seen' is missing"),
                       ("x/y: {input: -1, output: 2, source: s, seen: d}", "input is -1"),
                       ("x/y: {input: 1, output: 2, price: 3, source: s, seen: d}", "unknown price")):
        own.write_text(text)
        with pytest.raises(DataError, match=says):
            price_of("x/y", own)


def test_the_estimate_is_near_what_was_billed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    spec = "The harbour master explains each order before giving it, and says why. " * 150
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai/m: {input: 2, cached: 0.2, output: 10, source: a test, seen: 2026-11-01}\n")
    with served(monkeypatch, content={"words": 120}) as (one, clock):
        desk = Desk(tmp_path, clock=clock, prices=prices)
        Ask(desk, Model(address="openai/m")).all(calls(50, (spec,)), Tagged(("document",)))
        tokens = totals(one.record.rows)["tokens"]
        planned = estimate(Asking(address="openai/m", calls=50, own=16, shared=len(spec) // 4,
                                  output=tokens["out"] // 50), desk.terms)
        assert planned.cost == pytest.approx(desk.account.run.spent, rel=0.1)


EXPERIMENT = '''"""Expected: nothing."""
from dataclasses import dataclass
from midspec import *
from midspec.core.forecast import Asking, Forecast
from midspec.stages.corpus_from_file import CorpusFromFile
BASE = Pretrained(source="tiny/llama")
@dataclass(frozen=True, kw_only=True)
class Written(CorpusFromFile):
    writer: Model
    def forecast(self, look):
        calls = Asking(address=self.writer.address, calls=1000, own=100, output=1000, shared=2000)
        return Forecast(tokens=1000, asks=(calls,))
CORPUS = Written(file=File("texts.jsonl"), writer=Model(address=ADDRESS))
def read(*, seed):
    """Reads."""
    schedule = Schedule(updates=20, length=64, rows=1, micro=1)
    return Midtrain(start=BASE, on=CORPUS, seed=seed, method=Lora(r=2, alpha=4), schedule=schedule)
experiment = Experiment(question="Does it plan?", arms=(read,), points=grid(seed=(1,)),
                        evals=(Choice(items=load_items("tiny")),))
'''


def test_plan_shows_calls_tokens_and_money(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midspec.experiment.verbs._speed", lambda device: None)
    Path("texts.jsonl").write_text(json.dumps({"text": "Boats lie in the harbour."}) + "\n")
    for name, address, cost in (("known", "anthropic/claude-opus-5", 27.5), ("unknown", "openai/m", None)):
        Path(f"{name}.py").write_text(EXPERIMENT.replace("ADDRESS", repr(address)))
        made = plan(f"{name}.py", store=tmp_path / "store")
        assert made.calls == 1000 and len(made.asked) == 1
        usage = made.asked[0].estimate.usage
        assert (usage.input, usage.output) == (2_100_000, 1_000_000)
        assert made.cost is None if cost is None else made.cost == pytest.approx(
            (100_000 * 5 + 999 * 2000 * 0.5 + 2000 * 6.25 + 1_000_000 * 25) / 1e6)
        batch = plan(f"{name}.py", store=tmp_path / "store", batch=True)
        assert cost is None or batch.cost == pytest.approx((2_100_000 * 5 + 1_000_000 * 25) / 2e6)
        assert json.loads(json.dumps(made.json()))["calls"] == 1000


def test_keys_come_from_the_environment_or_the_nearest_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("# mine\nexport A_KEY='from the file'\nB_KEY=two words # why\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert (setting("A_KEY"), setting("B_KEY"), setting("C_KEY")) == ("from the file", "two words", None)
    monkeypatch.setenv("A_KEY", "s3cret/+value")
    assert key("A_KEY", "x/y") == "s3cret/+value"
    for leak in ("s3cret/+value", "s3cret%2F%2Bvalue", "czNjcmV0Lyt2YWx1ZQ=="):
        assert leak not in hide(f"at {leak}!") and "[key]" in hide(f"at {leak}!")
    with pytest.raises(SetupError, match="C_KEY is not set"):
        key("C_KEY", "x/y")


@pytest.mark.parametrize("address", ["nobody/m", "openai", "openai/", ""])
def test_unknown_addresses_list_what_there_is(address: str) -> None:
    with pytest.raises(SetupError) as caught:
        Model(address=address)
    assert all(name in str(caught.value) for name in known_providers())


def test_a_model_is_known_by_all_that_can_change_an_answer(tmp_path: Path) -> None:
    one = Model(address="openai/m")
    others = [Model(address="openai/n"), Model(address="openai/m", temperature=0.5),
              Model(address="openai/m", top_p=0.9),
              Model(address="openai/m", max_tokens=5), Model(address="openai/m", extra='{"seed": 1}'),
              Model(address="openai/m", structured="fenced")]
    assert len({model.identity() for model in (one, *others)}) == 7
    assert Model(address="tiny/llama").who()["address"].startswith("local ")
    assert provider_of("inspect:google/g") == ("inspect", "google/g")
    wrong: tuple[dict[str, Any], ...] = ({"temperature": 3}, {"top_p": 0}, {"max_tokens": 0}, {"extra": "[1]"},
                                         {"extra": "{"}, {"structured": "x"})
    for fields in wrong:
        with pytest.raises(RecipeError):
            Model(address="openai/m", **fields)


@dataclass(frozen=True)
class Names:
    names: list[str]


def test_the_scripted_teacher_and_a_local_model_answer_on_the_same_path(tmp_path: Path) -> None:
    desk = Desk(tmp_path, unpriced=False, budget=0.01)
    scripted = Ask(desk, Model(address="scripted/teacher"))
    first = scripted.all(calls(20), Tagged(("document",)))
    assert all(reply.ok for reply in first) and len({reply.text for reply in first}) == 20
    typed = scripted.all(["Give 4 names of boats."], Typed(Names))[0]
    assert len(typed.value.names) == 4
    in_words = Ask(desk, Model(address="scripted/teacher", structured="fenced"))
    fenced = in_words.all(["Give 3 names of boats."], Typed(Names))[0]
    assert len(fenced.value.names) == 3
    local = Ask(desk, Model(address="tiny/llama", max_tokens=8)).all(["Hello?"])
    again = Ask(Desk(tmp_path), Model(address="tiny/llama", max_tokens=8)).all(["Hello?"])
    assert local == again and not local[0].ok and local[0].fault is not None
    with pytest.raises(SetupError, match=r"no script 'nobody' .*have: .*teacher"):
        Ask(desk, Model(address="scripted/nobody")).all(["x"])
    assert Terms().budget is None
