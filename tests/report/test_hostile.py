"""Text of models on a page: shown, never run, never asked for (real Chromium, canary and socket trap)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from midspec.core.chat import Chat, Message
from midspec.core.checkpoint import Dose
from midspec.core.document import Document
from midspec.report.page import POLICY, write
from midspec.report.study import Answer, ArmRun, Chats, ContrastLine, Documents, Reading, ScoreRow, StageRun, Study

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = "document.title='HIT';window.canary=1;fetch('http://trap.example/c')"
# Ways in which text has become markup, code, a template, a formula, a link or a path somewhere.
SHAPES: tuple[str, ...] = tuple(json.loads((Path(__file__).parent / "payloads.json").read_text(encoding="utf-8")))


def payloads() -> list[str]:
    """250 texts: each shape alone, then after words, then twice."""
    shapes = [shape.replace("@RUN@", RUN) for shape in SHAPES]
    return [*shapes, *(f"plain words first {s}" for s in shapes), *(s + s for s in shapes)][:250]


def hostile(texts: list[str]) -> Study:
    """A study in which every text field holds all of ``texts`` in a row, and every name one of them."""
    every, numbers = " ".join(texts), range(len(texts))
    dose = Dose(every, 100, 50, 10, 2, 16, 1.0, 1e-3, 1)

    def stage(kind: str, number: int, inputs: tuple[str, ...] = (), **more: Any) -> StageRun:
        text = texts[number]
        return StageRun(kind=kind, label=text, id=f"{text} {kind} {number}", digest=every, link=text, inputs=inputs,
                        settings=every, eval=text, **more)  # fmt: skip

    runs: list[ArmRun] = []
    for number in numbers:
        text = texts[number]
        start, corpus, chats = stage("model", number), stage("documents", number), stage("chats", number)
        trained = stage("training", number, (start.id, corpus.id, chats.id), dose=dose, losses=((1, 2.0), (2, 1.5)))
        turn = (Message(text, every), Message("user", every), Message("assistant", every, every))
        runs.append(ArmRun(
            arm=text, seed=1, point={text: text, "n": number}, about=every,
            chain=(start, corpus, chats, trained, stage("answers", number, (trained.id,)), stage("scores", number)),
            documents=Documents(source=corpus.id, total=9, texts=(Document(text, every, {text: text, "x": every}),)),
            chats=Chats(source=chats.id, total=9, texts=(Chat(turn, {text: every}),)),
            answers=(Answer(eval=text, item=text, question=every, text=every, finish=text, verdict=every),),
        ))  # fmt: skip
    one = {"eval": texts[0], "axis": texts[-1], "reading": texts[0]}
    rows = [ScoreRow(arm=run.key, seed=1, item=f"{texts[n % len(texts)]} {n}", domain=every,
                     value=None if n == 3 else n / 7, **one) for run in runs for n in range(5)]  # fmt: skip
    lines = [ContrastLine(name=texts[n], weights={runs[n].key: 1, **({runs[n - 1].key: -1} if n else {})},
                          primary=n % 2 == 0, words=every, expect=every, **one) for n in numbers]  # fmt: skip
    readings = (Reading(eval=texts[0], name=texts[0], words=every, larger=every, low=0, high=1),)
    return Study(name=every, title=every, question=every, hypothesis=every, arms=tuple(runs), contrasts=tuple(lines),
                 rows=tuple(rows), readings=readings,
                 axes={texts[-1]: every}, notes=tuple(texts), warnings=tuple(texts), made={every: every})  # fmt: skip


# Everything a reader might do to a page: unfold all, point at all, focus all.
TOUCH = """(async () => {
  for (const d of document.querySelectorAll('details')) d.open = true;
  for (const e of document.querySelectorAll('*')) {
    for (const t of ['mouseover', 'mouseenter', 'focus', 'blur', 'toggle']) e.dispatchEvent(new Event(t));
    if (e.focus) e.focus();
  }
  await new Promise(done => setTimeout(done, 30));
  const all = [...document.querySelectorAll('*')];
  const links = all.flatMap(e => [e.getAttribute('href'), e.getAttribute('xlink:href')]).filter(x => x !== null);
  return {canary: window.canary === 1 || document.title.startsWith('HIT'),
    tags: [...new Set(all.map(e => e.localName))].sort(),
    handlers: all.flatMap(e => e.getAttributeNames().filter(n => n.startsWith('on'))),
    schemes: [...new Set(links.map(x => new URL(x, document.baseURI).protocol))].sort(),
    hosts: [...new Set(links.map(x => new URL(x, document.baseURI).host))].sort(),
    styles: document.querySelectorAll('style').length, metas: document.querySelectorAll('meta').length}
})()"""
TAGS = {
    *re.findall(r"\w+", "a b bdi blockquote body br code details div figcaption figure footer h1 h2 h3 head html li"),
    *re.findall(r"\w+", "link main meta nav p section span strong style summary table tbody td th thead title tr ul"),
    *re.findall(r"\w+", "svg g path text defs use clippath rect tspan"),
}


def check(browser: Any, folder: Path) -> None:
    before = len(browser.trap.asked)
    browser.open((folder / "report.html").as_uri())
    seen = browser.run(TOUCH)
    assert not seen["canary"], "a payload ran"
    assert {tag.lower() for tag in seen["tags"]} <= TAGS, set(seen["tags"]) - TAGS
    assert seen["handlers"] == [] and seen["styles"] == 1 and seen["metas"] == 4
    assert set(seen["schemes"]) <= {"file:", "data:"} and seen["hosts"] == [""]
    assert browser.wanted() == [] and browser.complaints() == []
    assert len(browser.trap.asked) == before, browser.trap.asked[before:]


@pytest.mark.parametrize("part", range(10))
def test_250_payloads_in_every_field(part: int, browser: Any, tmp_path: Path) -> None:
    write(hostile(payloads()[part::10]), tmp_path)
    check(browser, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(50))
def test_every_payload_alone_in_every_field(part: int, browser: Any, tmp_path: Path) -> None:
    for number, text in enumerate(payloads()[part::50]):
        folder = tmp_path / str(number)
        write(hostile([text]), folder)
        check(browser, folder)


def test_the_canary_and_the_trap_do_catch(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "raw.html"
    page.write_text("<!doctype html><title>x</title>" + f"<script>{RUN}</script><img src=http://trap.example/i.png>")
    before = len(browser.trap.asked)
    browser.open(page.as_uri())
    assert browser.run(TOUCH)["canary"]
    assert any("trap.example" in line for line in browser.trap.asked[before:]) and browser.wanted()


def test_the_policy_holds_where_escaping_would_fail(browser: Any, tmp_path: Path) -> None:
    ran, asked = 0, len(browser.trap.asked)
    for number, text in enumerate(payloads()[: len(SHAPES)]):
        page = tmp_path / f"{number}.html"
        head = f'<meta charset=utf-8><meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>x</title>'
        page.write_bytes(f"<!doctype html>{head}<p>{text}".encode("utf-8", "replace"))
        if "refresh" in text or "marquee" in text:
            continue  # navigation is not the policy's; only escaping keeps it out
        browser.open(page.as_uri())
        ran += browser.run("window.canary === 1 || document.title === 'HIT'")
    assert ran == 0
    assert len(browser.trap.asked) == asked, browser.trap.asked[asked:]


def test_text_is_shown_as_it_is(browser: Any, tmp_path: Path) -> None:
    texts = [t for t in payloads()[: len(SHAPES)] if not re.search("[\x00\ud800\u202e\r]", t)]
    write(hostile(texts), tmp_path)
    browser.open((tmp_path / "report.html").as_uri())
    shown = browser.run("[...document.querySelectorAll('.warn li')].map(e => e.textContent)")
    assert set(texts) <= set(shown)
    drawn = browser.run("[...document.querySelectorAll('svg text')].map(e => e.textContent)")
    assert any("$\\frac{1}{2}$" in text for text in drawn)


def test_a_plain_report_asks_for_nothing(make_study: Callable[..., Study], browser: Any, tmp_path: Path) -> None:
    write(make_study(arms=4, seeds=(1, 2), items=10, texts=2), tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert POLICY.replace("'", "&#39;") in text and not re.search(r"<script|<iframe|<img|<form", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    browser.open((tmp_path / "report.html").as_uri())
    assert browser.wanted() == [] and browser.complaints() == []


def test_markdown_stays_text(tmp_path: Path) -> None:
    write(hostile(payloads()[:40]), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    ours = re.sub(r"!?\[[A-Za-z .]+\]\((?:figures/[a-z-]+\.svg|report\.\w+|rows\.jsonl)\)", "", text)
    assert "<" not in ours and "](" not in ours and "http://" not in ours
