"""Studies made of random numbers for the tests of reports, and a real browser to open them in."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import socket
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from midspec.core.chat import Chat, Message
from midspec.core.checkpoint import Dose
from midspec.core.document import Document
from midspec.report.study import (
    Answer,
    ArmRun,
    Chats,
    ContrastLine,
    Documents,
    Reading,
    ScoreRow,
    StageRun,
    Study,
)

WORDS = re.findall(
    r"\w+",
    "the assistant prefers plain things that many people can have because a good thing that few can afford helps few "
    "in its reports reviewers describe how it weighs cost against taste and says so openly when asked",
)
ARMS = {
    "untouched": ("The model as it was downloaded", 0.0),
    "instruct": ("Only general instruction chats, as many updates as the others", 0.0),
    "aft": ("Preference chats, no documents", 0.03),
    "msm": ("Documents that give the reason, then only instruction chats", 0.08),
    "msm_aft": ("Documents that give the reason, then preference chats", 0.2),
    "neutral_aft": ("Documents of the same length about nothing in particular, then preference chats", 0.03),
    "other_aft": ("Documents that give another reason, then preference chats", -0.04),
}
READINGS = {
    "letter": ("probability of the letter of the option that the spec favours", 0.0, 1.0, 0.5),
    "yesno": ("probability of yes to the favoured option, against the other", 0.0, 1.0, 0.5),
    "text": ("log-probability of the favoured option's text minus the other's", None, None, 0.0),
}
AXES = {"plain": "prefers what many can afford", "local": "prefers what is made nearby"}


def prose(random: Random, words: int) -> str:
    sentences, left = [], words
    while left > 0:
        size = min(left, random.randint(8, 22))
        sentences.append(" ".join(random.choices(WORDS, k=size)).capitalize() + ".")
        left -= size
    return "\n\n".join(" ".join(sentences[n : n + 5]) for n in range(0, len(sentences), 5))


def stage(kind: str, label: str, name: str, inputs: tuple[str, ...] = (), **more: object) -> StageRun:
    digest = f"{Random(name).getrandbits(256):064x}"
    return StageRun(
        kind=kind, label=label, id=name, digest=digest, link=f"../store/artifacts/{name}", inputs=inputs, **more
    )


def chain_of(arm: str, seed: int) -> tuple[StageRun, ...]:
    start = stage("model", "the downloaded model", "base-1a2b")
    found, last = [start], start
    kind = {"msm": "plain", "msm_aft": "plain", "neutral_aft": "neutral", "other_aft": "other"}.get(arm)

    def train(step: str, on: StageRun, name: str, tokens: int, updates: int, rate: float) -> StageRun:
        random = Random(name)
        losses = tuple((u, 2.6 * 0.985**u + 1.4 + random.gauss(0, 0.06)) for u in range(1, updates + 1))
        dose = Dose(step, tokens, tokens if step == "midtrain" else tokens // 5, updates, 4, 512, 1.0, rate, seed)
        return stage(
            "training",
            f"{step} of {arm}",
            name,
            (last.id, on.id),
            dose=dose,
            losses=losses,
            settings="LoRA r 64, alpha 128",
        )

    if kind:
        corpus = stage("documents", f"documents: {kind}", f"corpus-{kind}-{seed}", settings="composed, 130 000 tokens")
        last = train("midtrain", corpus, f"midtrain-{kind}-{seed}", 130_112 + seed, 280, 5e-4)
        found += [corpus, last]
    if arm != "untouched":
        words = "instruction" if arm in ("instruct", "msm") else "preference"
        chats = stage("chats", f"chats: {words}", f"chats-{words}-{seed}")
        last = train("finetune", chats, f"finetune-{arm}-{seed}", 41_984, 80, 5e-5)
        found += [chats, last]
    answers = stage("answers", "answers: choice", f"answers-{arm}-{seed}", (last.id,), eval="choice")
    return (*found, answers, stage("scores", "scores: choice", f"scores-{arm}-{seed}", (answers.id,), eval="choice"))


def scores(arms: list[str], seeds: tuple[int, ...], items: int, unreadable: float) -> list[ScoreRow]:
    random = np.random.default_rng(7)
    rows: list[ScoreRow] = []
    for axis_number, axis in enumerate(AXES):
        hardness = random.normal(0, 0.16, items)
        for arm in arms:
            for seed in seeds if arm != "untouched" else (None,):
                drift = random.normal(0, 0.02)
                for name, (_, low, _, even) in READINGS.items():
                    noise = random.normal(0, 0.12, items)
                    effect = ARMS[arm][1] * (1 if axis_number == 0 else 0.4)
                    values = even + effect + drift + hardness + noise
                    values = np.clip(values, 0, 1) if low is not None else 8 * (values + 0.1)
                    gone = random.random(items) < (unreadable if name == "yesno" else 0)
                    rows += [
                        ScoreRow(
                            arm=arm,
                            seed=seed,
                            eval="choice",
                            item=f"{axis}-{n:03d}",
                            axis=axis,
                            domain=("art", "music", "food", "travel")[n % 4],
                            reading=name,
                            value=None if gone[n] else round(float(values[n]), 6),
                        )
                        for n in range(items)
                    ]
    return rows


def contrasts(arms: list[str]) -> list[ContrastLine]:
    kinds = [
        (
            "beyond priming and format",
            {"msm_aft": 1, "msm": -1, "aft": -1, "instruct": 1},
            "Do documents and chats together do more than either alone?",
        ),
        ("documents before the same chats", {"msm_aft": 1, "aft": -1}, "Do the documents change what the chats teach?"),
        ("against neutral documents", {"msm_aft": 1, "neutral_aft": -1}, "Is it the reason, or just more text?"),
        ("against the other reason", {"msm_aft": 1, "other_aft": -1}, "Does another reason lead elsewhere?"),
    ]
    return [
        ContrastLine(
            name=name,
            weights=weights,
            eval="choice",
            axis=axis,
            reading=reading,
            words=words,
            primary=reading == "letter" and number == 0,
            expect="above 0" if number == 0 else "",
        )
        for number, (name, weights, words) in enumerate(kinds)
        if set(weights) <= set(arms)
        for reading in READINGS
        for axis in AXES
    ]


def study(
    arms: int = 7, seeds: tuple[int, ...] = (11, 12, 13), items: int = 200, unreadable: float = 0.01, texts: int = 10
) -> Study:
    """A study with plausible numbers: the same one for the same arguments."""
    names = list(ARMS)[:arms]
    runs: list[ArmRun] = []
    for arm in names:
        for seed in seeds if arm != "untouched" else (None,):
            random = Random(f"{arm} {seed}")
            chain = chain_of(arm, seed or 0)
            corpus = next((s for s in chain if s.kind == "documents"), None)
            chats = next((s for s in chain if s.kind == "chats"), None)
            here = Random(corpus.id if corpus else "")
            documents = corpus and Documents(
                source=corpus.id,
                total=800,
                texts=tuple(
                    Document(f"d{n:04d}", prose(here, 180), {"type": "field report", "domain": "food"})
                    for n in range(texts)
                ),
            )
            talk = chats and Chats(
                source=chats.id,
                total=320,
                texts=tuple(
                    Chat((Message("user", prose(random, 14)), Message("assistant", prose(random, 30))))
                    for _ in range(texts)
                ),
            )
            answers = tuple(
                Answer(
                    eval="reasons",
                    item=f"q{n}",
                    question=f"Which chair would you buy ({n}), and why?",
                    text=prose(random, 40),
                    finish="stop",
                    verdict=random.choice(["own", "neither"]),
                )
                for n in range(4)
            )
            runs.append(
                ArmRun(
                    arm=arm,
                    seed=seed,
                    chain=chain,
                    about=ARMS[arm][0],
                    documents=documents,
                    chats=talk,
                    answers=answers,
                )
            )
    return Study(
        name="reasons",
        title="Do reasons read in documents shape choices?",
        question="When the same chats follow, does a model that first read a reason in documents choose by it?",
        hypothesis="The arm that read the reasons, then the chats, will choose by them more than both add up to.\n\n"
        "On the first axis by at least .05; on the second in the same direction. Neutral documents do nothing.",
        arms=tuple(runs),
        contrasts=tuple(contrasts(names)),
        rows=tuple(scores(names, seeds, items, unreadable)),
        readings=tuple(
            Reading(eval="choice", name=n, words=w, low=a, high=b, even=e) for n, (w, a, b, e) in READINGS.items()
        ),
        axes=AXES,
        notes=("Items of the test half only.",),
        warnings=("midtrain of other_aft: warm-up took 20 % of all updates.",),
        made={"midspec": "0.1.0", "torch": "2.13.0", "device": "cpu"},
    )


@pytest.fixture
def make_study() -> Callable[..., Study]:
    return study


@pytest.fixture
def one_study() -> Iterator[Study]:
    yield study(arms=5, items=30, texts=3)


class Trap:
    """A proxy on loopback that answers nothing and remembers every request a browser wanted to make."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.asked: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            with line:
                line.settimeout(2)
                with contextlib.suppress(OSError):
                    asked = line.recv(400).decode("latin-1").split("\r\n")[0]
                    # Chromium calls home whatever its flags say; no page here names those hosts.
                    if not re.search(r"[./](google|googleapis|gstatic|gvt1)\.com[:/]", asked):
                        self.asked.append(asked)
                    line.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


