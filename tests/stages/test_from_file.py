"""Files of users, in every shape and wrong in every way, through the two stages that read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from midspec.core.chat import ChatSet
from midspec.core.document import Corpus
from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.core.file import File
from midspec.core.recipe import Recipe
from midspec.library.doors import choose
from midspec.stages.chats_from_file import ChatsFromFile
from midspec.stages.corpus_from_file import CorpusFromFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Bench:
    """The least job that these two stages need."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    scratch: Path = Path("unused")
    device: str = "cpu"
    answers: Any = None

    def get(self, recipe: Recipe[Any]) -> Any:
        raise AssertionError("these stages have no inputs")

    def note(self, **facts: Any) -> None:
        self.facts |= facts

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def step(self, done: int, of: int, **numbers: float) -> None:
        raise AssertionError("these stages are quick")


def lines(path: Path, *rows: object) -> File:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return File(str(path))


def corpus(tmp_path: Path, *rows: object, **settings: Any) -> Corpus:
    return CorpusFromFile(file=lines(tmp_path / "in.jsonl", *rows), **settings).build(Bench(tmp_path))


def chats(tmp_path: Path, *rows: object, **settings: Any) -> ChatSet:
    return ChatsFromFile(file=lines(tmp_path / "in.jsonl", *rows), **settings).build(Bench(tmp_path))


