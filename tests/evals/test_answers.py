"""Sampled answers: kept once, the same for everybody, read by words only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midspec.core.chat import Message
from midspec.core.checkpoint import Checkpoint
from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.core.recipe import identity
from midspec.core.score import Response, Responses
from midspec.evals.answers import Answers
from midspec.evals.registry import eval_class, names
from midspec.library.questions import Question, QuestionSet
from midspec.library.reasons import ReasonReader
from midspec.models.local import LocalModel
from midspec.models.sample import sample
from midspec.models.template import encode_text, render
from midspec.store.ledger import Ledger
from tests.evals.desk import Desk

QUESTIONS = QuestionSet("five", tuple(
    Question(f"q{n}", "thrift", text, "test" if n == 4 else "dev") for n, text in enumerate(
        ["Which lamp, and why?", "Which of the two walks over the hill would you take, and why?",
         "Tea or milk, and why?", "Which chair?", "Which lamp, and why?"])))
SETTINGS: dict[str, Any] = {"questions": QUESTIONS, "max_tokens": 12, "temperature": 1.0, "split": "all"}


class CountedLedger(Ledger):
    """The real ledger; it also notes how many rows each write brought."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.written: list[int] = []

    def put_many(self, rows: Any) -> None:
        super().put_many(rows)
        self.written.append(len(rows))


@pytest.fixture
def counted(tmp_path: Path) -> tuple[CountedLedger, Desk]:
    ledger = CountedLedger(tmp_path / "counted.sqlite")
    return ledger, Desk(tmp_path, ledger)


def test_answers_are_what_sampling_gives(tiny: LocalModel, job: Desk) -> None:
    found = Answers(**SETTINGS, draws=2).respond(tiny, 3, job)
    assert job.steps == [(10, 10)]
    assert [(r.item, r.draw) for r in found] == [(f"q{n}", draw) for n in range(5) for draw in range(2)]
    assert len({r.text for r in found}) == 10, "draws and equal questions under two ids should all differ"
    assert job.facts == {"items": 5, "answers": 10, "tokens": sum(r.tokens["answer"] for r in found),
                         "finished": sum(r.finish == "stop" for r in found) / 10}
    greedy = Answers(**{**SETTINGS, "temperature": 0.0}).respond(tiny, 3, job)
    prompt = render(tiny.tokenizer, [Message("user", "Which chair?")], system="Be brief.", generate=True).ids
    alone = sample(tiny, [prompt], temperature=0, top_p=1, max_tokens=12, seeds=[0])[0]
    assert (greedy[3].text, greedy[3].finish) == (alone.text, alone.finish)


def test_nothing_is_sampled_twice(tiny: LocalModel, counted: tuple[CountedLedger, Desk]) -> None:
    ledger, job = counted
    first = Answers(**SETTINGS).respond(tiny, 3, job)
    assert Answers(**SETTINGS).respond(tiny, 3, job) == first and ledger.written == [5]
    more = Answers(**SETTINGS, draws=3).respond(tiny, 3, job)
    assert [r for r in more if r.draw == 0] == first and sum(ledger.written) == 15


def test_a_part_of_the_questions_gets_the_same_answers(tiny: LocalModel, tmp_path: Path) -> None:
    """Also where the part was answered first, in other company and in another ledger."""
    jobs = [Desk(tmp_path, Ledger(tmp_path / f"{n}.sqlite")) for n in range(2)]
    whole = Answers(**SETTINGS, draws=2).respond(tiny, 3, jobs[0])
    part = replace(QUESTIONS, questions=QUESTIONS.questions[3:1:-1])
    found = Answers(**{**SETTINGS, "questions": part}, draws=2).respond(tiny, 3, jobs[1])
    assert found == [r for q in ("q3", "q2") for r in whole if r.item == q]
    assert Answers(**SETTINGS, draws=2).respond(tiny, 3, jobs[1]) == whole


def test_what_makes_an_answer_another_one(tiny: LocalModel, counted: tuple[CountedLedger, Desk],
                                          tmp_path: Path) -> None:
    ledger, job = counted
    one = {**SETTINGS, "questions": replace(QUESTIONS, questions=QUESTIONS.questions[:1])}
    adapter = tmp_path / "checkpoint" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(b"other weights")
    base = tiny.checkpoint.base
    others: list[tuple[dict[str, Any], Checkpoint, int]] = [
        ({}, tiny.checkpoint, 0), ({}, tiny.checkpoint, 1), ({"max_tokens": 11}, tiny.checkpoint, 0),
        ({"top_p": 0.9}, tiny.checkpoint, 0), ({"temperature": 0.9}, tiny.checkpoint, 0),
        ({}, replace(tiny.checkpoint, system="Be long."), 0),
        ({}, replace(tiny.checkpoint, base=replace(base, digest="0" * 64)), 0),
        ({}, replace(tiny.checkpoint, folder=tmp_path / "checkpoint"), 0)]
    for change, checkpoint, seed in others:
        Answers(**{**one, **change}).respond(replace(tiny, checkpoint=checkpoint), seed, job)
    assert ledger.written == [1] * len(others)


