"""This machine → the numeric precision that is fastest on it. Knows nothing of models; imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

# Without one of these instruction sets, bf16 on a CPU is emulated and slower than fp32.
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


def fastest_precision(device: str = "cpu") -> str:
    """ "bf16" on a GPU and on a CPU with instructions for it (≈ 4 × fp32 in training), else "fp32".

    The answer enters a recipe's identity when it is used in a Schedule: the two give different weights.
    """
    if device != "cpu":
        return "bf16"
    info = Path("/proc/cpuinfo")
    flags = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
    return "bf16" if CPU_FLAGS & set(flags.split()) else "fp32"