def refusal(make: Any, *arguments: Any, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        make(*arguments, **settings)
    return str(caught.value)


TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."}]


def test_text_alone_makes_a_document_with_an_id_from_its_content(tmp_path: Path) -> None:
    made = corpus(tmp_path, {"text": "one"}, {"text": "two", "id": 7, "type": "memo", "meta": {"domain": "tea"}})
    again = corpus(tmp_path, {"text": "zero"}, {"text": "one"})
    assert [d.text for d in made.documents] == ["one", "two"]
    assert made.documents[0].id == again.documents[1].id != again.documents[0].id
    assert made.documents[1].id == "7" and made.documents[1].meta == {"domain": "tea", "type": "memo"}


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    hostile = [
        "{x} {{ y }} %s $HOME \\n",
        "日本語 🙂 \u2028 \x85 \x1f",
        "<|im_end|></s>[INST]",
        "a\r\nb\tc",
        "é" * 1_000_000,
    ]
    made = corpus(tmp_path, *({"text": text} for text in hostile))
    assert [d.text for d in made.documents] == hostile
    out = tmp_path / "out"
    out.mkdir()
    made.write(out)
    assert [d.text for d in Corpus.read(out).documents] == hostile


def test_equal_ids_name_both_lines(tmp_path: Path) -> None:
    said = refusal(corpus, tmp_path, {"text": "a", "id": "x"}, {"text": "b"}, {"text": "c", "id": "x"})
    assert "in.jsonl, line 3" in said and "in.jsonl, line 1" in said and "'x'" in said
    assert "line 2" in refusal(corpus, tmp_path, {"text": "a"}, {"text": "a"})


def test_unusable_texts_are_dropped_with_their_reason_only_when_told(tmp_path: Path) -> None:
    rows = [{"text": "good"}, {"text": " \n"}, {"text": "half \ud83d"}, {"text": "good"}]
    assert "line 2: its text is blank" in refusal(corpus, tmp_path, *rows)
    job = Bench(tmp_path)
    made = CorpusFromFile(file=lines(tmp_path / "in.jsonl", *rows), unusable="drop").build(job)
    assert [d.text for d in made.documents] == ["good"]
    assert [why.partition(": ")[0] for _, why in made.dropped] == ["line 2", "line 3", "line 4"]
    assert job.facts == {"documents": 1, "words": 1, "dropped": 3} and "3 rows" in job.warnings[0]


def test_what_is_kept_does_not_depend_on_where_the_file_lies(tmp_path: Path) -> None:
    rows = [{"text": "good"}, {"text": ""}, {"text": "good"}]
    made: list[bytes] = []
    for place in ("here", "there"):
        folder = tmp_path / place
        folder.mkdir()
        recipe = CorpusFromFile(file=lines(folder / f"{place}.jsonl", *rows), unusable="drop")
        recipe.build(Bench(folder)).write(folder)
        made.append((folder / "dropped.jsonl").read_bytes() + recipe.id.encode())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a"}\n{"text": 1}\n', "line 2: field 'text' should be text but is a int"),
        ('{"text": "a"}\n\n{"body": "b"}\n', "line 3: field 'text' should be text but is missing"),
        ('{"text": "a"}\n{"text": "b"\n', ":2: not a line of JSON"),
        ('{"text": "a"}\n["b"]\n', ":2: a list"),
        ('{"text": "a", "id": [1]}\n', "line 1: field 'id'"),
        ("", "no document to read"),
        ("\n\n", "no document to read"),
        ('{"text": ' + "[" * 100_000, "not a line of JSON"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(content, encoding="utf-8")
    assert expected in refusal(CorpusFromFile(file=File(str(path))).build, Bench(tmp_path))


def test_bytes_that_are_not_utf8_and_unknown_kinds_are_named(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\xff\xfe"}\n')
    assert ":2: not a line of JSON in UTF-8" in refusal(CorpusFromFile(file=File(str(path))).build, Bench(tmp_path))
    path = tmp_path / "in.csv"
    path.write_text("text\na\n")
    assert ".csv" in refusal(CorpusFromFile(file=File(str(path))).build, Bench(tmp_path))


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    recipe = CorpusFromFile(file=lines(tmp_path / "in.jsonl", {"text": "a"}))
    lines(tmp_path / "in.jsonl", {"text": "b"})
    assert "changed" in refusal(recipe.build, Bench(tmp_path))


def test_another_field_may_hold_the_text(tmp_path: Path) -> None:
    made = corpus(tmp_path, {"content": "a", "text": "not this"}, text="content")
    assert made.documents[0].text == "a" and made.documents[0].meta == {"text": "not this"}


def test_a_list_in_one_json_file(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text("\ufeff" + json.dumps([{"text": "a"}, {"text": "b"}], indent=2), encoding="utf-8")
    assert [d.text for d in CorpusFromFile(file=File(str(path))).build(Bench(tmp_path)).documents] == ["a", "b"]
    path.write_text('[{"text": "a"}, 3]')
    assert "row 2" in refusal(CorpusFromFile(file=File(str(path))).build, Bench(tmp_path))


def test_parquet_gives_what_jsonl_gives(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    rows = [{"text": f"text {n}", "id": f"d{n}", "kind": "memo", "weight": 0.5} for n in range(3000)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "in.parquet", row_group_size=700)
    made = CorpusFromFile(file=File(str(tmp_path / "in.parquet"))).build(Bench(tmp_path))
    assert made == corpus(tmp_path, *rows)
    parquet.write_table(pyarrow.Table.from_pylist([*rows, rows[5]]), tmp_path / "in.parquet")
    said = refusal(CorpusFromFile(file=File(str(tmp_path / "in.parquet"))).build, Bench(tmp_path))
    assert "row 3001" in said and "row 6" in said
    with (tmp_path / "in.parquet").open("r+b") as file:
        file.truncate(500)
    assert "not readable as Parquet" in refusal(
        CorpusFromFile(file=File(str(tmp_path / "in.parquet"))).build, Bench(tmp_path)
    )


def test_parquet_values_that_json_has_not(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import datetime

    import pyarrow

    row = {
        "text": "a",
        "when": datetime.date(2026, 5, 1),
        "raw": b"\x01\xff",
        "score": float("nan"),
        "turns": [{"a": None}],
    }
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "in.parquet")
    made = CorpusFromFile(file=File(str(tmp_path / "in.parquet"))).build(Bench(tmp_path))
    assert made.documents[0].meta == {"when": "2026-05-01", "raw": "01ff", "score": None, "turns": [{"a": None}]}
    made.write(tmp_path)
    assert Corpus.read(tmp_path) == made


SAME = [
    {"messages": TURNS},
    {"conversations": [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Hi."}]},
    {"prompt": "Hello?", "completion": "Hi."},
    {"prompt": TURNS[:1], "completion": TURNS[1:]},
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo?"}]},
            TURNS[1],
        ]
    },
    {"prompt": "Hello?", "prompt_id": 3, "messages": TURNS},
]


@pytest.mark.parametrize("row", SAME, ids=lambda row: "+".join(row))
def test_all_shapes_give_the_same_chat(tmp_path: Path, row: dict[str, Any]) -> None:
    chat = chats(tmp_path, row).chats[0]
    assert [(m.role, m.content, m.reasoning) for m in chat.messages] == [
        ("user", "Hello?", None),
        ("assistant", "Hi.", None),
    ]


REASONED = [
    {"messages": [TURNS[0], {"role": "assistant", "content": "Hi.", "reasoning": "A greeting."}]},
    {"messages": [TURNS[0], {"role": "assistant", "content": "Hi.", "reasoning_content": "A greeting."}]},
    {"messages": [TURNS[0], {"role": "assistant", "content": "<think>\nA greeting.\n</think>\n\nHi."}]},
    {
        "conversations": [
            {"from": "human", "value": "Hello?"},
            {"from": "gpt", "value": "<think>A greeting.</think>Hi."},
        ]
    },
    {"prompt": "Hello?", "completion": "  <think>A greeting.</think>\nHi."},
    {
        "messages": [
            TURNS[0],
            {"role": "assistant", "content": "<think>A greeting.</think>Hi.", "reasoning": "A greeting."},
        ]
    },
]


@pytest.mark.parametrize("row", REASONED, ids=lambda row: "+".join(row))
def test_reasoning_is_kept_apart(tmp_path: Path, row: dict[str, Any]) -> None:
    job = Bench(tmp_path)
    last = ChatsFromFile(file=lines(tmp_path / "in.jsonl", row)).build(job).chats[0].messages[-1]
    assert (last.content, last.reasoning) == ("Hi.", "A greeting.")
    assert job.facts == {"chats": 1, "turns": 2, "dropped": 0, "with_reasoning": 1}


def test_think_blocks_elsewhere_are_text(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "content": "<think>mine</think> What is <think>?"},
            {"role": "assistant", "content": "A tag: <think>x</think>"},
        ]
    }
    chat = chats(tmp_path, row).chats[0]
    assert [m.content for m in chat.messages] == [t["content"] for t in row["messages"]]
    empty = {"messages": [TURNS[0], {"role": "assistant", "content": "<think>\n\n</think>\n\nHi."}]}
    assert chats(tmp_path, empty).chats[0].messages[-1] == chats(tmp_path, SAME[0]).chats[0].messages[-1]


def test_system_turns_and_meta_are_kept(tmp_path: Path) -> None:
    first = chats(
        tmp_path, {"system": "Be brief.", "messages": TURNS, "source": "own", "meta": {"kind": "identity"}}
    ).chats[0]
    second = chats(
        tmp_path,
        {
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "Hello?"},
                {"from": "gpt", "value": "Hi."},
            ]
        },
    ).chats[0]
    assert first.messages == second.messages and first.messages[0].role == "system"
    assert first.meta == {"source": "own", "kind": "identity"}


def assistant(**fields: Any) -> dict[str, Any]:
    return {"messages": [TURNS[0], {"role": "assistant", **fields}]}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "no chat"}, "line 2: not a chat (fields: text)"),
        ({"messages": []}, "line 2: 'messages' should be a list"),
        ({"messages": "hello"}, "line 2: 'messages' should be a list"),
        ({"messages": ["hello"]}, "line 2, turn 1: a str"),
        ({"messages": TURNS[:1]}, "line 2: no assistant turn"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "line 2, turn 1: role 'wizard'"),
        ({"messages": [*TURNS, {"role": "tool", "content": "x"}]}, "line 2, turn 3: role 'tool'"),
        (assistant(content=" "), "line 2, turn 2: a blank assistant turn"),
        (assistant(content=None), "line 2, turn 2: content should be text but is missing"),
        (assistant(content=[{"type": "image", "url": "x"}]), "line 2, turn 2: content should be text"),
        (assistant(content="", tool_calls=[{"id": 1}]), "line 2, turn 2: calls a tool"),
        (assistant(content="<think>no end"), "line 2, turn 2: <think> is opened and never closed"),
        (assistant(content="<think>all of it</think>"), "line 2, turn 2: a blank assistant turn"),
        (assistant(content="<think>a</think>Hi.", reasoning="b"), "line 2, turn 2: reasoning stands in a field and"),
        (assistant(content="Hi.", reasoning=3), "line 2, turn 2: reasoning should be one text"),
        (assistant(content="half \udc00"), "line 2, turn 2: holds half a character"),
        ({"prompt": "a", "completion": 3}, "line 2, completion: should be text"),
        ({"prompt": "a"}, "line 2: not a chat"),
    ],
)
def test_wrong_chats_are_named_and_dropped_when_told(tmp_path: Path, row: dict[str, Any], expected: str) -> None:
    good = {"messages": TURNS}
    assert expected in refusal(chats, tmp_path, good, row)
    job = Bench(tmp_path)
    kept = ChatsFromFile(file=lines(tmp_path / "in.jsonl", good, row), unusable="drop").build(job)
    assert len(kept.chats) == 1 and job.facts["dropped"] == 1 and expected.partition(" (")[0] in job.warnings[0]
    assert str(tmp_path) not in job.warnings[0]


