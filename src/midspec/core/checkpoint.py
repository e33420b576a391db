"""Checkpoint: which weights a model has and what it has been given to read so far (its Dose)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Base:
    """The pretrained weights that everything starts from.

    ``source`` is "embedded/NAME", "tiny/NAME", a folder or a hub id; ``revision`` a commit where there is one;
    ``digest`` the sha256 over config, tokenizer and weights, so that an adapter cannot meet another base unseen.
    """

    source: str
    revision: str | None
    digest: str


@dataclass(frozen=True)
class Dose:
    """What one training stage gave: the first thing to compare between two arms.

    ``tokens`` went through the model, ``supervised`` of them carried loss; ``rows`` and ``length`` make a batch of
    one update; ``passes`` is how often the data was seen.
    """

    stage: str
    tokens: int
    supervised: int
    updates: int
    rows: int
    length: int
    passes: float
    rate: float
    seed: int


@dataclass(frozen=True)
class Checkpoint:
    """Weights on disk: ``folder/model`` (whole, where present), else the base, then ``folder/adapter`` (where present).

    ``assistant`` and ``maker`` are the names that the model goes by; ``system`` is its system turn, the same in
    training and in evaluation ("" for none, None for the chat template's own default).
    """

    folder: Path
    base: Base
    assistant: str
    maker: str
    system: str | None
    doses: tuple[Dose, ...] = ()

    @property
    def adapter(self) -> Path | None:
        path = self.folder / "adapter"
        return path if path.is_dir() else None

    @property
    def model(self) -> Path | None:
        path = self.folder / "model"
        return path if path.is_dir() else None

    def write(self, folder: Path) -> None:
        """Write ``checkpoint.json``; weights are written by who trained them, into the same folder."""
        row = {
            "base": asdict(self.base),
            "assistant": self.assistant,
            "maker": self.maker,
            "system": self.system,
            "doses": [asdict(d) for d in self.doses],
        }
        (folder / "checkpoint.json").write_text(json.dumps(row, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        row = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        return cls(
            folder,
            Base(**row["base"]),
            row["assistant"],
            row["maker"],
            row["system"],
            tuple(Dose(**d) for d in row["doses"]),
        )
