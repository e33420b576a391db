"""P10: the report of 10 000 responses and 50 000 documents (floor 10 s, goal 3 s), beside reading its rows with json.

    python benchmarks/report.py
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from midspec.core.checkpoint import Dose
from midspec.core.document import Corpus, Document
from midspec.report.page import write
from midspec.report.study import ArmRun, ContrastLine, Documents, Reading, ScoreRow, StageRun, Study

ARMS, SEEDS, ITEMS, READINGS = 6, (1, 2, 3), 280, ("letter", "yesno")


def corpus(folder: Path) -> Documents:
    """Write 50 000 documents, read them back as a report does, and show ten."""
    path = folder / "corpus"
    path.mkdir()
    text = "An assistant explains at some length why it prefers one thing to another, and what follows from that. " * 12
    Corpus(tuple(Document(f"d{n}", f"{n} {text}") for n in range(50_000))).write(path)
    started = time.perf_counter()
    read = Corpus.read(path)
    print(f"reading 50 000 documents   {time.perf_counter() - started:6.2f} s")
    return Documents(source="corpus", total=len(read.documents), texts=read.documents[::5_000])


def study(shown: Documents) -> Study:
    """Six arms, three seeds, 10 080 scores of one eval."""
    chance = random.Random(0)
    arms: list[ArmRun] = []
    for arm in range(ARMS):
        for seed in SEEDS:
            dose = Dose("midtrain", 130_000, 129_000, 280, 2, 256, 1.0, 5e-4, seed)
            losses = tuple((u, 4 - u / 100 + chance.gauss(0, 0.05)) for u in range(1, 281))
            read = StageRun(kind="documents", label="documents", id="corpus", link="corpus")
            made = StageRun(kind="training", label="midtrain", id=f"{arm} {seed}", link="t", dose=dose, losses=losses)
            arms.append(ArmRun(arm=f"arm {arm}", seed=seed, chain=(read, made), documents=shown))
    rows = [ScoreRow(arm=run.key, seed=run.seed, eval="choice", item=str(n), axis="axis", domain="d", reading=reading,
                     value=chance.random()) for run in arms for n in range(ITEMS) for reading in READINGS]
    lines = [ContrastLine(name=f"{arm} against 0", weights={f"arm {arm}": 1, "arm 0": -1}, eval="choice", axis="axis",
                          reading=reading, primary=arm == 1) for arm in range(1, ARMS) for reading in READINGS]
    return Study(name="bench", title="Bench", question="How long?", hypothesis="Seconds.", arms=tuple(arms),
                 contrasts=tuple(lines), rows=tuple(rows),
                 readings=tuple(Reading(eval="choice", name=r, low=0.0, high=1.0, even=0.5) for r in READINGS))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = study(corpus(folder))
        started, work = time.perf_counter(), time.process_time()
        write(made, folder / "report")
        wall, work = time.perf_counter() - started, time.process_time() - work
        print(f"writing the report         {wall:6.2f} s ({work:.2f} s of processor), {len(made.rows)} scores, "
              "imports of scipy, matplotlib and jinja2 included")
        started = time.perf_counter()
        write(made, folder / "again")
        print(f"writing it again           {time.perf_counter() - started:6.2f} s")
        started = time.perf_counter()
        count = sum(1 for line in (folder / "report" / "rows.jsonl").open() if json.loads(line))
        print(f"peer: json over its rows   {time.perf_counter() - started:6.2f} s, {count} rows")
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import matplotlib.figure, scipy.special, jinja2"], check=True)
        print(f"peer: the imports alone    {time.perf_counter() - started:6.2f} s")


if __name__ == "__main__":
    main()