def test_no_chat_at_all_is_an_error(tmp_path: Path) -> None:
    assert "no chat to read" in refusal(chats, tmp_path)
    assert "no chat to read (1 were dropped" in refusal(chats, tmp_path, {"a": 1}, unusable="drop")


def test_chats_from_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    rows = [
        {"messages": TURNS},
        {"messages": [TURNS[0], {"role": "assistant", "content": "Hi.", "reasoning": "Why not."}]},
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "in.parquet")
    assert ChatsFromFile(file=File(str(tmp_path / "in.parquet"))).build(Bench(tmp_path)) == chats(tmp_path, *rows)


@pytest.mark.parametrize("make", [CorpusFromFile, ChatsFromFile])
def test_recipes_without_a_pinned_source_are_refused(tmp_path: Path, make: Any) -> None:
    file = lines(tmp_path / "in.jsonl", {"text": "a"})
    for wrong in (
        {},
        {"file": file, "hub": "a/b", "revision": COMMIT},
        {"hub": "a/b"},
        {"hub": "a/b", "revision": "main"},
        {"hub": "../b/c", "revision": COMMIT},
        {"file": file, "revision": COMMIT},
        {"file": file, "files": "*"},
        {"file": file, "unusable": "skip"},
    ):
        with pytest.raises(RecipeError):
            make(**wrong)
    assert make(hub="a/b", revision=COMMIT).id != make(hub="a/b", revision=COMMIT[::-1]).id
    assert make(file=file).id != make(file=file, unusable="drop").id


