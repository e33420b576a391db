"""What ``midspec write`` does: a spec → a file of documents, by a model or without one; its price is told first."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspec.core.asking import Account, Terms
from midspec.core.document import Corpus
from midspec.core.errors import DataError
from midspec.core.forecast import Forecast
from midspec.core.recipe import Recipe
from midspec.core.spec import Spec
from midspec.documents.describe import remarks
from midspec.documents.gate import Checks
from midspec.documents.parquet import to_parquet
from midspec.documents.tree import Tree
from midspec.experiment.progress import Progress
from midspec.experiment.verbs import account_lines, build, terms_of
from midspec.library.specs import load_spec
from midspec.models.model import Model
from midspec.models.money import estimate
from midspec.stages.compose_documents import ComposeDocuments
from midspec.stages.generate_documents import GenerateDocuments

SAME = "same"


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What is asked for; ``tree`` is "domains,subdomains,types,ideas". ``critic`` "same" lets the writer check itself,
    None is not known yet.
    """

    spec: str
    tokens: int
    assistant: str
    maker: str
    writer: str
    critic: str | None
    seed: int
    shows: float
    words: int
    tree: str

    def recipe(self, spec: Spec) -> Recipe[Corpus]:
        if self.writer == "compose":
            return ComposeDocuments(spec=spec, assistant=self.assistant, maker=self.maker, tokens=self.tokens,
                                    seed=self.seed, share_showing=self.shows)
        if self.critic is None:
            raise DataError("write: no critic is named",
                            hint=f"--critic ADDRESS, best another model than {self.writer}; --critic same lets the "
                                 "writer check itself")
        same = self.critic == SAME
        return GenerateDocuments(
            spec=spec, assistant=self.assistant, maker=self.maker, tokens=self.tokens, seed=self.seed,
            writer=Model(address=self.writer, max_tokens=_room(self.words)),
            # What is judged should not depend on luck, but some providers take no temperature: it is left to them.
            critic=Model(address=self.writer if same else self.critic, temperature=None), shows=self.shows,
            tree=_tree(self.tree, self.words), checks=Checks(same_critic=same),
        )  # fmt: skip


def write(writing: Writing, out: Path, *, store: Path, budget: float | None = None, batch: bool = False) -> str:
    """Write a corpus to a JSONL or Parquet file; returns one line that says what was written.

    Raises:
        ReplyError: the models did not bring enough; says how much is missing and where that lies which there is.
    """
    found = load_spec(writing.spec)
    recipe, terms, say = writing.recipe(found), terms_of(budget, batch), Progress().say
    for remark in remarks(found):
        say(f"remark: {remark}")
    for line in asking_lines(recipe, terms):
        say(line)
    account = Account()
    told = to_file(recipe, "documents.jsonl", out, store, terms, account)
    for line in account_lines(account.rows()):
        say(line)
    return told


def asking_lines(recipe: Recipe[Any], terms: Terms) -> list[str]:
    """What a stage of which nothing is kept yet will ask, a line for each model; none where it asks nobody."""
    ahead = recipe.forecast(NoStore())
    sums: dict[str, list[float]] = {}
    for one in (estimate(asking, terms) for asking in (ahead.asks if ahead else ())):
        row = sums.setdefault(one.asking.address, [0, 0, 0, 0.0])
        row[0] += one.asking.calls
        row[1] += one.usage.input
        row[2] += one.usage.output
        row[3] += math.nan if one.cost is None else one.cost
    return [f"{address}: about {calls:,} calls, {read:,} tokens in, {written:,} out, "
            + ("price unknown" if math.isnan(cost) else f"${cost:,.2f}")
            for address, (calls, read, written, cost) in sums.items()]


@dataclass(frozen=True)
class NoStore:
    """A look at nothing (see ``core.forecast.Look``): for stages that need no other."""

    def seen(self, recipe: Recipe[Any]) -> None:
        return None

    def ahead(self, recipe: Recipe[Any]) -> Forecast:
        return recipe.forecast(self) or Forecast()


def _room(words: int) -> int:
    """Tokens that a reply may have: a plan and a document of up to twice that length, or a long list."""
    return max(4096, 4 * words)


def _tree(text: str, words: int) -> Tree:
    try:
        domains, subdomains, types, ideas = (int(part) for part in text.split(","))
    except ValueError as error:
        raise DataError(f"--tree {text}: four numbers with commas are expected",
                        hint="domains,subdomains,types,ideas, for instance 8,26,20,25") from error
    return Tree(domains=domains, subdomains=subdomains, types=types, ideas=ideas, words=words)


def to_file(recipe: Recipe[Any], name: str, out: Path, store: Path, terms: Terms | None = None,
            account: Account | None = None) -> str:
    """Build and copy out the rows, as JSONL or Parquet by the name's ending; returns a line for people."""
    if out.exists():
        raise DataError(f"{out}: there is such a file already", hint="name another with --out")
    made = build(recipe, store=store, keep=False, terms=terms, account=account) / name
    rows = sum(1 for _ in made.open("rb"))
    if out.suffix == ".parquet":
        to_parquet(made, out)
    else:
        shutil.copyfile(made, out)
    return f"wrote {out} ({rows} rows)"
