"""Near-duplicates among documents of 600 words: midspec's exact index beside datasketch's MinHash LSH in batches (P4).

Needs datasketch beside midspec's own packages (`pip install datasketch`). Run from the repository:

    python benchmarks/near_duplicates.py [--documents 2000] [--rounds 3] [--threshold 0.5]

One in twenty documents is a copy of an earlier one with some words changed, at all shares around the threshold. Both
sides get plain texts and give pairs whose sets of word 5-grams have at least that Jaccard index. datasketch finds
candidates by 128 permutations, hashed in bulk, and each is then compared in full, as its own documentation has it: what
it misses it misses before that. midspec compares everything that could reach the index. Both must find the same pairs
among those well above the threshold, and neither may find a pair that is not one, before the time counts: processor
time of one thread, since both use one.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from itertools import combinations
from typing import Any

from datasketch import MinHash, MinHashLSH

from midspec.core.grams import Seen, grams, words
from midspec.documents.compose import compose
from midspec.library.specs import load_spec

WORDS, GRAM, PERMUTATIONS = 600, 5, 128
CHANGED = (0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15)  # shares of words
SURE = 0.15  # above the threshold, from which LSH may not miss a pair

Pairs = set[tuple[int, int]]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--documents", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--threshold", type=float, default=0.5)
    given = options.parse_args()
    texts = drawn(given.documents)
    ours, theirs = own(texts, given.threshold), peer(texts, given.threshold)
    index = {pair: jaccard(texts, pair) for pair in ours | theirs}
    assert all(share >= given.threshold for share in index.values()), "a pair that is none"
    sure = {pair for pair in ours | theirs if index[pair] >= min(1.0, given.threshold + SURE)}
    assert sure <= ours, "midspec missed a pair"
    assert sure <= theirs, f"datasketch missed {len(sure - theirs)} sure pairs of {len(sure)}"
    assert theirs <= ours, f"midspec missed {len(theirs - ours)} pairs that datasketch has"
    small = texts[:300]
    exact = {pair for pair in combinations(range(len(small)), 2) if jaccard(small, pair) >= given.threshold}
    assert own(small, given.threshold) == exact, "not what comparing all with all finds"
    times = [(seconds(lambda: peer(texts, given.threshold)), seconds(lambda: own(texts, given.threshold)))
             for _ in range(given.rounds)]
    slow, fast = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{len(texts):,} documents of {WORDS} words, Jaccard {given.threshold} of word {GRAM}-grams: "
          f"{len(ours):,} pairs, of which datasketch found {len(theirs):,}; {len(sure):,} sure ones found by both")
    print(f"datasketch {slow:.2f} s, midspec {fast:.2f} s: {slow / fast:.1f} x "
          f"(rounds {', '.join(f'{a / b:.1f}' for a, b in times)})")


def drawn(many: int) -> list[str]:
    """Words of composed documents in a fresh order of sentences, and copies of earlier ones with words changed."""
    rng = random.Random(1)
    said = " ".join(d.text for d in compose(load_spec("affordability"), assistant="Clara", maker="Northlight",
                                            tokens=60_000, seed=1))
    lexicon = sorted(set(words(said)))
    texts = list[str]()
    for place in range(many):
        if place and rng.random() < 0.05:
            copied = rng.choice(texts[-200:]).split()
            for at in rng.sample(range(len(copied)), round(rng.choice(CHANGED) * len(copied))):
                copied[at] = rng.choice(lexicon)
            texts.append(" ".join(copied))
            continue
        # Phrases that all documents share stand among words that only one has.
        own_words = list[str]()
        while len(own_words) < WORDS:
            at = rng.randrange(len(said) - 200)
            own_words += said[at:at + 60].split()[1:-1] + rng.choices(lexicon, k=9)
        texts.append(" ".join(own_words[:WORDS]))
    return texts


def own(texts: list[str], threshold: float) -> Pairs:
    """Every pair: as the gate asks, but going on behind the first twin."""
    seen, found = Seen(GRAM, threshold), Pairs()
    for place, text in enumerate(texts):
        found |= {(twin, place) for twin in seen.all_like(text)}
        seen.add(text)
    return found


def peer(texts: list[str], threshold: float) -> Pairs:
    sets: list[Any] = [{" ".join(gram).encode() for gram in grams(words(text), GRAM)} for text in texts]
    hashes: Any = MinHash.bulk(sets, num_perm=PERMUTATIONS)
    lsh, found = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS), Pairs()
    for place, one in enumerate(hashes):
        for twin in lsh.query(one):
            together = len(sets[twin] & sets[place])
            if together >= threshold * (len(sets[twin]) + len(sets[place]) - together):
                found.add((twin, place))
        lsh.insert(place, one)
    return found


def jaccard(texts: list[str], pair: tuple[int, int]) -> float:
    one, other = (set(grams(words(texts[place]), GRAM)) for place in pair)
    return len(one & other) / len(one | other)


def seconds(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
