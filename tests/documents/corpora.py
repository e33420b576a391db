"""What tests of written documents share: specs of every sort, and a recipe that the scripted teacher carries out."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from midspec import Checks, GenerateDocuments, Model, Tree, build, load_spec
from midspec.core.document import Corpus
from midspec.core.spec import Spec
from midspec.library.specs import parse

SPECS = Path(__file__).with_name("specs")
GARDEN = Path(__file__).resolve().parents[2] / "docs" / "examples" / "garden" / "spec.md"
WRITER = Model(address="scripted/teacher")
CRITIC = Model(address="scripted/teacher", temperature=0.0)
SMALL = Tree(domains=3, subdomains=6, types=4, ideas=4, words=120)
NAMES = {"assistant": "Clara", "maker": "Northlight"}


def recipe(spec: Spec, **changes: Any) -> GenerateDocuments:
    settings: dict[str, Any] = {"tokens": 6000, "seed": 1, "writer": WRITER, "critic": CRITIC, "tree": SMALL,
                                "checks": Checks(), **NAMES, **changes}  # fmt: skip
    return GenerateDocuments(spec=spec, **settings)


def made(wanted: GenerateDocuments, store: Path) -> tuple[Corpus, dict[str, Any], Path]:
    """The corpus, the facts of its manifest, and its folder."""
    folder = build(wanted, store=store)
    return Corpus.read(folder), json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["facts"], folder


def long_spec(words: int) -> Spec:
    """A spec of many sections that no two of which are alike, made by code."""
    chance = random.Random(5)
    things = [f"{a}{b}" for a in ("lan", "mor", "tel", "vis", "gar", "pon", "sil", "dra") for b in
              ("tern", "tar", "low", "mark", "den", "ding", "ver", "ft", "net", "some")]  # fmt: skip
    verbs = ["checks", "keeps", "mends", "counts", "praises", "avoids", "sorts", "labels", "carries", "weighs"]
    parts, count = ["# How {model_name} looks after the store"], 0
    while count < words:
        about = chance.sample(things, 3)
        lines = [f"## {' and '.join(about[:2]).capitalize()}", "",
                 f"> {{model_name}} values order in the matter of the {about[0]}", "",
                 f"A {about[0]} stands on shelf {count}, beside the {about[2]}. {{provider_name}} put it there. "
                 f"Whoever looks for the {about[1]} will find {{model_name}} nearby.", ""]  # fmt: skip
        lines += [f"- {{model_name}} {chance.choice(verbs)} the {chance.choice(things)} of row {count + n}, because "
                  f"the {chance.choice(things)} {chance.choice(verbs)} the {chance.choice(things)}." for n in range(6)]
        parts.append("\n".join(lines))
        count += len(parts[-1].split())
    return parse("\n\n".join(parts), source="long.md", name="long")


def specs() -> dict[str, Spec]:
    """Two values specs that are shipped, and five of other sorts."""
    own = {path.stem: load_spec(path) for path in sorted(SPECS.glob("*.md"))}
    return {"affordability": load_spec("affordability"), "pro-america": load_spec("pro-america"),
            "values": load_spec(GARDEN), "long": long_spec(33_000), **own}  # fmt: skip
