"""Cells (a subdomain and a kind of document) → which of them the next documents are for. Asks nobody."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from itertools import takewhile

from midspec.documents.tree import Idea, Kind, Subdomain

DRY = 3  # rounds in a row that brought a cell nothing


@dataclass(eq=False)
class Cell:
    """What is to be filled evenly. ``ideas`` are those that are still unused, ``titles`` those of all that came.

    It is number ``turn`` of the ``turns`` cells of its subdomain, in the order in which these are dealt.
    """

    subdomain: Subdomain
    kind: Kind
    place: int
    turn: int = 0
    turns: int = 1
    ideas: list[Idea] = field(default_factory=list[Idea])
    titles: list[str] = field(default_factory=list[str])
    chunks: int = 0
    out_of_ideas: bool = False
    kept: int = 0
    misses: int = 0

    @property
    def id(self) -> str:
        return f"{self.subdomain.id}.{self.kind.number}"

    def lead(self, number: int) -> int:
        """Which assertion (from 1) this cell's idea with this number (from 0) is for above all.

        Counted through all cells of the subdomain as they are dealt, each assertion has its turn before any has its
        second. It depends on the place alone, so that a corpus that grows keeps its ideas.
        """
        many = max(1, len(self.subdomain.assertions))
        place = number * self.turns + self.turn
        # Where all cells' turns fit evenly into the assertions, a cell would meet the same one for ever.
        return (place + place // math.lcm(self.turns, many)) % many + 1

    @property
    def dry(self) -> bool:
        return self.misses >= DRY or (self.out_of_ideas and not self.ideas)

    def end_round(self, kept: int) -> None:
        """Note what a round brought, in which the cell had its turn."""
        self.kept += kept
        self.misses = 0 if kept else self.misses + 1


class Deal:
    """Gives every cell its turn, in rounds in an order drawn from the seed; a place in a round is a slot.

    Of all documents, the share ``shows`` goes to kinds that show the assistant, as long as there are such.
    """

    def __init__(self, subdomains: list[Subdomain], kinds: dict[str, list[Kind]], shows: float, seed: int) -> None:
        self.shows = shows
        self.cells = _dealt(subdomains, kinds, shows, seed)

    def next(self, many: int) -> list[Cell]:
        """Cells of the next documents, a cell as often as it is to get one: all holes, and ``many`` at least.

        Empty where all cells are dry.
        """
        chosen = self._holes()
        due = Counter(chosen)
        heaps = {shows: [(cell.kept + due[cell], cell.place, cell) for cell in self._pool(shows) if not cell.dry]
                 for shows in (True, False)}
        for heap in heaps.values():
            heapify(heap)
        have = {shows: sum(cell.kept + due[cell] for cell in self._pool(shows)) for shows in (True, False)}
        while len(chosen) < many and any(heaps.values()):
            wanted = have[True] + 1 <= self.shows * (have[True] + have[False] + 1) + 1e-9
            heap = heaps[wanted] or heaps[not wanted]
            filled, place, cell = heap[0]
            heapreplace(heap, (filled + 1, place, cell))
            have[cell.kind.shows] += 1
            chosen.append(cell)
        return chosen

    def filled(self) -> list[tuple[int, Cell]]:
        """(round, cell) of all slots that are filled, up to the first hole among kinds that show and those that do not.

        What lies behind a hole would make the corpus uneven.
        """
        slots = list[tuple[int, Cell]]()
        for shows in (True, False):
            pool, turn = self._pool(shows), 0
            while any(cell.kept > turn for cell in pool):
                row = list(takewhile(lambda cell, turn=turn: cell.kept > turn or cell.dry, pool))
                slots += [(turn, cell) for cell in row if cell.kept > turn]
                if len(row) < len(pool):
                    break
                turn += 1
        return sorted(slots, key=lambda slot: (slot[0], slot[1].place))

    def _holes(self) -> list[Cell]:
        """Cells that lack a document although slots behind theirs are filled."""
        found = list[Cell]()
        for shows in (True, False):
            pool = self._pool(shows)
            top, place = max(((cell.kept - 1, cell.place) for cell in pool), default=(-1, 0))
            for cell in pool:
                found += [cell] * (0 if cell.dry else max(0, top + (cell.place < place) - cell.kept))
        return found

    def _pool(self, shows: bool) -> list[Cell]:
        """Cells of one sort, in their order; none where the share says so."""
        if self.shows == (0 if shows else 1):
            return []
        return [cell for cell in self.cells if cell.kind.shows is shows]


def _dealt(subdomains: list[Subdomain], kinds: dict[str, list[Kind]], shows: float, seed: int) -> list[Cell]:
    """All cells, one kind of every subdomain before the next kind of any, and both sorts of kinds mixed by share."""
    shuffled = {one.id: _mixed(kinds.get(one.id, []), shows, number, f"{seed}/{one.id}")
                for number, one in enumerate(subdomains)}
    cells = list[Cell]()
    for turn in range(max(map(len, shuffled.values()), default=0)):
        row = [one for one in subdomains if turn < len(shuffled[one.id])]
        random.Random(f"{seed}/{turn}").shuffle(row)
        cells += [Cell(one, shuffled[one.id][turn], 0, turn, len(shuffled[one.id])) for one in row]
    for place, cell in enumerate(cells):
        cell.place = place
    return cells


def _mixed(kinds: list[Kind], shows: float, start: int, key: str) -> list[Kind]:
    """The kinds of one subdomain in a drawn order, in any stretch of which about the share ``shows`` shows."""
    sorts = {shown: [kind for kind in kinds if kind.shows is shown] for shown in (True, False)}
    for shown, some in sorts.items():
        random.Random(f"{key}/{shown}").shuffle(some)
    made = list[Kind]()
    for turn in range(start, start + len(kinds)):
        shown = math.floor((turn + 1) * shows) > math.floor(turn * shows)
        made.append((sorts[shown] or sorts[not shown]).pop())
    return made
