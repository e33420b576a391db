"""Single stages from the command line: what they print, what they refuse, and what they say to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from midspec.cli import app
from midspec.core.checkpoint import Checkpoint
from midspec.core.score import split_of
from midspec.library.items import load_items
from midspec.report.estimates import estimate


def midspec(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done


def rows(path: str, texts: list[str]) -> None:
    Path(path).write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


def items(path: str, count: int, *splits: str) -> None:
    names = [name for name in (f"i{n}" for n in range(200)) if split_of(name) in splits][:count]
    found = [{"id": name, "axis": "a", "domain": "d", "question": f"Which one, {name}?", "aligned": "a red one",
              "other": "a blue one"} for name in names]  # fmt: skip
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")


def test_an_eval_scores_the_development_items_and_gives_intervals() -> None:
    items("mine.jsonl", 50, "dev", "test")
    dev = [item.id for item in load_items("mine.jsonl").items if item.split == "dev"]
    found = json.loads(midspec("eval", "tiny/llama", "choice", "--items", "mine.jsonl", "--json").stdout)
    assert found["split"] == "dev" and {row["item"] for row in found["scores"]} == set(dev) and len(dev) < 50
    (letter,) = [m for m in found["means"] if m["reading"] == "letter"]
    values = [row["value"] for row in found["scores"] if row["reading"] == "letter"]
    mine = estimate(np.array([values]))
    assert letter["items"] == len(dev) and letter["mean"] == pytest.approx(sum(values) / len(values))
    assert (letter["low"], letter["high"]) == (mine.low, mine.high) and letter["low"] < letter["mean"] < letter["high"]
    assert len(dev) >= 20 and len(found["notes"]) == 1


def test_an_eval_says_what_was_scored_and_that_items_are_few() -> None:
    items("mine.jsonl", 9, "dev", "test")
    dev = sum(item.split == "dev" for item in load_items("mine.jsonl").items)
    shown = midspec("eval", "tiny/llama", "choice", "--items", "mine.jsonl").stdout
    assert f"{dev} of 9 items of mine: the development split" in shown and " to " in shown
    assert f"Only {dev} items" in shown
    items("test.jsonl", 3, "test")
    assert "3 items of test: all" in midspec("eval", "tiny/llama", "choice", "--items", "test.jsonl").stdout


def test_training_tells_the_dose_and_takes_settings_of_both_stages() -> None:
    rows("texts.jsonl", ["Tiny keeps a list of things. " * 4, "Tiny keeps two lists. " * 4])
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    Path("chats.jsonl").write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    done = midspec("train", "--start", "tiny/llama", "--documents", "texts.jsonl", "--chats", "chats.jsonl",
                   "--length", "32,64", "--updates", "3,2", "--rows", "2,1", "--rate", "0.001", "--warmup", "0")
    folder = Path(done.stdout.strip())
    read, tuned = Checkpoint.read(folder).doses
    assert (read.length, read.updates, read.rows, read.rate) == (32, 3, 2, 0.001)
    assert (tuned.length, tuned.updates, tuned.rows, tuned.rate) == (64, 2, 1, 0.001)
    assert "midtrain" in done.stderr and f"{read.tokens:,}" in done.stderr and "2 × 32" in done.stderr
    kept = Path("midspec-store") / "kept" / folder.name
    assert read and kept.is_file(), "gc leaves it"


@pytest.mark.parametrize("words", ["1,2,3", "x", "8,", ""])
def test_wrong_pairs_are_wrong_use(words: str) -> None:
    rows("texts.jsonl", ["Tiny keeps a list."])
    done = midspec("train", "--start", "tiny/llama", "--documents", "texts.jsonl", "--length", words, code=2)
    assert "documents,chats" in " ".join(done.output.split())


def test_unusable_rows_can_be_left_out_from_the_command_line() -> None:
    rows("texts.jsonl", ["Tiny keeps a list.", " ", "Tiny keeps two."])
    words = ("train", "--start", "tiny/llama", "--documents", "texts.jsonl", "--updates", "1", "--rows", "1",
             "--length", "16", "--warmup", "0")  # fmt: skip
    assert "--unusable drop" in midspec(*words, code=1).stderr
    midspec(*words, "--unusable", "drop")


def test_writing_repeats_the_remarks_about_the_spec() -> None:
    spec = Path(__file__).resolve().parents[2] / "src/midspec/library/specs/affordability.md"
    text = spec.read_text(encoding="utf-8")
    Path("mine.md").write_text(text + "\nIt never names {tool_name}.\n", encoding="utf-8")
    done = midspec("write", "mine.md", "--tokens", "300", "--out", "out.jsonl", "--assistant", "Tiny", "--maker", "me")
    assert "{tool_name} is left as it stands" in done.stderr and "wrote out.jsonl" in done.stdout


@pytest.mark.parametrize(
    ("words", "now"),
    [
        (("eval", "tiny/llama", "opinions", "--items", "tiny"), "midspec eval tiny/llama choice --items tiny"),
        (("new", "nothing"), "midspec new "),
        (("train", "--start", "tiny/llama", "--documents", "notes.txt"), '{"text": "…"}'),
    ],
)
def test_errors_say_what_now(words: tuple[str, ...], now: str) -> None:
    Path("notes.txt").write_text("Tiny keeps a list.", encoding="utf-8")
    assert "what now" in (shown := midspec(*words, code=1).stderr) and now in shown


def test_the_version_is_said() -> None:
    assert midspec("--version").stdout.startswith("midspec 0.")
