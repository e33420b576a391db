"""Cells (a subdomain and a kind of document) → which of them the next documents are for. Asks nobody."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from heapq import heapify, heapreplace

from midspec.documents.tree import Idea, Kind, Subdomain

DRY = 3  # rounds in a row that brought a cell nothing


@dataclass(eq=False)
class Cell:
    """What is to be filled evenly. ``ideas`` are those that are still unused, ``taken`` counts all that came."""

    subdomain: Subdomain
    kind: Kind
    place: int
    ideas: list[Idea] = field(default_factory=list[Idea])
    titles: list[str] = field(default_factory=list[str])
    chunks: int = 0
    out_of_ideas: bool = False
    kept: int = 0
    misses: int = 0

    @property
    def id(self) -> str:
        return f"{self.subdomain.id}.{self.kind.number}"

    @property
    def dry(self) -> bool:
        return self.misses >= DRY or (self.out_of_ideas and not self.ideas)

    def end_round(self, kept: int) -> None:
        """Note what a round brought, in which the cell had its turn."""
        self.kept += kept
        self.misses = 0 if kept else self.misses + 1


class Deal:
    """Gives every cell its turn: always the one that has least, in an order drawn from the seed.

    Of all documents, the share ``shows`` goes to kinds that show the assistant, as long as there are such.
    """

    def __init__(self, subdomains: list[Subdomain], kinds: dict[str, list[Kind]], shows: float, seed: int) -> None:
        self.shows = shows
        self.cells = _dealt(subdomains, kinds, seed)

    def next(self, many: int) -> list[Cell]:
        """Cells of the next ``many`` documents, a cell as often as it is to get one; empty where all are dry."""
        chosen = list[Cell]()
        pools = {shows: [cell for cell in self.cells if cell.kind.shows is shows and not cell.dry]
                 for shows in (True, False)}
        pools[True] = pools[True] if self.shows > 0 else []
        pools[False] = pools[False] if self.shows < 1 else []
        have = {shows: sum(cell.kept for cell in self.cells if cell.kind.shows is shows) for shows in (True, False)}
        heaps = {shows: [(cell.kept, cell.place, cell) for cell in pool] for shows, pool in pools.items()}
        for heap in heaps.values():
            heapify(heap)
        for _ in range(many if any(pools.values()) else 0):
            wanted = have[True] + 1 <= self.shows * (have[True] + have[False] + 1) + 1e-9
            heap = heaps[wanted] or heaps[not wanted]
            filled, place, cell = heap[0]
            heapreplace(heap, (filled + 1, place, cell))
            have[cell.kind.shows] += 1
            chosen.append(cell)
        return chosen


def _dealt(subdomains: list[Subdomain], kinds: dict[str, list[Kind]], seed: int) -> list[Cell]:
    """All cells, one kind of every subdomain before the next kind of any."""
    shuffled = dict[str, list[Kind]]()
    for one in subdomains:
        shuffled[one.id] = list(kinds.get(one.id, ()))
        random.Random(f"{seed}/{one.id}").shuffle(shuffled[one.id])
    cells = list[Cell]()
    for turn in range(max(map(len, shuffled.values()), default=0)):
        row = [one for one in subdomains if turn < len(shuffled[one.id])]
        random.Random(f"{seed}/{turn}").shuffle(row)
        cells += [Cell(one, shuffled[one.id][turn], 0) for one in row]
    for place, cell in enumerate(cells):
        cell.place = place
    return cells
