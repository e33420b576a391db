"""The whole loop: golden numbers, nothing built twice, damage found, what a new user sees."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests.whole.artifacts import contents
from tests.whole.conftest import TINY, midspec

GOLDEN = Path(__file__).with_name("golden.json")
Run = tuple[Path, str, float]


def means(store: Path) -> dict[str, float]:
    report = json.loads((store / "reports" / "tiny" / "report.json").read_text(encoding="utf-8"))
    return {" / ".join((m["arm"], m["eval"], m["axis"], m["reading"])): m["value"] for m in report["means"]}


def test_it_takes_less_than_two_minutes(tiny_run: Run) -> None:
    assert tiny_run[2] < 120


def test_golden_numbers(tiny_run: Run) -> None:
    golden, now = json.loads(GOLDEN.read_text(encoding="utf-8")), means(tiny_run[0])
    assert now.keys() == golden.keys()
    for name, value in golden.items():
        # Other processors sum in another order; 40 updates spread that to about the third digit. A sampled word may
        # become another one by that, and with it one of the two to six answers that such a mean is over.
        assert now[name] == pytest.approx(value, abs=0.5 if " / answers / " in name else 0.03), name


def test_training_moved_the_model(tiny_run: Run) -> None:
    now = means(tiny_run[0])
    for reading in ("letter", "yesno", "open"):
        untouched = now[f"untouched / choice / america / {reading}"]
        assert any(abs(v - untouched) > 1e-3 for k, v in now.items() if k.endswith(f"america / {reading}"))


def test_the_output_is_question_answers_side_by_side_table_answer_and_page(tiny_run: Run) -> None:
    told = json.loads((tiny_run[0] / "reports" / "tiny" / "report.json").read_text(encoding="utf-8"))
    page = f"report: {Path('store', 'reports', 'tiny', 'report.html')}\n"
    shown, while_running = tiny_run[1].split(page)
    assert while_running.startswith(told["question"])
    places = [shown.index(words) for words in ("sampled answers to", "\n1.  ", "\nuntouched  ", "\ncontrast",
                                               told["notes"][0], told["answer"])]
    assert places == sorted(places) and shown.rstrip().endswith(told["answer"])


def test_a_check_that_fails_is_shown_as_failed(tiny_run: Run) -> None:
    folder = tiny_run[0] / "reports" / "tiny"
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))["checks"]
    assert [check["passed"] for check in told] == [False, True, True], "a random model names no option"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.index("Did the treatment take?") < page.index("The answer")
    assert page.count(">FAILS<") == 1 and page.count(">holds<") == 2


def test_again_builds_nothing(tiny_run: Run) -> None:
    store = tiny_run[0]
    before, started = contents(store), time.time()
    done = midspec("run", str(TINY), "--store", str(store), "--json", cwd=store.parent)
    tally = json.loads(done.stdout)["tally"]
    assert tally["built"] == 0 and tally["found"] > 10
    assert contents(store) == before, "the report is the same, byte for byte"
    assert time.time() - started < 15


def test_plan_says_have(tiny_run: Run) -> None:
    store = tiny_run[0]
    made = json.loads(midspec("plan", str(TINY), "--store", str(store), "--json", cwd=store.parent).stdout)
    assert made["build"] == 0 and {row["state"] for row in made["artifacts"]} == {"have"}
    doses = {arm["arm"]: [d["updates"] for d in arm["doses"]] for arm in made["arms"]}
    assert doses == {"untouched": [], "aft": [30], "msm_america": [40, 30], "msm_affordability": [40, 30]}


def test_plan_names_the_field_that_differs(tiny_run: Run, tmp_path: Path) -> None:
    changed = tmp_path / "tiny.py"
    changed.write_text(TINY.read_text(encoding="utf-8").replace("updates=40", "updates=50"), encoding="utf-8")
    made = json.loads(midspec("plan", str(changed), "--store", str(tiny_run[0]), "--json", cwd=tmp_path).stdout)
    trained = [row for row in made["artifacts"] if row["folder"].startswith("midtrain-")]
    assert trained and all(row["state"] == "build" and "schedule.updates: 40 → 50" in row["why"] for row in trained)
    # The corpus, the chats and the fine-tuning without midtraining are what they were.
    assert all(
        row["state"] == "have" for row in made["artifacts"] if row["folder"].startswith(("compose", "pretrained"))
    )


def test_plan_before_anything_knows_the_dose(tiny_run: Run, tmp_path: Path) -> None:
    before = json.loads(midspec("plan", str(TINY), "--store", "empty", "--json", cwd=tmp_path).stdout)
    after = json.loads(midspec("plan", str(TINY), "--store", str(tiny_run[0]), "--json", cwd=tmp_path).stdout)
    for early, late in zip(before["arms"], after["arms"], strict=True):
        for expected, given in zip(early["doses"], late["doses"], strict=True):
            assert expected == given, "what is cheap to compose is composed for the plan"
    assert before["minutes"] > 0 and before["held"] == 0 and after["held"] > 40
    assert not (tmp_path / "empty").exists(), "a plan writes nothing"


def test_the_plan_groups_what_differs_in_the_seed_only(tiny_run: Run) -> None:
    shown = midspec("plan", str(TINY), "--store", "nowhere", cwd=tiny_run[0].parent).stdout
    assert "store nowhere is new or empty" in shown and "≈ 0" not in shown
    lines = shown.splitlines()
    assert len(lines) < 30
    (documents,) = [line for line in lines if line.startswith("compose-documents-pro-america ×")]
    assert "×2" in documents and "msm_america" in documents and "aft" not in documents
    (unseen,) = [line for line in lines if line.startswith("compose-documents-pro-america-")]
    assert "untouched, msm_america" in unseen, "what only a check needs is named by its arms"
    (respond,) = [line for line in lines if line.startswith("respond")]
    assert "×21" in respond and "all" in respond


def test_the_list_of_a_store_says_kind_age_and_arms(tiny_run: Run) -> None:
    shown = midspec("store", "ls", "--store", str(tiny_run[0]), cwd=tiny_run[0].parent).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("midtrain-pro-america") and "msm_am" in line][:1]
    assert "Midtrain" in line and "tiny: msm_america" in line and "60 artifacts" in shown
    empty = midspec("store", "ls", "--store", "nowhere", cwd=tiny_run[0].parent).stdout
    assert "no artifact here" in empty and "no such folder" in empty


def test_every_number_of_the_page_leads_to_an_artifact(tiny_run: Run) -> None:
    import re

    page = tiny_run[0] / "reports" / "tiny" / "report.html"
    links = set(re.findall(r'href="(\./[^"#]+)"', page.read_text(encoding="utf-8")))
    assert len(links) > 10
    for link in links:
        assert (page.parent / link).resolve().exists(), link


def test_verify_finds_flipped_bytes_and_names_the_file(tiny_run: Run, tmp_path: Path) -> None:
    import shutil

    store = tmp_path / "copy"
    shutil.copytree(tiny_run[0], store)
    assert "0 problems" in midspec("verify", str(store), cwd=tmp_path).stdout
    chance = random.Random(7)
    files = [p for p in sorted((store / "artifacts").rglob("*")) if p.is_file()]
    target = chance.choice(files)
    data = bytearray(target.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    target.write_bytes(bytes(data))
    done = midspec("verify", str(store), cwd=tmp_path, check=False)
    assert done.returncode == 1 and target.name in done.stdout and target.parent.name in done.stdout


def test_two_experiments_on_one_page(tiny_run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    done = midspec("report", str(TINY), str(other), "--store", str(tiny_run[0]), "--json", cwd=tmp_path)
    assert {m["arm"].split(":")[0] for m in json.loads(done.stdout)["numbers"]["means"]} == {"tiny", "other"}


def test_a_final_run_scores_the_test_items_and_is_logged(tiny_run: Run, tmp_path: Path) -> None:
    import shutil

    store = tmp_path / "copy"
    shutil.copytree(tiny_run[0], store)
    shown = ""
    for _ in range(2):
        shown = midspec("run", str(TINY), "--store", str(store), "--final", cwd=tmp_path).stdout
    assert len((store / "scorings.jsonl").read_text().splitlines()) == 1, "the second run scored nothing new"
    told = "Test items have been scored once in this store, once by this experiment."
    assert told in shown and told in (store / "reports" / "tiny-final" / "report.html").read_text(encoding="utf-8")

    def items(report: str) -> set[str]:
        rows = [json.loads(line) for line in (store / "reports" / report / "rows.jsonl").read_text().splitlines()]
        return {row["item"] for row in rows if row["eval"] not in ("document_loss", "manifest")}

    dev, test = items("tiny"), items("tiny-final")
    assert dev and test and not dev & test


def test_gc_keeps_what_the_experiment_needs(tiny_run: Run, tmp_path: Path) -> None:
    import shutil

    store = tmp_path / "copy"
    shutil.copytree(tiny_run[0], store)
    small = tmp_path / "small.py"
    small.write_text(TINY.read_text(encoding="utf-8").replace("seed=(1, 2)", "seed=(1,)"), encoding="utf-8")
    shown = midspec("store", "gc", str(small), "--store", str(store), cwd=tmp_path).stdout
    assert "would remove" in shown and "add --yes" in shown and " bytes (" in shown
    before = len(list((store / "artifacts").iterdir()))
    midspec("store", "gc", str(small), "--store", str(store), "--yes", cwd=tmp_path)
    assert 0 < len(list((store / "artifacts").iterdir())) < before
    made = json.loads(midspec("plan", str(small), "--store", str(store), "--json", cwd=tmp_path).stdout)
    assert made["build"] == 0
