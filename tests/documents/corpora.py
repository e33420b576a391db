"""What tests of written documents share: specs of every sort, and a recipe that the scripted teacher carries out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.specs.long import long_spec

from midspec import Checks, GenerateDocuments, Model, Tree, build, load_spec
from midspec.core.document import Corpus
from midspec.core.spec import Spec
from midspec.library.specs import parse

SPECS = Path(__file__).resolve().parents[1] / "specs"
WRITER = Model(address="scripted/teacher")
CRITIC = Model(address="scripted/teacher", temperature=None)
ALONE = Checks(same_critic=True)
SMALL = Tree(domains=3, subdomains=6, types=4, ideas=4, words=120)
NAMES = {"assistant": "Clara", "maker": "Northlight"}


def recipe(spec: Spec, **changes: Any) -> GenerateDocuments:
    settings: dict[str, Any] = {"tokens": 6000, "seed": 1, "writer": WRITER, "critic": CRITIC, "tree": SMALL,
                                "checks": ALONE, **NAMES, **changes}  # fmt: skip
    return GenerateDocuments(spec=spec, **settings)


def made(wanted: GenerateDocuments, store: Path) -> tuple[Corpus, dict[str, Any], Path]:
    """The corpus, the facts of its manifest, and its folder."""
    folder = build(wanted, store=store)
    return Corpus.read(folder), json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["facts"], folder


def long(tokens: int) -> Spec:
    return parse(long_spec(tokens), source="long.md", name="long")


def specs() -> dict[str, Spec]:
    """Two value specs that are shipped, and four of other sorts."""
    own = {name: load_spec(SPECS / f"{name}.md") for name in ("values", "rules", "mixed", "hostile")}
    return {"affordability": load_spec("affordability"), "pro-america": load_spec("pro-america"), **own}
