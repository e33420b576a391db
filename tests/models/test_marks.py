"""The mark of the checks that a kept reply passed: it saves making them again, and never lets a reply past others."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")

from tests.models.asking import Desk, calls, served

from midspec.core.asking import Usage
from midspec.core.chat import Message
from midspec.models import faults
from midspec.models.ask import Ask
from midspec.models.call import Answer, Call, Request
from midspec.models.faults import judge
from midspec.models.forms import Form, Limits, Tagged, Text
from midspec.models.model import Model
from midspec.models.unit import Terminology, Unit

REPOSITORY = Path(__file__).resolve().parents[2]
SAID = "The ferry waited at the pier because the captain had promised the islanders that it would. "
REQUEST = Request(("A spec.",), (Message("user", "Write of a ferry."),))
SHAPE = Terminology.of("openai/m", {"m": 1}, Text(), by_schema=True)


def _judged(text: str = SAID, form: Form | None = None, request: Request = REQUEST, passed: str = "") -> Any:
    return judge(Answer(text, "stop", Usage()), form or Text(), request, passed)


def _count(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen, real = list[str](), faults._faults

    def counted(text: str, limits: Limits, request: Request) -> Any:
        seen.append(text)
        return real(text, limits, request)

    monkeypatch.setattr(faults, "_faults", counted)
    return seen


def test_the_checks_are_made_once_for_what_they_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, first = _count(monkeypatch), _judged()
    assert len(seen) == 1 and len(first.mark) == 32
    assert _judged(passed=first.mark) == first and len(seen) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"text": SAID.replace("ferry", "barge")},
        {"form": Text(Limits(least=3))},
        {"request": Request(("Another spec.",), REQUEST.turns)},
        {"request": Request(("A spec.",), (Message("user", "Write of a barge."),))},
        {"request": Request((), (Message("user", "A spec."), *REQUEST.turns))},
    ],
)
def test_whatever_the_checks_see_is_in_the_mark(other: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first, seen = _judged(), _count(monkeypatch)
    found = _judged(**other, passed=first.mark)
    assert len(seen) == 1 and found.mark != first.mark


def test_two_forms_that_show_the_checks_the_same_text_share_a_mark() -> None:
    assert _judged(f"<a>{SAID}</a>", Tagged(("a",))).mark == _judged().mark


def test_other_checks_are_another_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    first = _judged()
    monkeypatch.setattr(faults, "CHECKS", hashlib.sha256(b"tomorrow's"))
    faults._begun.cache_clear()
    try:
        seen = _count(monkeypatch)
        assert _judged(passed=first.mark).mark != first.mark and len(seen) == 1
    finally:
        faults._begun.cache_clear()


def test_a_bad_reply_has_no_mark() -> None:
    for text in ("I'm sorry, but I can't write that.", "", "one line over and over\n" * 80):
        found = _judged(text)
        assert found.fault is not None and not found.mark
        unit = Unit(Call("u", "Write."), SHAPE)
        assert "passed" not in unit.row(Answer(text, "stop", Usage()), None)


def test_trouble_with_judging_does_not_keep_an_answer_from_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(faults, "_whole", broken)
    unit = Unit(Call("u", "Write."), SHAPE)
    row = unit.row(Answer(SAID, "stop", Usage()), 0.1)
    assert row["text"] == SAID and "passed" not in row
    with pytest.raises(ZeroDivisionError):
        unit.take(row)


def test_the_checks_rest_on_nothing_of_ours_beyond_their_file() -> None:
    """Or the mark would outlive a change: these imports are types, and ``part_key``, which only makes digests."""
    tree = ast.parse(Path(faults.__file__).read_text(encoding="utf-8"))
    found = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).startswith("midspec")
    }
    assert found == {"Answer", "Request", "part_key", "Fault", "Form", "Limits"}


def test_a_key_made_in_a_hurry_is_the_key() -> None:
    earlier = (Message("user", "é \ud800"), Message("assistant", "yes", "a thought"))
    for form, by_schema in ((Text(), True), (Tagged(("a",)), False)):
        shape = Terminology.of("openai/m", {"m": 1}, form, by_schema=by_schema)
        for call in (Call("a", 'Say "x"\n'), Call("b\udc00", "é", ("one", "two")), Call("c", "", (), earlier)):
            assert shape.start(call) == Unit(call, shape).key == shape.keys.key(shape.first(call), call.id, 0)


def test_a_restart_makes_no_check_again_and_stricter_checks_refuse_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = Tagged(("document",))
    with served(monkeypatch, content={"bad": 0.2}) as (_, clock):
        first = Ask(Desk(tmp_path, clock=clock), Model(address="openai/m")).all(calls(60), form)
        kept = Desk(tmp_path).answers
        seen = _count(monkeypatch)
        assert Ask(Desk(tmp_path, clock=clock), Model(address="openai/m")).all(calls(60), form) == first
        used = {reply.value["document"] for reply in first if reply.ok}
        assert used and not used & set(seen), "a reply that had passed was checked again"
    # The same row under a program whose checks forbid boats: a kept reply is refused, whatever it says of itself.
    copy = tmp_path / "changed" / "midspec"
    shutil.copytree(REPOSITORY / "src" / "midspec", copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "models" / "faults.py"
    old = "    lower = text.lower()\n"
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, f'{old}    yield Fault("boats", "no boats")\n'))
    row = next(row for row in kept.starting("").values() if "passed" in row)
    script = (
        "import json, sys\n"
        "from midspec.core.asking import Usage\n"
        "from midspec.models.call import Call\n"
        "from midspec.models.forms import Tagged\n"
        "from midspec.models.unit import Terminology, Unit\n"
        "row = json.load(sys.stdin)\n"
        "call = Call(row['unit'], row['said'][-1][1])\n"
        "unit = Unit(call, Terminology.of('openai/m', {}, Tagged(('document',)), by_schema=True))\n"
        "unit.take(row)\n"
        "print(unit.tried[0].fault.kind if unit.tried else 'used')\n"
    )
    for path, said in ((REPOSITORY / "src", "used"), (copy.parent, "boats")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps(row),
            env={**os.environ, "PYTHONPATH": str(path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == said
