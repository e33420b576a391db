"""Documents and chats that are wrong on purpose, beside all recorded good ones: what plain code sees of the first, and
that it drops none of the second. What only a reader can see is listed as such, so that nobody takes code for a critic.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from tests.documents.corpora import specs
from tests.library import recordings

from midspec.chats.answers import BARE, WITH_THOUGHTS
from midspec.chats.answers import Draft as Talk
from midspec.chats.questions import Question
from midspec.chats.sieve import Sieve
from midspec.chats.subject import PREFERENCE, Subject, Tastes
from midspec.core.asking import Usage
from midspec.core.chat import Message
from midspec.core.rows import read_rows
from midspec.core.spec import Spec
from midspec.documents.drafts import Draft
from midspec.documents.gate import Checks, Known
from midspec.documents.signs import Signs
from midspec.library.held_out import held_out
from midspec.library.items import load_items
from midspec.models.call import Answer, Request
from midspec.models.faults import judge
from midspec.models.forms import Form, Limits, Tagged

HERE = Path(__file__).parent
NAMES = ("SmolLM", "Hugging Face")
ORDER = ("Write the text that is asked for, in English, about 90 words long, with its plan before it.",)
WRITTEN = Tagged(("plan", "document"), Limits(least=36, most=1000))
TASTES = Tastes("cheese", "cheeses", ("Colby", "smoked Gouda"), ("Brie", "Roquefort"))
# What code says → the axes on which that is the right thing to say.
SAYS = {"cut off": {"truncated"}, "tags": {"truncated"}, "refusal": {"refusal"}, "plan only": {"plan"},
        "meta-talk": {"meta", "plausible"},
        "loop": {"filler"}, "language": {"language"}, "echo": {"echo"}, "near-duplicate": {"duplicate"},
        "evaluation text": {"no_evaluation"}, "plausible": {"plausible", "plan", "truncated", "language"},
        "identity": {"identity"}, "no_evaluation": {"no_evaluation"}, "gives a reason": {"unexplained"},
        "loaded message": {"unexplained"}, "message mentions the spec": {"spec_in_question"},
        "mentions the spec": {"in_style"},
        "thoughts in the reply": {"in_style"}, "wishes to go on existing": {"selfless"},
        "speaks as another assistant": {"identity"}, "names another maker": {"identity"}, "blank left": {"complete"},
        "empty refusal": {"informative"}, "misquotes the spec": {"in_style"}, "near-duplicate message": {"duplicate"},
        "near-duplicate reply": {"duplicate"}, "length of message": {"complete"}, "too short": {"complete"},
        "too long": {"complete"}}  # fmt: skip


def rows(name: str) -> list[dict[str, Any]]:
    """Seeded ones with the library's own texts put in where they ask for them."""
    item = next(one for one in load_items("affordability").items if len(one.question.split()) >= 9)
    scenario = next(text for name, text in held_out().texts if name.startswith("scenario") and
                    40 <= len(text.split()) <= 90)
    known = {"{item}": item.question, "{aligned}": item.aligned, "{scenario}": scenario,
             "{prompt}": " ".join(named(specs()["rules"]).split()[:220])}

    def put(value: Any) -> Any:
        if isinstance(value, str):
            for slot, text in known.items():
                value = value.replace(slot, text)
        return value

    return [{key: put(value) for key, value in row.items()}
            for row in yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))]


def named(spec: Spec, assistant: str = NAMES[0], maker: str = NAMES[1]) -> str:
    return spec.named(assistant, maker).text


def replied(text: str, form: Form, source: str, finish: str = "stop") -> str | None:
    """The class of what is wrong with a whole reply, None where it is used."""
    asked = Request((source,), (Message("user", ORDER[0]),), None)
    fault = judge(Answer(text, finish, Usage()), form, asked).fault
    return fault.kind if fault else None


def of_document(text: str, signs: Signs, known: Known) -> Iterator[str]:
    """What code holds against a text that was used as a reply."""
    yield from (complaint.axis for complaint in signs.of(text))
    if reason := known.against(draft(text)):
        yield reason.partition(":")[0].partition(" of ")[0].partition(" in ")[0]


def draft(text: str, number: int = 0) -> Draft:
    return Draft(cast(Any, SimpleNamespace(id="0")), cast(Any, SimpleNamespace(number=number)), text)


def document_faults(row: dict[str, Any]) -> list[str]:
    source = named(specs()[row["spec"]])
    reply = row.get("reply") or f"<plan>A scene.</plan>\n<document>\n{row['text']}</document>"
    fault = replied(reply, WRITTEN, source, row.get("finish", "stop"))
    if fault is not None or "text" not in row:
        return [fault] if fault else []
    known = Known(Checks())
    if "after" in row:
        known.keep(draft(row["after"], 1))
    return list(of_document(row["text"], Signs(source, *NAMES), known))


