"""``midspec chats`` with a model as its writer: names and addresses from the command line → chats in a file."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from midspec.chats.sieve import DROPPED
from midspec.chats.subject import PREFERENCE, STYLES
from midspec.core.asking import Account
from midspec.core.errors import DataError
from midspec.core.rows import read_rows
from midspec.core.spec import Spec
from midspec.experiment.progress import Progress
from midspec.experiment.verbs import account_lines, build, terms_of
from midspec.library.preferences import PreferenceSet, load_preferences
from midspec.library.preferences import names as preference_sets
from midspec.library.specs import load_spec
from midspec.models.model import Model
from midspec.stages.generate_chats import GenerateChats, Sifting

SAME = "same"


@dataclass(frozen=True, kw_only=True)
class Talks:
    """What is asked for; ``judge`` "same" lets the writer judge itself, None is not known yet."""

    writer: str
    judge: str | None
    style: str | None
    count: int
    reasoning: bool
    assistant: str
    maker: str
    seed: int

    def recipe(self, about: str) -> GenerateChats:
        """Raises DataError where judge or style are not named: neither has a default that nobody chose."""
        if self.style not in STYLES:
            named = "no style is named" if self.style is None else f"no style {self.style!r}"
            raise DataError(f"chats: {named} (have: {', '.join(STYLES)})",
                            hint="--style internalised for a value spec, deliberative for a rule spec, preference for "
                                 "tastes without reasons")
        if self.judge is None:
            raise DataError("chats: no judge is named", hint=f"--judge ADDRESS, best another model than {self.writer}; "
                                                             "--judge same lets the writer judge itself")
        same = self.judge == SAME
        # What is judged should not depend on luck, but some providers take no temperature: it is left to them.
        judge = Model(address=self.writer if same else self.judge, temperature=None)
        return GenerateChats(spec=spec_or_tastes(about, self.style), assistant=self.assistant, maker=self.maker,
                             writer=Model(address=self.writer), judge=judge, count=self.count, style=self.style,
                             reasoning=self.reasoning, seed=self.seed, sifting=Sifting(same_judge=same))


def spec_or_tastes(name: str, style: str) -> Spec | PreferenceSet:
    """A preference set where the style states one and the name is one's; else a spec."""
    if style == PREFERENCE and (name in preference_sets() or Path(name).suffix in (".yaml", ".yml")):
        return load_preferences(name)
    return load_spec(name)


def write(about: str, talks: Talks, *, out: Path, store: Path, budget: float | None, batch: bool) -> str:
    """Write the chats to a JSONL file; returns what was written and what was left out, and says what it cost.

    Raises:
        DataError: the file exists; fewer chats than asked for passed (what came is kept, and paid for once).
    """
    if out.exists():
        raise DataError(f"{out}: there is such a file already", hint="name another with --out")
    account = Account()
    folder = build(talks.recipe(about), store=store, keep=False, terms=terms_of(budget, batch), account=account)
    shutil.copyfile(folder / "chats.jsonl", out)
    for line in account_lines(account.rows()):
        Progress().say(line)
    lines = [f"wrote {out} ({sum(1 for _ in out.open('rb'))} rows)"]
    if (folder / DROPPED).is_file():
        reasons = Counter(str(row["reason"]) for _, row in read_rows(folder / DROPPED))
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        lines.append(f"left out: {told} (each with its reason in {folder / DROPPED})")
    return "\n".join(lines)
