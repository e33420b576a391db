"""``midspec spec``: names and addresses from the command line → findings about a spec, or a new spec file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from midspec.core.asking import StageAccount
from midspec.core.errors import DataError
from midspec.core.spec import Spec
from midspec.documents.describe import describe, lines
from midspec.experiment.loose import LooseJob
from midspec.experiment.progress import Progress
from midspec.experiment.verbs import account_lines, terms_of
from midspec.library.specs import load_spec, parse
from midspec.models.ask import Ask
from midspec.models.model import Model
from midspec.specs.augment import augment
from midspec.specs.critic import Heard, criticised
from midspec.specs.lint import findings
from midspec.specs.pieces import WAYS
from midspec.specs.vague import general_version
from midspec.store.artifacts import Store

Made = TypeVar("Made")
WHAT = {"values": "the values behind them", "rules": "sub-rules"}


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who is asked and where answers are kept. ``seed`` draws afresh."""

    store: Path
    seed: int = 0
    budget: float | None = None
    batch: bool = False


def examine(name: str, critic: str | None, asking: Asking) -> dict[str, Any]:
    """What was understood of a spec and what looks wrong: by code, and by a critic where one is named.

    ``lines`` are for a person, the rest for a program.
    """
    spec = load_spec(name)
    found = findings(spec)
    heard = Heard([], []) if critic is None else _ask(
        Model(address=critic, temperature=None), f"spec {spec.name}", asking, lambda ask: criticised(
            ask, spec, asking.seed))
    told = [f"  lint: {one}" for one in found] + [f"  {critic}: {one}" for one in heard.findings]
    if heard.refused:
        told.append(f"  {critic}: {len(heard.refused)} more, not heard: what they quote is not in the spec")
    return {**describe(spec), "findings": [one.row() for one in found], "lines": [*lines(spec), *told]} | (
        {} if critic is None else {"critic": {"address": critic, "findings": [one.row() for one in heard.findings],
                                              "refused": [one.quote for one in heard.refused]}})


def rewrite(name: str, *, augment_with: str | None, vague: bool, writer: str | None, words: int, out: Path | None,
            asking: Asking) -> str:
    """Write a new spec file: augmented "values" or "rules", or the general (vague) version; returns what was written.

    Raises:
        DataError: no such way, no writer or file is named, the file exists, or what was wanted did not come in full.
    """
    if (augment_with is None) is not vague:
        raise DataError("spec: --augment and --vague are two versions", hint="write one after the other")
    if augment_with is not None and augment_with not in WAYS:
        raise DataError(f"spec: no way {augment_with!r} to augment (have: {', '.join(WAYS)})",
                        hint="--augment values or --augment rules")
    if writer is None or out is None:
        raise DataError(f"spec: no {'writer' if writer is None else 'file to write'} is named",
                        hint="--writer ADDRESS (scripted/teacher needs no key) and --out FILE.md")
    if out.exists():
        raise DataError(f"{out}: there is such a file already", hint="name another with --out")
    spec, model = load_spec(name), Model(address=writer)
    if augment_with is None:
        general = _ask(model, f"spec {spec.name}", asking, lambda ask: general_version(ask, spec, asking.seed))
        text, told = general.text, f"{len(general.text.split())} words in one paragraph"
    else:
        made = _ask(model, f"spec {spec.name}", asking, lambda ask: augment(
            ask, spec, augment_with, words, asking.seed))
        text, told = made.text, (f"{len(spec.statements)} rules with {WHAT[augment_with]}, {made.added} words added "
                                 f"where {made.wanted} were wanted, in {made.calls} calls")
    again = parse(text, source=str(out), name=out.stem)
    _refuse_lost(spec, again, rules=augment_with is not None)
    out.write_text(text, encoding="utf-8")
    return "\n".join([f"wrote {out}: {told}", *(f"  lint: {one}" for one in findings(again))])


def _refuse_lost(spec: Spec, again: Spec, *, rules: bool) -> None:
    """What is written must be read as it is meant: every rule of the old spec is one of the new one."""
    lost = {s.behaviour for s in spec.statements} - {s.behaviour for s in again.statements} if rules else set[str]()
    if lost:
        raise DataError(f"{spec.name}: in the new spec the rule “{min(lost)}” would be read as something else",
                        hint="write it as one sentence, without a reason in its middle")


def _ask(model: Model, stage: str, asking: Asking, work: Callable[[Ask], Made]) -> Made:
    """Ask outside of a stage; what it cost is said, however it ends."""
    progress = Progress()
    progress.label = stage
    account = StageAccount(stage)
    with tempfile.TemporaryDirectory(prefix="midspec-") as folder:
        job = LooseJob(Path(folder), "cpu", Store(asking.store).ledger, progress, account=account,
                       terms=terms_of(asking.budget, asking.batch))
        try:
            return work(Ask(job, model))
        finally:
            progress.end()
            for line in account_lines(account.run.rows()):
                progress.say(line)