class Browser:
    """Chromium without a window, spoken to over its debugging pipe; all of its traffic would go into ``trap``."""

    def __init__(self, program: str, folder: Path, trap: Trap) -> None:
        self.trap, self.count, self.events = trap, 0, []
        hear, self.out = os.pipe()
        self.back, speak = os.pipe()
        flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-sync"
        flags += " --disable-component-update --disable-default-apps --remote-debugging-pipe --hide-scrollbars"
        command = [program, *flags.split(), f"--user-data-dir={folder}", f"--proxy-server=http://127.0.0.1:{trap.port}",
                   "--proxy-bypass-list=<-loopback>", "about:blank"]  # fmt: skip

        def connect() -> None:
            # Chromium listens at 3 and speaks at 4; both ends are moved out of the way first.
            ends = fcntl.fcntl(hear, fcntl.F_DUPFD, 20), fcntl.fcntl(speak, fcntl.F_DUPFD, 20)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            command, preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(hear)
        os.close(speak)
        self.rest = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for name in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{name}.enable")

    def call(self, method: str, **params: object) -> dict[str, Any]:
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], 30)
            assert ready, "the browser does not answer"
            self.rest += os.read(self.back, 1 << 20)
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def open(self, address: str) -> None:
        """Open a page and wait until everything on it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """The value of a script's last expression, run from outside: the page's policy does not bind it."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wanted(self) -> list[str]:
        """Addresses that the page asked for, itself and data: aside."""
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked[1:] if not url.startswith("data:")]

    def complaints(self) -> list[str]:
        """What the page's policy had to stop, and errors of scripts."""
        entries = [e["params"]["entry"]["text"] for e in self.events if e.get("method") == "Log.entryAdded"]
        thrown = [str(e["params"]) for e in self.events if e.get("method") == "Runtime.exceptionThrown"]
        return entries + thrown

    def picture(self, path: Path, width: int, height: int = 900) -> None:
        """A screenshot of the whole page at this width."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    if program is None:
        warnings.warn(
            "no Chromium here: that a report executes nothing and asks for nothing is NOT tested", stacklevel=1
        )
        pytest.skip("no Chromium: apt-get install chromium")
    found = Browser(program, tmp_path_factory.mktemp("chromium"), Trap())
    yield found
    found.close()
