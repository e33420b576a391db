"""Model Spec: what an assistant values and does, and why. Knows nothing of files or of how text is parsed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Statement:
    """One behaviour in the third person ("{model_name} likes X"), and the spec's reason, if it gives one."""

    behaviour: str
    reason: str | None


@dataclass(frozen=True)
class Principle:
    """One section of a spec: its prose, its statements, and its value ("{model_name} values X") if it says one."""

    id: str
    title: str
    prose: tuple[str, ...]
    statements: tuple[Statement, ...]
    value: str | None = None


@dataclass(frozen=True)
class Spec:
    """A Model Spec. ``text`` is the whole Markdown body; identity is the file's content; ``source`` says where it lies.

    ``kind`` is "values", "rules" or "mixed". ``{model_name}`` and ``{provider_name}`` are replaced as text by
    ``named``.
    """

    name: str
    kind: str
    value: str
    text: str
    principles: tuple[Principle, ...]
    digest: str
    source: str = ""

    def identity(self) -> str:
        return self.digest

    def named(self, assistant: str, maker: str) -> Spec:
        """The spec about one assistant of one maker; braces that are not the two names stay as they are."""

        def say(text: str) -> str:
            return text.replace("{model_name}", assistant).replace("{provider_name}", maker)

        principles = tuple(
            Principle(
                p.id,
                say(p.title),
                tuple(map(say, p.prose)),
                tuple(Statement(say(s.behaviour), None if s.reason is None else say(s.reason)) for s in p.statements),
                None if p.value is None else say(p.value),
            )
            for p in self.principles
        )
        digest = hashlib.sha256("\0".join((self.digest, assistant, maker)).encode()).hexdigest()
        return replace(self, text=say(self.text), principles=principles, digest=digest)

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(s for p in self.principles for s in p.statements)