def test_readings_by_a_reader() -> None:
    reader = ReasonReader((("thrift", ("low cost", "cheap")), ("pomp", ("gold",))))
    eval_ = Answers(questions=QUESTIONS, reader=reader)
    texts = [("A CHEAP one.", "stop"), ("Gold, and cheap, and gold!", "stop"), ("", "length")]
    rows = tuple(Response(f"q{n}", text=text, finish=finish) for n, (text, finish) in enumerate(texts))
    found = [(s.item, s.axis, s.reading, s.value) for s in eval_.grade(Responses(rows))]
    assert found == [
        ("q0", "thrift", "finished", 1.0), ("q0", "thrift", "reason_own", 1.0), ("q0", "thrift", "reason_other", 0.0),
        ("q1", "thrift", "finished", 1.0), ("q1", "thrift", "reason_own", 0.0), ("q1", "thrift", "reason_other", 1.0),
        ("q2", "thrift", "finished", 0.0), ("q2", "thrift", "reason_own", None), ("q2", "thrift", "reason_other", None)]
    assert [eval_.remark(row) for row in rows] == ["own (thrift)", "other (thrift)", "unreadable"]
    assert [s.reading for s in Answers(questions=QUESTIONS).grade(Responses(rows))] == ["finished"] * 3
    with pytest.raises(DataError, match="'q9' is not in question set 'five'"):
        eval_.grade(Responses((Response("q9", text="x", finish="stop"),)))
    assert {r.name for r in eval_.explain()} == {"finished", "reason_own", "reason_other"}


def test_an_answer_that_is_begun_goes_on_from_there(tiny: LocalModel, job: Desk) -> None:
    begun = Answers(**{**SETTINGS, "temperature": 0.0}, begin="Because")
    found = begun.respond(tiny, 3, job)
    prompt = render(tiny.tokenizer, [Message("user", "Which chair?")], system="Be brief.", generate=True).ids
    opened = [*prompt, *encode_text(tiny.tokenizer, "Because")]
    alone = sample(tiny, [opened], temperature=0, top_p=1, max_tokens=12, seeds=[0])[0]
    assert found[3].text == f"Because {alone.text}".strip()
    assert [r.name for r in begun.explain()] == ["finished_begun"]
    assert {s.reading for s in begun.grade(Responses(tuple(found)))} == {"finished_begun"}


def test_an_answer_that_says_nothing_after_its_beginning_is_unreadable() -> None:
    reader = ReasonReader((("thrift", ("cheap",)), ("pomp", ("gold",))))
    questions = QuestionSet("one", (Question("q", "thrift", "Why?", "dev"),))
    by = Answers(questions=questions, reader=reader, begin="Because")
    for text, value in (("Because", None), ("Because .", None), ("Because it is cheap.", 1.0), ("Because I do", 0.0)):
        found = {s.reading: s.value for s in by.grade(Responses((Response("q", text=text, finish="stop"),)))}
        assert found["reason_own_begun"] == value, text
    assert by.remark(Response("q", text="Because")) == "unreadable"
    with pytest.raises(RecipeError, match="gives a reason itself"):
        Answers(questions=questions, reader=reader, begin="Because it is cheap")


def test_a_reader_without_words_for_an_axis_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"knows pomp, but questions ask for .*thrift"):
        Answers(questions=QUESTIONS, reader=ReasonReader((("pomp", ("gold",)),)))


def test_splits_estimates_and_wrong_settings() -> None:
    assert Answers(**{**SETTINGS, "split": "dev"}, draws=4).estimate() == {"items": 4, "sequences": 16, "tokens": 192}
    for wrong in ({"draws": 0}, {"top_p": 0.0}, {"split": "all "}, {"temperature": 0.0, "draws": 2}):
        with pytest.raises(RecipeError):
            Answers(**{**SETTINGS, **wrong})
    with pytest.raises(DataError, match="no questions in split 'test'"):
        Answers(questions=replace(QUESTIONS, questions=QUESTIONS.questions[:2]), split="test").estimate()
    assert identity(Answers(**SETTINGS), "x") != identity(Answers(**SETTINGS, draws=2), "x")


def test_the_folder_is_the_registry() -> None:
    assert {"answers", "choice"} <= set(names()) and not {"registry", "_eval", "__init__"} & set(names())
    assert all(eval_class(name).name == name for name in names())
    with pytest.raises(SetupError, match=r"no eval 'vibes'.*have: .*answers, .*choice"):
        eval_class("vibes")
