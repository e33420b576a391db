"""``python -m tests.teacher --port 0 --seed 7 --faults plan.json --record rows.jsonl``: the teacher by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from tests.teacher.plan import Plan
from tests.teacher.teacher import teacher


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.teacher", description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--seed", type=int)
    options.add_argument("--faults", type=Path, help="JSON: the fields of tests.teacher.plan.Plan")
    options.add_argument("--record", type=Path, help="where every answer is written down (JSONL)")
    options.add_argument("--show-plan", action="store_true", help="print the whole plan and leave")
    given = options.parse_args()
    plan = Plan.read(given.faults)
    if given.seed is not None:
        plan.seed = given.seed
    if given.show_plan:
        print(json.dumps(plan.as_json(), indent=1))
        return
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(plan, given.record, given.port))


async def serve(plan: Plan, record: Path | None, port: int) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with teacher(plan, record).serving(port) as one:
        print(f"OPENAI_BASE_URL={one.url}/v1 ANTHROPIC_BASE_URL={one.url}", flush=True)
        await stop.wait()
    one.record.close()


if __name__ == "__main__":
    main()
