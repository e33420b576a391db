"""Genre files → rules: wording as data. Knows nothing of specs; what a slot means is decided in ``writer``.

A file has a YAML header and rules. A rule is a heading ("## name") with alternatives ("- text"; further lines are
indented). In a text ``{{ slot }}`` stands for another rule or a part of the spec, ``[a|b]`` for a choice on the spot.
A rule that links behaviour to value has the form "## name / link" and twins "/ plain" (there is no reason) and
"/ apart" (values stand elsewhere). A rule named "the_…" is drawn once for a whole document.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from midspec.core.errors import PromptError
from midspec.core.prompt import SLOT

FOLDER = Path(__file__).parent / "genres"
CHOICE = re.compile(r"\[([^\[\]]*)\]")
RULE = re.compile(r"## ([a-z_]+)(?: / (link|plain|apart))?\Z")
# What a slot mentions: one behaviour, one value, or nothing to count.
BEHAVIOURS = frozenset({"behaviour", "its_behaviour", "my_behaviour", "your_behaviour"})
REASONS = frozenset({"reason", "its_reason", "my_reason"})
VALUES = REASONS | {"valuing", "its_valuing", "my_valuing", "value"}
TERMINALS = BEHAVIOURS | VALUES | {"assistant", "maker", "title", "subject", "passage", "new", "clause"}
FINAL = {"sum": "moral", "my_sum": "my_moral"}  # at the end of a document; the other where there is little to sum up


@dataclass(frozen=True)
class Rules:
    """The rules of one file: "name" or "name / version" → alternatives. Identity is the file's content."""

    path: str
    header: dict[str, Any]
    rules: dict[str, tuple[str, ...]]
    digest: str

    def identity(self) -> str:
        return self.digest


@dataclass(frozen=True)
class Genre:
    """A kind of document; ``showing`` where the assistant itself speaks and gives its reason."""

    name: str
    title: str
    showing: bool
    rules: Rules

    def identity(self) -> str:
        return self.rules.digest


@cache
def shared() -> Rules:
    """Wordings that all genres use."""
    return _checked(read(FOLDER / "_phrases.md"), {})


@cache
def genres() -> tuple[Genre, ...]:
    """All genres in their folder, by name.

    Raises:
        PromptError: a file is malformed; the message names file and line or rule.
    """
    known = shared().rules
    return tuple(_genre(path, known) for path in sorted(FOLDER.glob("[!_]*.md")))


def _genre(path: Path, known: dict[str, tuple[str, ...]]) -> Genre:
    rules = _checked(read(path), known)
    if set(rules.header) != {"title", "showing"} or not isinstance(rules.header["showing"], bool):
        raise PromptError(f"{path.name}: the header should have 'title' and 'showing: true' or 'false'")
    if "shape" not in rules.rules:
        raise PromptError(f"{path.name}: no rule '## shape', with which a document begins")
    return Genre(path.stem, str(rules.header["title"]), rules.header["showing"], rules)


def read(path: Path) -> Rules:
    """Header and rules of one file; raises PromptError with file and line."""
    text = path.read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2) if text.startswith("---\n") else ("", "{}", text)
    found = dict[str, list[list[str]]]()
    current: list[list[str]] | None = None
    for number, line in enumerate(body.splitlines(), start=text.count("\n") - body.count("\n") + 1):
        heading = RULE.match(line)
        if heading:
            name = heading[1] if heading[2] is None else f"{heading[1]} / {heading[2]}"
            if name in found:
                raise PromptError(f"{path.name}:{number}: rule {name!r} is there twice")
            current = found.setdefault(name, [])
        elif line.startswith("- ") and current is not None:
            current.append([line[2:].strip()])
        elif (line.startswith("  ") or not line) and current is not None:
            if current:
                current[-1].append(line.strip())
        elif line and not line.startswith("<!--"):
            raise PromptError(f"{path.name}:{number}: {line!r} is no '## rule', '- alternative' or indented line")
    rules = {name: tuple("\n".join(lines).strip() for lines in texts) for name, texts in found.items()}
    return Rules(path.name, yaml.safe_load(header) or {}, rules, hashlib.sha256(text.encode()).hexdigest())


def _checked(file: Rules, known: dict[str, tuple[str, ...]]) -> Rules:
    """The same rules, after checking that every slot exists and every link rule has its twins."""
    both = {**known, **file.rules}
    for name, texts in file.rules.items():
        if not texts:
            raise PromptError(f"{file.path}: rule {name!r} has no alternative")
        for text in texts:
            wrong = _wrong(name, text, both)
            if wrong:
                raise PromptError(f"{file.path}: rule {name!r}: {wrong} (in {text!r})")
        if name.endswith(" / link"):
            _check_twins(file, name.removesuffix(" / link"))
    return file


def _wrong(name: str, text: str, known: dict[str, tuple[str, ...]]) -> str | None:
    slots, rest = set(SLOT.findall(text)), SLOT.sub("", text)
    if "{{" in rest or "}}" in rest or rest.count("[") != rest.count("]"):
        return "braces or brackets do not match"
    unknown = sorted(s for s in slots - TERMINALS if s not in known and f"{s} / link" not in known)
    if unknown:
        return f"{', '.join(unknown)}: neither a rule nor a part of a spec"
    version = name.partition(" / ")[2]
    if not version and slots & VALUES:
        return "a value may be named in versions of a rule only (/ link, / plain, / apart)"
    if version in ("plain", "apart") and slots & VALUES:
        return f"the {version} version holds neither reason nor value"
    # Nested rules would put the two variants of a document out of step.
    nested = sorted(s for s in slots - TERMINALS if not s.startswith("the_")) + sorted(slots & {"new", "passage"})
    if version and nested:
        return f"a version may hold parts of a spec and the_… names only, not {', '.join(nested)}"
    return None


def _check_twins(file: Rules, name: str) -> None:
    """The link rule's twins exist, and "/ apart" has texts with as many behaviours as each linking text."""
    for version in ("plain", "apart"):
        if f"{name} / {version}" not in file.rules:
            raise PromptError(f"{file.path}: rule '{name} / link' needs its twin '{name} / {version}'")
    apart = {mentions(text)[0] for text in file.rules[f"{name} / apart"]}
    lacking = sorted({mentions(text)[0] for text in file.rules[f"{name} / link"]} - apart)
    if lacking:
        raise PromptError(f"{file.path}: rule '{name} / apart' has no text with {lacking[0]} behaviours, "
                          f"as '{name} / link' has")


def mentions(text: str) -> tuple[int, int]:
    """How many behaviours and values a wording mentions."""
    counts = Counter(SLOT.findall(text))
    return sum(counts[s] for s in BEHAVIOURS), sum(counts[s] for s in VALUES)
