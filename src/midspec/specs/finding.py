"""What looks wrong in a spec: one shape for findings of code and of a critic."""

from __future__ import annotations

from dataclasses import asdict, dataclass

KINDS = ("reason", "harm", "contradiction", "identity", "length")
SHOWN = 100


@dataclass(frozen=True)
class Finding:
    """``quote`` stands in the spec; ``section`` is the title of the one that it is in, "" where it is of the whole."""

    kind: str
    section: str
    quote: str
    problem: str

    def row(self) -> dict[str, str]:
        return asdict(self)

    def __str__(self) -> str:
        where = f", {self.section}" if self.section else ""
        quote = f"“{self.quote[:SHOWN]}{'…' if len(self.quote) > SHOWN else ''}”: " if self.quote else ""
        return f"{self.kind}{where}: {quote}{self.problem}"