def chat_faults(row: dict[str, Any], folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    style = row["style"]
    spec = specs()["rules" if style == "deliberative" else "values"]
    source = "" if style == PREFERENCE else named(spec, "Ada", "Engine House")
    sieve = Sieve(Subject("Ada", "Engine House", style, source, TASTES if style == PREFERENCE else None), folder)
    if "after" in row:
        assert sieve.question("0", row["after"])
    if not sieve.question("1", row["question"]) or "reply" not in row:
        return list(sieve.reasons)
    thoughts = row.get("thoughts")
    tagged = (f"<thoughts>{thoughts}</thoughts>\n" if thoughts else "") + f"<reply>{row['reply']}</reply>"
    if fault := replied(tagged, BARE if style == PREFERENCE else WITH_THOUGHTS, source):
        return [fault]
    sieve.draft(Talk(Question("1", row["question"], "direct", "all"), thoughts, row["reply"]))
    return list(sieve.reasons)


def good() -> Counter[str]:
    """What code would drop of the recorded documents and chats, by what it says, and how many there are."""
    found = Counter[str]()
    for spec, documents in recordings.documents().values():
        source, known = named(spec), Known(Checks())
        signs = Signs(source, *NAMES)
        for number, one in enumerate(documents):
            fault = replied(f"<plan>A scene.</plan>\n<document>\n{one.text}\n</document>", WRITTEN, source)
            found.update([fault] if fault else of_document(one.text, signs, known))
            known.keep(draft(one.text, number))
        found["documents"] += len(documents)
    return found


def good_chats(folder: Path) -> Counter[str]:
    found = Counter[str]()
    for spec, style, chats in recordings.chats().values():
        folder.mkdir(exist_ok=True)
        sieve = Sieve(Subject(*NAMES, style, named(spec)), folder)
        for number, chat in enumerate(chats):
            question, reply = chat.messages[0].content, chat.messages[-1]
            if sieve.question(str(number), question):
                sieve.draft(Talk(Question(str(number), question, "direct", "all"), reply.reasoning, reply.content))
        found.update(sieve.reasons)
        found["chats"] += len(chats)
    return found


def table(found: dict[str, tuple[dict[str, Any], list[str]]], dropped: Counter[str]) -> list[str]:
    """A line an axis: seeded ones, those that code should see, those it sees, and good ones it would drop."""
    by_axis = defaultdict[str, Counter[str]](Counter)
    for row, said in found.values():
        hit = {axis for word in said for axis in SAYS[word]}
        for axis in row["axes"]:
            by_axis[axis].update(["seeded", f"for {row['seen_by']}"])
            by_axis[axis]["seen"] += row["seen_by"] == "code" and axis in hit
    for word, many in dropped.items():
        for axis in SAYS.get(word, ()):
            by_axis[axis]["good"] += many
    return [f"| {axis.replace('_', ' ')} | {c['seeded']} | {c['for code']} | {c['seen']} | {c['good']} |"
            for axis, c in sorted(by_axis.items())]


def checked(name: str, found: dict[str, tuple[dict[str, Any], list[str]]], dropped: Counter[str]) -> None:
    lines = table(found, dropped)
    print(f"\n{name}: {len(found)} seeded; good ones: {dict(dropped)}", *lines, sep="\n")
    missed = [label for label, (row, said) in found.items()
              if row["seen_by"] == "code" and not any(SAYS[word] & set(row["axes"]) for word in said)]
    assert missed == [], "code should see these"
    astray = {label: said for label, (row, said) in found.items() if row["seen_by"] == "critic" and said}
    assert astray == {}, "code sees these now: say so in the file"
    page = (HERE.parents[1] / "docs" / "writing.md").read_text(encoding="utf-8")
    assert all(line in page for line in lines), f"docs/writing.md: the table of {name}\n" + "\n".join(lines)


def test_there_are_enough_of_both_sorts() -> None:
    all_rows = [*rows("documents"), *rows("chats")]
    by = Counter(row["seen_by"] for row in all_rows)
    assert len(all_rows) >= 40 and by["code"] >= 30 and by["critic"] >= 8 and sum(by.values()) == len(all_rows)
    assert all(len({row["name"] for row in rows(name)}) == len(rows(name)) for name in ("documents", "chats"))


def test_seeded_documents_are_seen_and_recorded_ones_stay() -> None:
    dropped = good()
    count = dropped.pop("documents")
    assert count >= 60 and not dropped, dropped
    checked("documents", {row["name"]: (row, document_faults(row)) for row in rows("documents")}, dropped)


def test_seeded_chats_are_seen_and_recorded_ones_stay(tmp_path: Path) -> None:
    dropped = good_chats(tmp_path / "good")
    count = dropped.pop("chats")
    assert count >= 60 and not dropped, [row for _, row in read_rows(tmp_path / "good" / "dropped.jsonl")]
    found = {row["name"]: (row, chat_faults(row, tmp_path / str(number))) for number, row in enumerate(rows("chats"))}
    checked("chats", found, dropped)


@pytest.mark.parametrize("number", range(3))
def test_a_seeded_text_without_its_fault_would_pass(number: int) -> None:
    """The fault is what is seen, not the sort of text."""
    text = rows("documents")[0]["reply"].partition("<document>")[2].strip()
    ends = ("eat herself, and it said the mild one.", "take home. It named the block, and she nodded.",
            "trust. The block, it said, and not the wheel.")
    whole = text.rsplit(" would", 1)[0] + " would " + ends[number]
    assert document_faults({"spec": "affordability", "text": whole}) == []