@pytest.mark.parametrize(
    ("names", "split", "pattern", "expected"),
    [
        (
            [
                "README.md",
                "data/train-00001-of-00002.parquet",
                "data/train-00000-of-00002.parquet",
                "data/test-00000-of-00001.parquet",
            ],
            "train",
            None,
            ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
        ),
        (["train.jsonl", "test.jsonl"], "test", None, ["test.jsonl"]),
        (["train/a.jsonl", "test/a.jsonl"], "train", None, ["train/a.jsonl"]),
        (
            ["data/train_sft-00000-of-00001.parquet", "data/train_gen-00000-of-00001.parquet"],
            "train_sft",
            None,
            ["data/train_sft-00000-of-00001.parquet"],
        ),
        (["corpus.jsonl", "dataset_infos.json"], "train", None, ["corpus.jsonl"]),
        (["rules/x.parquet", "values/x.parquet"], "train", "rules/*", ["rules/x.parquet"]),
        (["my-train-set.jsonl", "notes.jsonl"], "train", None, ["my-train-set.jsonl"]),
    ],
)
def test_files_of_a_split(names: list[str], split: str, pattern: str | None, expected: list[str]) -> None:
    assert choose(names, split, pattern, "a/b") == expected


@pytest.mark.parametrize(
    ("names", "split", "pattern", "expected"),
    [
        (["rules/train.parquet", "values/train.parquet"], "train", None, "rules/train.parquet, values/train.parquet"),
        (["train.parquet", "train.jsonl"], "train", None, "several folders or formats"),
        (["test.jsonl"], "train", None, "there is: test.jsonl"),
        (["train.jsonl"], "train", "x*", "files='x*'"),
        (["README.md"], "train", None, "there is: README.md"),
    ],
)
def test_unclear_splits_are_refused(names: list[str], split: str, pattern: str | None, expected: str) -> None:
    assert expected in refusal(choose, names, split, pattern, "a/b")


