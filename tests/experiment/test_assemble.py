"""A small experiment from its file to its report: several axes, order effects, few items."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from midspec.experiment import verbs

FILE = '''"""Nothing is expected."""
from midspec import *

def plain():
    """As it came."""
    return Pretrained(source="tiny/llama")

def told(*, words):
    """With a system turn."""
    return Pretrained(source="tiny/llama", system=words)

experiment = Experiment(
    question="Does a report of two axes come out?", arms=(plain, told), points=grid(seed=(1,), words=("Hi.", "Ho.")),
    evals=(Choice(items=load_items("tiny"), readings=("letter", "open")),),
    checks=(Check(words="it answers", arms=(told,), by=Choice(items=load_items("tiny"), readings=("letter", "open")),
                  reading="letter", at_least=0.0),),
    contrasts=(Contrast(told, minus=plain),),
    headline="letter", caption="Another model <than> theirs: direction only.",
)
'''


def test_axes_order_effects_and_few_items_reach_the_page(tmp_path: Path) -> None:
    Path("mine.py").write_text(FILE, encoding="utf-8")
    done = verbs.run("mine.py", store=tmp_path / "store")
    told = json.loads((done.folder / "report.json").read_text(encoding="utf-8"))
    assert len({mean["arm"] for mean in told["means"]}) == 3 and len(told["contrasts"]) > 2
    assert {order["reading"] for order in told["orders"]} == {"letter"}, "open has one order only"
    assert {order["arm"] for order in told["orders"]} == {mean["arm"] for mean in told["means"]}
    manifest = next((tmp_path / "store" / "artifacts").glob("respond-*")) / "manifest.json"
    facts = json.loads(manifest.read_text(encoding="utf-8"))["facts"]["order_effects"]["letter"]
    assert any(order["bias"] == facts["bias"] and order["agree"] == facts["agree"] for order in told["orders"])
    (check,) = told["checks"]
    read = Counter[str]()
    for mean in told["means"]:
        read[mean["arm"]] += mean["rows"] if mean["reading"] == "letter" and mean["arm"] != "plain" else 0
    assert {one["arm"]: one["rows"] for one in check["values"]} == +read, "one eval, asked once for both"
    page = done.page.read_text(encoding="utf-8")
    assert told["notes"][0] == "Another model <than> theirs: direction only."
    assert "Another model &lt;than&gt; theirs: direction only." in page
    assert "What the order of the options did" in page and "Orders agree" in page
    assert any(words.startswith("Only ") and "items" in words for words in told["cautions"])
