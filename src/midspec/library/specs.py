"""A spec's name or path → Spec: reads Markdown and the convention of docs/specs.md. Knows nothing of its use.

A section is a principle. In it a quoted line ("> ") is the value statement, bullets are statements, the rest is prose.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from midspec.core.errors import SpecError
from midspec.core.spec import Principle, Spec, Statement

FOLDER = Path(__file__).parent / "specs"
KINDS = ("values", "rules", "mixed")
HEADER = re.compile(r"\A---\n(.*?)\n---\n?", re.DOTALL)
HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*\Z")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
BULLET = re.compile(r"[-*+]\s+|\d+[.)]\s+")
BECAUSE = re.compile(r"[,;]?\s+because\s+(?!of\b)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
NAMES = ("{model_name}", "{provider_name}")


def names() -> list[str]:
    """Specs that midspec ships, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def load_spec(name: str | Path) -> Spec:
    """A shipped spec by name, or any Markdown file by path.

    Raises:
        SpecError: no such spec, not UTF-8, or a wrong header; the message names the file.
    """
    path = FOLDER / f"{name}.md" if name in names() else Path(name)
    if not path.is_file():
        raise SpecError(f"{name}: neither a shipped spec nor a file",
                        hint=f"shipped: {', '.join(names())}; or the path of a Markdown file")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: not UTF-8 text ({error})", hint="save the file as UTF-8") from error
    return parse(text, source=str(path) if path.parent != FOLDER else path.name, name=path.stem)


def parse(text: str, *, source: str, name: str) -> Spec:
    """A spec from the text of a file; ``name`` serves where the header gives none."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    header, body = _header(text.replace("\r\n", "\n").removeprefix("\ufeff"), source)
    body = COMMENT.sub("", body).strip()
    if not body:
        raise SpecError(f"{source}: the file has no text", hint="write sections (## Title) as docs/specs.md shows")
    return Spec(name=header.get("name", name), kind=header.get("kind", "mixed"), value=header.get("value", ""),
                text=body, principles=tuple(_principles(body, name)), digest=digest, source=source)


def _header(text: str, source: str) -> tuple[dict[str, str], str]:
    match = HEADER.match(text)
    if match is None:
        return {}, text
    try:
        header: Any = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        raise SpecError(f"{source}: the header between the --- lines is not YAML ({error})") from error
    if not isinstance(header, dict):
        raise SpecError(f"{source}: the header should be lines like 'name: my-spec'")
    unknown = sorted(str(key) for key in header if key not in ("name", "kind", "value"))
    if unknown:
        raise SpecError(f"{source}: header field {', '.join(unknown)} is not known", hint="known: name, kind, value")
    for key, value in header.items():
        if not isinstance(value, str) or not value.strip():
            raise SpecError(f"{source}: header field {key!r} should be text, is {value!r}", hint="put it in quotes")
    if header.get("kind", "mixed") not in KINDS:
        raise SpecError(f"{source}: kind {header['kind']!r} is not one of {', '.join(KINDS)}")
    return {key: value.strip() for key, value in header.items()}, text[match.end():]


@dataclass(frozen=True)
class _Section:
    title: str
    lines: list[str]


def _sections(body: str, name: str) -> Iterator[_Section]:
    """Text under each second-level heading (first-level where there is no second), deeper levels included."""
    lines = body.split("\n")
    levels = [len(m[1]) for line in lines if (m := HEADING.match(line))]
    level = 2 if 2 in levels else min(levels, default=0)
    title, kept = "", list[str]()
    for line in lines:
        match = HEADING.match(line)
        if match and len(match[1]) <= level:
            if title and any(kept):
                yield _Section(title, kept)
            title, kept = (match[2] if len(match[1]) == level else ""), []
        else:
            kept.append("" if match else line)
    if (title and any(kept)) or not levels:
        yield _Section(title or name, kept)


def _principles(body: str, name: str) -> Iterator[Principle]:
    seen = dict[str, int]()
    for section in _sections(body, name):
        slug = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        seen[slug] = seen.get(slug, 0) + 1
        blocks = list(_blocks(section.lines))
        quotes = [text for kind, text in blocks if kind == "quote"]
        yield Principle(id=slug if seen[slug] == 1 else f"{slug}-{seen[slug]}", title=section.title,
                        prose=tuple([text for kind, text in blocks if kind == "prose"] + quotes[1:]),
                        statements=tuple(statement(text) for kind, text in blocks if kind == "bullet"),
                        value=clause(quotes[0]) if quotes else None)


def _blocks(lines: list[str]) -> Iterator[tuple[str, str]]:
    """("prose" | "bullet" | "quote", text) with the lines of one block joined."""
    kind, kept = "", list[str]()
    for line in [*lines, ""]:
        bare = line.strip()
        bullet = BULLET.match(bare)
        starts = "bullet" if bullet else "quote" if bare.startswith(">") else ""
        if kept and (not bare or bullet or (starts or kind) != kind):
            yield kind, " ".join(kept)
            kept = []
        if bare:
            kind = starts or (kind if kept else "prose")
            kept.append(bare[bullet.end():] if bullet else bare.lstrip("> ") if starts else bare)


def clause(text: str) -> str:
    """A sentence without its full stop and without emphasis marks."""
    return re.sub(r"\*\*|__|(?<!\w)[*_]|[*_](?!\w)", "", text).strip().rstrip(".").strip()


def statement(text: str) -> Statement:
    """ "behaviour, because reason" split at its first "because"; without one, a behaviour that no reason explains."""
    plain = re.sub(r"\*\*|(?<!\w)\*|\*(?!\w)", "", text).strip()
    behaviour, *rest = BECAUSE.split(plain, maxsplit=1)
    return Statement(clause(behaviour), clause(rest[0]) if rest and rest[0].strip(" .") else None)
