"""10,000 stored responses graded anew with the scripted grader: processor time a response, and memory.

No peer: the figure is what our own path costs beside the provider's time (marks, prompt, ledger, reading the sheet,
quotations). Both runs must give the same bytes, and the second must ask nothing.

    python benchmarks/grading.py [COUNT]
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from midspec import File, GradeTranscripts, Model, Store, TranscriptsFromFile, build, load_acts
from midspec.library.labelled import SHIPPED

WORDS = 700  # of a rollout with reasoning and a few calls


def stored(count: int, path: Path) -> None:
    """``count`` transcripts: the shipped ones in turn, each with a reply of its own and about so many words."""
    rows = [json.loads(line) for line in SHIPPED.read_text(encoding="utf-8").splitlines()]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            row = rows[number % len(rows)]
            filler = " ".join(f"word{(number * 31 + n) % 9973}" for n in range(WORDS))
            turns = [*row["turns"], {"role": "user", "content": filler},
                     {"role": "assistant", "content": f"That is all I have to say in case {number}."}]
            row = {**row, "id": f"r{number}", "turns": turns, "meta": {**row["meta"], "draw": number}}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def kept_answers(store: Store) -> int:
    """Rows of the ledger: answers, and the instructions, kept once for each act."""
    path = store.root / "ledger.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as ledger:
        return ledger.execute("SELECT count(*) FROM answers").fetchone()[0]


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder) / "stored.jsonl", Store(Path(folder) / "store")
        stored(count, path)
        kept = TranscriptsFromFile(file=File(str(path)))
        build(kept, store=store)
        lines: list[dict[str, object]] = []
        made = list[bytes]()
        # The second recipe differs by its share alone: other artifact, same answers.
        for share in (0.2, 0.3):
            recipe = GradeTranscripts(transcripts=kept, acts=load_acts(), grader=Model(address="scripted/grader"),
                                      share=share)
            answers = kept_answers(store)
            before, began = cpu(), time.perf_counter()
            made.append((build(recipe, store=store) / "grades.jsonl").read_bytes())
            used, took = cpu() - before, time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            lines.append({"responses": count, "asked anew": kept_answers(store) - answers,
                          "cpu ms a response": round(1000 * used / count, 3), "seconds": round(took, 1),
                          "peak MB": peak})
        assert made[0] == made[1], "grading again gave something else"
        print(f"{path.stat().st_size / 1e6:.0f} MB of transcripts")
        print("\n".join(json.dumps(line) for line in lines))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
