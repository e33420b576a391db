"""Texts → which earlier one means the same, by the cosine of a small model's sentence vectors. An option, never needed.

Words differ and meanings do not: "What would you cook for ten?" and "Ten guests tonight, what goes into the pot?".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midspec.core.errors import SetupError
from midspec.models.digests import file_digest

INSTALL = "pip install 'midspec[embed]'"


@dataclass(frozen=True)
class Meaning:
    """A sentence model in a ``folder`` (all-MiniLM-L6-v2, say: mean of the last layer) and the cosine above which two
    texts mean the same. Identity is the folder's content.

    Raises:
        SetupError: no such folder, or none with a model.
    """

    folder: str
    cosine: float = 0.91

    def __post_init__(self) -> None:
        if not (Path(self.folder) / "config.json").is_file():
            raise SetupError(f"{self.folder}: no model folder (config.json is missing)",
                             hint="hf download sentence-transformers/all-MiniLM-L6-v2 --local-dir FOLDER")

    def identity(self) -> str:
        files = sorted(path for path in Path(self.folder).iterdir() if path.suffix in (".json", ".txt", ".safetensors"))
        known = [f"{path.name} {file_digest(path)}" for path in files]
        return hashlib.sha256("\n".join([*known, self.cosine.hex()]).encode()).hexdigest()


class Vectors:
    """Finds what means the same as something earlier (``sieve.Alike``)."""

    def __init__(self, meaning: Meaning) -> None:
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise SetupError("telling meanings apart needs torch and transformers", hint=INSTALL) from error
        self._torch = torch
        self._tokenizer: Any = AutoTokenizer.from_pretrained(meaning.folder)
        self._model: Any = AutoModel.from_pretrained(meaning.folder).eval()
        self._cosine = meaning.cosine
        self._known = np.zeros((0, 0), dtype=np.float32)
        self._last = ("", self._known)

    def like(self, text: str) -> int | None:
        """Place (from 0) of the first earlier text whose vector is closer than the cosine, None where there is none."""
        if not len(self._known):
            return None
        close = np.flatnonzero(self._known @ self._vector(text) > self._cosine)
        return int(close[0]) if len(close) else None

    def add(self, text: str) -> None:
        vector = self._vector(text)[None, :]
        self._known = vector if not len(self._known) else np.concatenate([self._known, vector])

    def _vector(self, text: str) -> np.ndarray:
        """Mean over the tokens of the last layer, length 1."""
        if self._last[0] != text:
            rows = self._tokenizer([text], return_tensors="pt", truncation=True, max_length=256)
            with self._torch.inference_mode():
                states = self._model(**rows).last_hidden_state[0]
            mean = states.mean(dim=0).numpy()
            self._last = (text, mean / max(float(np.linalg.norm(mean)), 1e-12))
        return self._last[1]
