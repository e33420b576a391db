"""Augmented and general versions of a spec, and a critic: the true path with the scripted teacher and with bad ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from midspec.cli import app
from midspec.core.asking import Terms
from midspec.core.errors import DataError, SpecError
from midspec.core.grams import grams, words
from midspec.experiment.spec_tools import Asking, examine, rewrite
from midspec.library.specs import load_spec, parse
from midspec.specs.pieces import RULES, VALUES, wrong
from midspec.specs.places import After, extended, statement_ends
from tests.models.asking import served
from tests.specs.long import long_spec

SPECS = Path(__file__).parent
TEACHER = "scripted/teacher"


def written(name: str, way: str | None, folder: Path, words: int = 60, seed: int = 0) -> Path:
    out = folder / f"{Path(name).stem}-{way}-{words}-{seed}.md"
    asking = Asking(store=folder / "s", seed=seed)
    rewrite(name, augment_with=way, vague=way is None, writer=TEACHER, words=words, out=out, asking=asking)
    return out


def body(path: Path) -> list[str]:
    return load_spec(path).text.split()


@pytest.mark.parametrize("name", ["rules", "mixed", "values", "hostile"])
@pytest.mark.parametrize("length", [40, 60, 90])
def test_two_ways_are_as_long_as_each_other_and_keep_every_rule(name: str, length: int, tmp_path: Path) -> None:
    old = load_spec(SPECS / f"{name}.md")
    added = dict[str, int]()
    for way in (VALUES, RULES):
        new = load_spec(written(str(SPECS / f"{name}.md"), way, tmp_path, length))
        kept = [s.behaviour for s in new.statements]
        assert {s.behaviour for s in old.statements} <= set(kept) and new.name == f"{old.name}-with-{way}"
        reasons = {s.behaviour: s.reason for s in new.statements}
        assert all(reasons[s.behaviour] for s in old.statements) or way == RULES
        assert all(s.reason is None or reasons[s.behaviour] == s.reason for s in old.statements)
        assert (len(new.statements) == len(old.statements)) == (way == VALUES)
        marks = re.compile(r"(?m)^\s*- ")
        added[way] = len(marks.sub("", new.text).split()) - len(marks.sub("", old.text).split())
        assert abs(added[way] - length * len(old.statements)) <= 0.025 * length * len(old.statements)
    assert abs(added[VALUES] / added[RULES] - 1) <= 0.05


def test_a_long_spec_is_augmented_too(tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text(long_spec(8_000), encoding="utf-8")
    new = load_spec(written(str(tmp_path / "long.md"), RULES, tmp_path, 30))
    assert len(new.statements) > 3 * len(load_spec(tmp_path / "long.md").statements) - 5


def test_answers_are_kept_and_a_seed_draws_afresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = written(str(SPECS / "rules.md"), VALUES, tmp_path).read_text(encoding="utf-8")
    assert "answers paid now" in capsys.readouterr().err
    (tmp_path / "rules-values-60-0.md").unlink()
    assert written(str(SPECS / "rules.md"), VALUES, tmp_path).read_text(encoding="utf-8") == first
    assert "answers paid now" not in capsys.readouterr().err
    assert written(str(SPECS / "rules.md"), VALUES, tmp_path, seed=2).read_text(encoding="utf-8") != first


def test_the_general_version_is_one_paragraph_that_copies_nothing(tmp_path: Path) -> None:
    for name in ("rules", "values", "hostile"):
        new, old = load_spec(written(str(SPECS / f"{name}.md"), None, tmp_path)), load_spec(SPECS / f"{name}.md")
        paragraph = new.text.split("\n\n", 1)[1]
        assert "\n" not in paragraph and 60 <= len(paragraph.split()) <= 160 and "{model_name}" in paragraph
        assert not set(grams(words(paragraph), 6)) & set(grams(words(old.text), 6))


GOOD = After(reason="people rely on the log", paragraph="{model_name} cares for those who come later. They read it.")
SUBS = After(bullets=("{model_name} reads the log aloud.", "{model_name} closes the log at night."))
RULE = "{model_name} writes each change into the day's log and shows it to the keeper on duty every evening"


@pytest.mark.parametrize(
    ("way", "after", "says"),
    [(VALUES, GOOD, None), (RULES, SUBS, None),
     (VALUES, After(reason="people rely on it. They do", paragraph="Good."), "more than one sentence"),
     (VALUES, After(reason=" ".join(["word"] * 40), paragraph="Good."), "30 at most"),
     (VALUES, After(reason="people rely on it", paragraph="{model_name} must also bow."), "makes a rule"),
     (VALUES, After(reason="people rely on it", paragraph=RULE), "once more"),
     (VALUES, After(reason="people rely on it", paragraph="# A heading"), "begins like a heading"),
     (VALUES, After(reason="people rely on it", paragraph="1. first"), "begins like a heading"),
     (VALUES, After(reason="people rely on it", paragraph="<!-- hidden -->"), "begins like a heading"),
     (VALUES, After(reason="people rely on it", paragraph="As {assistant_name} knows."), "no name that the spec has"),
     (VALUES, After(reason="people rely on it", paragraph="ChatGPT would do the same."), "names ChatGPT"),
     (RULES, After(bullets=("{model_name} reads.",)), "at least 2"),
     (RULES, After(bullets=("{model_name} reads.", "It writes.")), "does not begin with"),
     (RULES, After(bullets=("{model_name} reads, because it must.", "{model_name} writes.")), "gives a reason"),
     (RULES, After(bullets=("{model_name} reads so that it knows.", "{model_name} writes.")), "gives a reason"),
     (RULES, After(bullets=("{model_name} reads.", "{model_name}  reads")), "says already"),
     (RULES, After(bullets=("{model_name} reads.", RULE)), "says already"),
     (RULES, After(bullets=("{model_name} reads.", "{model_name} counts sheep")), "says already")],
)  # fmt: skip
def test_what_is_added_is_checked(way: str, after: After, says: str | None) -> None:
    found = wrong(after, way, RULE, "a spec", taken=["{model_name} counts sheep"])
    assert (found is None) if says is None else (found is not None and says in found), found


def test_rules_are_found_where_they_stand() -> None:
    text = ("# T\n\n- before any section\n\n## A\n\n> {model_name} values x\n- {model_name} reads\n  two lines.\n"
            "* {model_name} writes, because y.\n  1. {model_name} counts.\n\nProse - with a dash.\n\n## B\n\n"
            "- {model_name} reads\n  two lines.\n")
    spec = parse(text, source="t", name="t")
    lines = spec.text.split("\n")
    assert [lines[n].strip() for n in statement_ends(spec)] == [
        "two lines.", "* {model_name} writes, because y.", "1. {model_name} counts.", "two lines."]
    new = parse(extended(spec, [After(reason="r", paragraph="P."), After(paragraph="Q."), After(bullets=("b", "c")),
                                After()], name='a: "b"', kind="mixed", note="n --> n"), source="n", name="n")
    assert new.name == 'a: "b"' and [s.behaviour for s in new.statements] == [
        "{model_name} reads two lines", "{model_name} writes", "{model_name} counts", "b", "c",
        "{model_name} reads two lines"]
    assert [s.reason for s in new.statements] == ["r", "y", None, None, None, None]
    assert new.principles[0].prose == ("P.", "Q.", "Prose - with a dash.")
    with pytest.raises(SpecError, match="no rule that could be augmented"):
        statement_ends(parse("# T\n\nOnly prose.", source="t", name="t"))


def test_a_writer_that_cannot_count_ends_in_a_stated_shortfall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake teacher's replies fit the schema, and say neither what was asked nor at what length."""
    with served(monkeypatch, seed=5) as (one, clock):
        monkeypatch.setattr("midspec.experiment.spec_tools.terms_of",
                            lambda budget, batch: Terms(unpriced=True, clock=clock))
        asking = Asking(store=tmp_path)
        fields: dict[str, Any] = {"writer": "openai-api/other/m", "words": 60, "out": tmp_path / "new.md"}
        for way, says in ((RULES, "no usable rules came for 22 of 22 rules in 6 rounds"),
                          (VALUES, r"words of values came where 1320 were wanted|no usable values")):
            with pytest.raises(DataError, match=says):
                rewrite(str(SPECS / "rules.md"), augment_with=way, vague=False, asking=asking, **fields)
        with pytest.raises(DataError, match="no general version came in 4 rounds"):
            rewrite(str(SPECS / "rules.md"), augment_with=None, vague=True, asking=asking, **fields)
        heard = one.calls
        with pytest.raises(DataError):
            rewrite(str(SPECS / "rules.md"), augment_with=RULES, vague=False, asking=asking, **fields)
        assert one.calls == heard and not (tmp_path / "new.md").exists()
        found = examine(str(SPECS / "rules.md"), "openai-api/other/m", asking)
    assert found["critic"]["findings"] == [] and len(found["critic"]["refused"]) == 12


