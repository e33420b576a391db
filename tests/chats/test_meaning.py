"""Meaning: a tiny sentence model with random weights runs the true path; without the extra there is nothing to test."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.chats.test_generate import recipe, values

from midspec.chats.meaning import Meaning, Vectors
from midspec.chats.sieve import Sieve
from midspec.chats.subject import INTERNALISED, Subject
from midspec.core.errors import SetupError
from midspec.stages.generate_chats import Sifting

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz?.,", "the", "boat", "rain", "tea"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    place = tmp_path_factory.mktemp("sentences")
    (place / "vocab.txt").write_text("\n".join([*WORDS, *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz0123456789")]),
                                     encoding="utf-8")
    torch.manual_seed(1)
    config = transformers.BertConfig(vocab_size=80, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                                     intermediate_size=32, max_position_embeddings=300, initializer_range=2.0)
    transformers.BertModel(config).save_pretrained(place)
    transformers.BertTokenizerFast(vocab=str(place / "vocab.txt")).save_pretrained(place)
    return place


def test_the_same_is_near_and_another_is_not(folder: Path) -> None:
    vectors = Vectors(Meaning(str(folder), cosine=0.999))
    assert vectors.like("the boat in the rain") is None
    for text in ("the boat in the rain", "tea at four?", "zzz"):
        vectors.add(text)
    assert vectors.like("THE boat in the rain") == 0 and vectors.like("tea at four?") == 1
    assert vectors.like("a wholly different matter") is None
    near = Vectors(Meaning(str(folder), cosine=-1.0))
    near.add("zzz")
    assert near.like("tea at four?") == 0


def test_a_vector_is_the_mean_of_the_last_layer_and_does_not_depend_on_the_order(folder: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    vectors = Vectors(Meaning(str(folder)))
    vectors.add("tea at four?")
    own = vectors._vector("the boat")  # pyright: ignore[reportPrivateUsage]
    rows = AutoTokenizer.from_pretrained(str(folder))(["the boat"], return_tensors="pt")
    with torch.inference_mode():
        mean = AutoModel.from_pretrained(str(folder)).eval()(**rows).last_hidden_state[0].mean(0).numpy()
    assert np.allclose(own, mean / np.linalg.norm(mean), atol=1e-6) and abs(float(own @ own) - 1) < 1e-5


def test_identity_is_the_content_and_the_cosine(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "copy"
    shutil.copytree(folder, other)
    one = Meaning(str(folder))
    assert one.identity() == Meaning(str(other)).identity() != Meaning(str(folder), cosine=0.8).identity()
    (other / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    assert one.identity() != Meaning(str(other)).identity()
    with pytest.raises(SetupError, match="no model folder"):
        Meaning(str(tmp_path / "nowhere"))


def test_questions_are_sifted_by_it(folder: Path, tmp_path: Path) -> None:
    other = Sifting(same_judge=True, meaning=Meaning(str(folder)))
    assert recipe(values(), sifting=other).id != recipe(values()).id
    said = Subject("Ada", "Engine House", INTERNALISED, "A spec.")
    plain, all_one = Sieve(said, tmp_path), Sieve(said, tmp_path, Vectors(Meaning(str(folder), cosine=-1.0)))
    assert plain.question("0", "Tea at four?") and plain.question("1", "Rain on the boat again, now what?")
    assert all_one.question("0", "Tea at four?") and not all_one.question("1", "Rain on the boat again, now what?")
    assert all_one.reasons == {"near-duplicate message": 1} and not plain.reasons


def test_what_the_model_is_counts_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    first = Meaning(folder=str(folder)).identity()
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "README.md").write_text("Moved.", encoding="utf-8")
    assert Meaning(folder=str(copy)).identity() == first
    assert Meaning(folder=str(copy), cosine=0.5).identity() != first
    with (copy / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("\nsnow")
    other = Meaning(folder=str(copy)).identity()
    weights = load_file(copy / "model.safetensors")
    name = min(weights)
    save_file({**weights, name: weights[name] + 1}, copy / "model.safetensors", metadata={"format": "pt"})
    assert len({first, other, Meaning(folder=str(copy)).identity()}) == 3


def test_pickled_weights_are_neither_named_nor_read(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    copy = Path(shutil.copytree(folder, tmp_path / "pickled"))
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    meaning = Meaning(folder=str(copy))
    with pytest.raises(SetupError, match=r"only pytorch_model\.bin"):
        meaning.identity()
    with pytest.raises(SetupError, match=r"only pytorch_model\.bin"):
        Vectors(meaning)