HUB = """
import hashlib, http.server, json, os, sys, threading
root, commit = sys.argv[1], sys.argv[2]
asked = []

class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        path = self.path.partition("?")[0]
        if path.startswith("/api/datasets/own/data") and commit in path:
            files = sorted(os.path.relpath(os.path.join(p, f), root) for p, _, fs in os.walk(root) for f in fs)
            tree = [{"type": "file", "path": f, "size": 1, "oid": "0" * 40} for f in files]
            whole = {"id": "own/data", "sha": commit, "siblings": [{"rfilename": f} for f in files]}
            return self.answer(200, json.dumps(tree if "/tree/" in path else whole).encode())
        start = f"/datasets/own/data/resolve/{commit}/"
        if path.startswith(start):
            body = open(os.path.join(root, path[len(start):]), "rb").read()
            return self.answer(200, body, {"ETag": '"' + hashlib.sha1(body).hexdigest() + '"', "X-Repo-Commit": commit})
        self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ.update(HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}", HF_HUB_OFFLINE="0")

from midspec.core.errors import MidspecError
from midspec.stages.corpus_from_file import CorpusFromFile

for settings in ({}, {"split": "test"}, {"hub": "own/nothing"}, {"revision": "f" * 40}, {"split": "none"}):
    recipe = CorpusFromFile(**{"hub": "own/data", "revision": commit, **settings})
    try:
        print(json.dumps([str(p) + " = " + row["text"] for p, row in recipe.source().rows()]))
    except MidspecError as error:
        print(json.dumps([type(error).__name__, str(error)]))
print(json.dumps([a for a in asked if "resolve" in a]))
"""


def test_a_data_set_of_a_hub(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    for name, texts in {
        "data/train-00000-of-00002.jsonl": ["a", "b"],
        "data/train-00001-of-00002.jsonl": ["c"],
        "data/test-00000-of-00001.jsonl": ["d"],
    }.items():
        path = tmp_path / "served" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines(path, *({"text": text} for text in texts))
    done = subprocess.run(
        [sys.executable, "-c", HUB, str(tmp_path / "served"), COMMIT],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    train, test, missing, commit, split, asked = (json.loads(line) for line in done.stdout.splitlines())
    first = f"own/data@{COMMIT[:8]}/data/train-0000"
    assert train == [
        f"{first}0-of-00002.jsonl, line 1 = a",
        f"{first}0-of-00002.jsonl, line 2 = b",
        f"{first}1-of-00002.jsonl, line 1 = c",
    ]
    assert [t.rpartition(" = ")[2] for t in test] == ["d"]
    assert missing[0] == commit[0] == "SetupError" and "own/nothing" in missing[1]
    assert split[0] == "DataError" and "train-00000" in split[1]
    assert all(f"/resolve/{COMMIT}/" in path for path in asked)


def test_a_hub_that_may_not_be_asked(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(SetupError, match="cannot be fetched") as caught:  # the tests' own settings forbid the network
        CorpusFromFile(hub="own/data", revision=COMMIT).build(Bench(tmp_path))
    assert "file=" in str(caught.value)
