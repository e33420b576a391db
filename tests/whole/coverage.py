"""Variances between seeds and items → how often the 95 % interval holds the truth.

    python -m tests.whole.coverage [DRAWS]

A complete normal table enters the interval only through its mean and three mean squares, which are independent, normal
and chi-squared: drawing those instead of tables allows hundreds of thousands of draws. Imports nothing of midspec.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy import special

SEED = (0, 0.0005, 0.002, 0.01, 0.05, 0.2, 1)
ITEM = (0, 0.1, 0.3, 1, 4)  # variances, the rest being 1
Many = np.ndarray


def half_widths(seed: Many, item: Many, rest: Many, seeds: int, items: int) -> Many:
    """Half of each 95 % interval, from the mean squares (docs/method.md, "From answers to numbers")."""
    free = (seeds - 1) * (items - 1)

    def wide(square: Many, df: Many | float) -> Many:
        return special.stdtrit(df, 0.975) * np.sqrt(np.maximum(square, 0) / (seeds * items))

    both, alone = (seed > rest) & (item > rest), seed > rest
    top = np.where(both, seed + item - rest, 1)
    df = top**2 / (seed**2 / (seeds - 1) + item**2 / (items - 1) + rest**2 / free)
    one = np.where(alone, wide(seed, seeds - 1), wide(np.maximum(item, rest), items - 1))
    found = np.where(both, wide(top, df), one)
    for square, many in ((seed, seeds), (item, items)):
        counts = (square > special.fdtri(many - 1, free, 0.5) * rest) | (many == 2)
        found = np.where(counts, np.maximum(found, wide(square, many - 1)), found)
    return found


def coverage(seeds: int, items: int, seed: float, item: float, draws: int) -> float:
    drawn = np.random.default_rng([seeds, items, int(1e5 * seed), int(1e3 * item)])
    free = (seeds - 1) * (items - 1)
    squares = [
        expected * drawn.chisquare(many, draws) / many
        for expected, many in ((1 + items * seed, seeds - 1), (1 + seeds * item, items - 1), (1, free))
    ]
    off = drawn.normal(0, np.sqrt((1 + items * seed + seeds * item) / (seeds * items)), draws)
    return float(np.mean(np.abs(off) <= half_widths(*squares, seeds, items)))


def worst(seeds: int, items: int, draws: int) -> tuple[float, float, tuple[float, float]]:
    """(least, largest coverage over the settings, where it is least)."""
    found = {(s, i): coverage(seeds, items, s, i, draws) for s in SEED for i in ITEM}
    place = min(found, key=lambda at: found[at])
    return found[place], max(found.values()), place


if __name__ == "__main__":
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000
    for seeds in (2, 3, 5, 8):
        for items in (20, 40, 100, 200):
            least, most, place = worst(seeds, items, draws)
            print(
                f"{seeds} seeds, {items:3d} items: {least:.4f} (seed, item variance {place}) to {most:.4f}", flush=True
            )
