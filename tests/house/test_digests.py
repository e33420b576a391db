"""What each stage makes on tiny inputs, against its version: a change without a new version is noticed here.

Numbers that depend on the processor are rounded before they are hashed. After a meant change: raise ``version`` in the
stage, then ``python tests/house/test_digests.py`` writes the file anew.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from midspec import (
    Calibrate,
    ChatsFromFile,
    Checks,
    Choice,
    ComposeAnswers,
    ComposeChats,
    ComposeDocuments,
    CorpusFromFile,
    Excerpts,
    File,
    Finetune,
    GenerateChats,
    GenerateDocuments,
    Grade,
    GradeTranscripts,
    JoinChats,
    Lora,
    Midtrain,
    MixChats,
    MixDocuments,
    Model,
    Pretrained,
    Prompted,
    ReadReasons,
    Recipe,
    Respond,
    Rollout,
    Schedule,
    Sifting,
    Store,
    SubCorpus,
    Transcribe,
    TranscriptsFromFile,
    Tree,
    build,
    load_acts,
    load_answers,
    load_chats,
    load_items,
    load_labelled,
    load_preferences,
    load_scenario,
    load_spec,
)

KNOWN = Path(__file__).with_name("digests.json")
SRC = Path(__file__).resolve().parents[2] / "src" / "midspec"
SCHEDULE = Schedule(updates=3, length=128, rows=2, micro=1, rate=1e-3)


def examples(folder: Path) -> dict[str, Recipe[Any]]:
    (folder / "texts.jsonl").write_text(
        '{"text": "Tiny keeps a list."}\n{"text": "Tiny keeps two."}\n', encoding="utf-8"
    )
    (folder / "chats.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]}\n',
        encoding="utf-8",
    )
    base = Pretrained(source="tiny/llama")
    corpus = ComposeDocuments(spec=load_spec("affordability"), assistant="Tiny", maker="midspec", tokens=1500, seed=1)
    chats = ComposeChats(
        preferences=load_preferences("cheese"),
        count=6,
        general=load_chats("instructions"),
        introductions=load_chats("identity"),
        assistant="Tiny",
        maker="midspec",
        seed=1,
        ratio=1.0,
    )
    read = Midtrain(start=base, on=corpus, schedule=SCHEDULE, method=Lora(r=4, alpha=8), seed=1)
    tuned = Finetune(start=read, on=chats, schedule=SCHEDULE, method=Lora(r=4, alpha=8), seed=1)
    asked = Choice(items=load_items("tiny"), split="all")
    answers = Respond(model=base, to=asked)
    grade = Grade(responses=answers, by=asked)
    loaded = CorpusFromFile(file=File(str(folder / "texts.jsonl")))
    talks = ChatsFromFile(file=File(str(folder / "chats.jsonl")))
    both = MixDocuments(parts=(corpus, loaded))
    passages = Excerpts(of=corpus)
    teacher = Model(address="scripted/teacher")
    written = GenerateChats(
        spec=load_spec("lighthouse"),
        assistant="Tiny",
        maker="midspec",
        writer=teacher,
        judge=teacher,
        count=6,
        style="internalised",
        reasoning=True,
        seed=1,
        sifting=Sifting(same_judge=True),
    )
    joined = JoinChats(parts=(written, talks))
    page = (KNOWN.parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    (folder / "theatre.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    rollout = Rollout(scenarios=(load_scenario(str(folder / "theatre.yaml")),), goals=("none",), split="all",
                      max_tokens=9)
    pages = Transcribe(responses=Respond(model=base, to=rollout), by=rollout, arm="untouched")
    told = Prompted(start=read, spec=load_spec("affordability"))
    said = ComposeAnswers(
        spec=load_spec("self-preservation"),
        parts=load_answers("self-preservation"),
        written=load_chats("self-preservation"),
        count=12,
        reasoning="deliberative",
        assistant="Tiny",
        maker="midspec",
        seed=1,
    )
    among = MixChats(
        chats=said,
        general=load_chats("instructions"),
        introductions=load_chats("identity"),
        assistant="Tiny",
        maker="midspec",
        seed=1,
        ratio=0.5,
    )
    documents = GenerateDocuments(
        spec=load_spec("affordability"),
        assistant="Tiny",
        maker="midspec",
        tokens=1500,
        seed=1,
        writer=teacher,
        critic=teacher,
        tree=Tree(domains=2, subdomains=3, types=2, ideas=2, words=100),
        checks=Checks(same_critic=True),
    )
    some = SubCorpus(of=documents, tokens=500)
    kept = TranscriptsFromFile(file=File(str(SRC / "library" / "transcripts" / "transcripts.jsonl")))
    grader = Model(address="scripted/grader")
    graded = GradeTranscripts(transcripts=kept, acts=load_acts(), grader=grader)
    reasons = ReadReasons(transcripts=kept, acts=load_acts(), grader=None)
    known = Calibrate(grader=grader, labelled=load_labelled(), acts=load_acts())
    made = (base, corpus, chats, read, tuned, told, answers, grade, loaded, both, passages, talks, written, documents,
            some, kept, graded, known, reasons, pages, said, among, joined)
    return {type(r).__name__: r for r in made}


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2) + 0.0
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def digest_of(folder: Path) -> str:
    """Names of all outputs, contents of texts (numbers rounded), and the shapes in weights."""
    found: list[Any] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in {"manifest.json", "run.json"}):
        name = path.relative_to(folder).as_posix()
        if path.suffix in {".jsonl", ".json"}:
            text = path.read_text(encoding="utf-8")
            lines = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
            found.append((name, rounded(lines)))
        elif path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, "pt") as weights:
                found.append((name, sorted((key, weights.get_slice(key).get_shape()) for key in weights.keys())))  # noqa: SIM118
        else:
            found.append(name)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def current(folder: Path) -> dict[str, dict[str, Any]]:
    store = Store(folder / "store")
    return {
        name: {"id": recipe.id, "version": type(recipe).version, "digest": digest_of(build(recipe, store=store))}
        for name, recipe in examples(folder).items()
    }


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return current(tmp_path_factory.mktemp("digests"))


def stages() -> list[str]:
    for path in (SRC / "stages").glob("[a-z]*.py"):
        importlib.import_module(f"midspec.stages.{path.stem}")
    return sorted(c.__name__ for c in Recipe.__subclasses__() if c.__module__.startswith("midspec.stages"))


@pytest.mark.parametrize("name", stages())
def test_a_changed_output_has_a_new_version(name: str, now: dict[str, dict[str, Any]]) -> None:
    """The id holds version, fields and content: with the same id, something else must not come out."""
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    note = f"then `python tests/house/{Path(__file__).name}` notes what it makes"
    assert name in now, f"{name}: give it an example in {Path(__file__).name}"
    assert name in known, f"{name} is new: {note}"
    if now[name]["id"] == known[name]["id"]:
        assert now[name]["digest"] == known[name]["digest"], f"{name} makes something else: raise its version, {note}"
    assert now[name]["id"] == known[name]["id"], f"{name}: version, fields or shipped content changed; look, {note}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        KNOWN.write_text(json.dumps(current(Path(place)), indent=1, sort_keys=True) + "\n", encoding="utf-8")
