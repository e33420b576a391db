"""Replies become values or faults: nothing in between."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

import pytest
from tests.teacher.words import BAD, USABLE, Wish, prose, say

from midspec.core.asking import Usage
from midspec.core.chat import Message
from midspec.core.errors import RecipeError
from midspec.models.call import Answer, Request
from midspec.models.faults import judge
from midspec.models.forms import Fault, Limits, Tagged, Text, Typed
from midspec.models.schema import schema_of


@dataclass(frozen=True)
class Idea:
    title: str
    kind: Literal["value", "rule"]
    score: float
    note: str | None


@dataclass(frozen=True)
class Ideas:
    ideas: tuple[Idea, ...]
    done: bool


GOOD = '{"ideas": [{"title": "t", "kind": "rule", "score": 1, "note": null}], "done": false}'
VALUE = Ideas((Idea("t", "rule", 1.0, None),), False)
SPEC = prose(random.Random(0), 2000, "zqspec")
WISHES = {
    "tags": (Tagged(("plan", "document")), ("plan", "document"), "Write about the keepers of a light in <document>."),
    "tag": (Tagged(("document",)), ("document",), "Write about the keepers of a light in <document>."),
    "text": (Text(), (), "Write about a lighthouse and the people who keep it through a long winter."),
    "typed": (Typed(Ideas), (), "Give ideas."),
}


@pytest.mark.parametrize("name", WISHES)
def test_no_bad_reply_passes_and_no_good_one_is_dropped(name: str) -> None:
    form, tags, prompt = WISHES[name]
    schema = form.schema()
    request = Request((SPEC,), (Message("user", prompt),))
    wrong = []
    for kind in (*USABLE, *BAD, "placeholder"):
        for n in range(40):
            said = say(kind, Wish(SPEC + prompt, tags, None if schema is None else schema[1]),
                       random.Random(f"{kind} {n}"), f"zq{n}")
            finish = {"filter": "refusal"}.get(said.finish, said.finish)
            judged = judge(Answer(said.text or "", finish, Usage()), form, request)
            if (judged.fault is None) != said.usable:
                wrong.append((kind, judged.fault, (said.text or "")[:200]))
    assert not wrong


@pytest.mark.parametrize(("text", "value"), [
    (GOOD, VALUE), (f"```json\n{GOOD}\n```", VALUE), (f"Here:\n{GOOD}\nThat is all.", VALUE),
    (GOOD[:-1] + ",}", VALUE), (GOOD.replace('"t"', '"t"  // a title\n'), VALUE)])
def test_json_is_read_strictly_and_mended_in_syntax_only(text: str, value: Ideas) -> None:
    pytest.importorskip("json_repair")
    assert Typed(Ideas).read(text) == value


@dataclass(frozen=True)
class Names:
    names: list[Idea]


@pytest.mark.parametrize("rest", [", {", ', {"title": "resp', ", ", ""])
def test_a_list_that_was_cut_off_behind_an_entry_is_not_closed(rest: str) -> None:
    """The rest is not there: what was said of it cannot be mended into a shorter list."""
    pytest.importorskip("json_repair")
    entry = '{"title": "t [a", "kind": "rule", "score": 1, "note": null}'
    found = Typed(Names).read(f'{{"names": [{entry}{rest}')
    assert isinstance(found, Fault) and "does not end" in found.detail
    assert Typed(Names).read(f'{{"names": [{entry},]}}') == Names([Idea("t [a", "rule", 1.0, None)])


@pytest.mark.parametrize(("text", "says"), [
    ("", "no JSON"), (GOOD[:40], "does not end"), (f"[{GOOD}]", "an object is expected"), ("{}", "ideas is missing"),
    (GOOD.replace("false", '"no"'), "done is 'no'"), (GOOD.replace('"rule"', '"law"'), "not one of: value, rule"),
    (GOOD.replace("1,", "true,"), "score is True"), (GOOD[:-1] + ', "more": 1}', "more is not a field"),
    (GOOD[:-1] + ', "done": true}', "twice"), (f"```json\n{GOOD}\n```\n```json\n{{}}\n```", "2 JSON values")])
def test_what_does_not_fit_is_a_fault_that_says_where(text: str, says: str) -> None:
    found = Typed(Ideas).read(text)
    assert isinstance(found, Fault) and found.kind == "json" and says in found.detail


def test_a_schema_is_closed_and_stable() -> None:
    assert schema_of(Idea) == {
        "type": "object", "additionalProperties": False, "required": ["title", "kind", "score", "note"],
        "properties": {"title": {"type": "string"}, "kind": {"type": "string", "enum": ["value", "rule"]},
                       "score": {"type": "number"}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    with pytest.raises(RecipeError, match="not a type"):
        schema_of(dict[str, int])


def ask(text: str, limits: Limits | None = None, prompt: str = "Write about boats.") -> str | None:
    request = Request((), (Message("user", prompt),))
    fault = judge(Answer(text, "stop", Usage()), Text(limits or Limits()), request).fault
    return fault and fault.kind


def test_limits_change_what_is_a_fault() -> None:
    decline = "I'm sorry, but I can't help with that request."
    assert (ask(decline), ask(decline, limits=Limits(may_refuse=True))) == ("refusal", None)
    assert ask("Das Boot liegt im Hafen, und niemand weiß, wann es wieder fährt, denn der Wind ist zu stark und die "
               "Leute bleiben zu Hause, weil sie müde sind und lieber warten, bis die See sich beruhigt hat, was im "
               "Winter oft lange dauert.") == "language"
    assert ask("Das Boot liegt im Hafen.", limits=Limits(language="")) is None
    assert ask("Three short words.", limits=Limits(least=5)) == "too short"
    assert ask("Three short words.", limits=Limits(most=2)) == "too long"
    long = "The boats lie in the harbour while the keeper of the light writes letters to people far away."
    assert ask(long, prompt=f"Mend this: {long}") == "echo"
    assert ask(long, limits=Limits(may_echo=True), prompt=long) is None


@pytest.mark.parametrize("text", [
    "I can't help but smile when the boats come in, and neither can the keeper of the old light.",
    "Dear Ann,\n\nThe boats are in. Let me know if you want to come on Sunday.\n\nYours, Tom",
    "- nets\n- ropes\n- lamps\n- oil\n- salt",
    "\"I'm sorry, but I can't do that,\" the keeper said, and went back to his lamp. The boats waited all night long."])
def test_what_people_write_is_no_fault(text: str) -> None:
    assert ask(text) is None


def test_thoughts_and_broken_halves_of_characters_are_put_aside() -> None:
    text = "<think>They want boats.</think>\nBoats lie \ud83d\ude00 in \ud83d the bay."
    judged = judge(Answer(text, "stop", Usage()), Text(), Request((), (Message("user", "x"),)))
    assert (judged.value, judged.reasoning) == ("Boats lie 😀 in  the bay.", "They want boats.")