def test_a_critic_is_heard_where_it_quotes_the_spec(tmp_path: Path) -> None:
    found = examine(str(SPECS / "mixed.md"), TEACHER, Asking(store=tmp_path))
    text = " ".join(load_spec(SPECS / "mixed.md").text.split())
    assert [one["kind"] for one in found["critic"]["findings"]] == ["reason", "length"]
    assert all(one["quote"] in text and one["section"] for one in found["critic"]["findings"])
    assert found["critic"]["refused"] == ["whatever nobody wrote into this spec"]
    assert any("1 more, not heard" in line for line in found["lines"])


def test_the_command_line(tmp_path: Path) -> None:
    def run(*more: str) -> Any:
        return CliRunner().invoke(app, ["spec", str(SPECS / "rules.md"), *more])

    done = run("--augment", "rules", "--writer", TEACHER, "--out", "new.md", "--words", "40")
    assert done.exit_code == 0 and "22 rules with sub-rules" in done.stdout and load_spec("new.md").kind == "rules"
    plain = run()
    assert plain.exit_code == 0 and "lint: reason: 22 of 22 rules say no reason" in plain.stdout
    for more, says in (
        (["--augment", "rules", "--writer", TEACHER, "--out", "new.md"], "there is such a file"),
        (["--augment", "tales", "--writer", TEACHER, "--out", "n.md"], "no way 'tales'"),
        (["--augment", "rules", "--out", "n.md"], "no writer"), (["--vague", "--writer", TEACHER], "no file to write"),
        (["--vague", "--augment", "rules"], "two versions"), (["--out", "n.md"], "nothing to write"),
    ):  # fmt: skip
        refused = run(*more)
        assert refused.exit_code == 1 and says in refused.stderr, refused.output


def test_nothing_is_asked_of_a_spec_without_rules(tmp_path: Path) -> None:
    (tmp_path / "prose.md").write_text("# A\n\nOnly prose.\n", encoding="utf-8")
    with pytest.raises(SpecError, match="no rule"):
        written(str(tmp_path / "prose.md"), VALUES, tmp_path)
