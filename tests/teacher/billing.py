"""Requests → what they cost: prompt caches with a warm-up, buckets of requests and tokens. Time comes from outside."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tests.teacher.plan import Cache, Limit


def tokens(text: str) -> int:
    """A quarter of the characters, at least one: what providers tell people to reckon with."""
    return max(1, (len(text) + 3) // 4)


@dataclass
class _Stored:
    ready: float
    ends: float


@dataclass
class Prefixes:
    """Prompt caching as billed: a prefix is there once the first answer with it has ended; reading keeps it alive."""

    plan: Cache
    _kept: dict[bytes, _Stored] = field(default_factory=dict[bytes, _Stored])

    def read(self, marks: list[tuple[bytes, int]], now: float) -> int:
        """Tokens of the longest prefix in ``marks`` (digest, tokens up to there; shortest first) that is warm now."""
        for digest, size in reversed(marks):
            kept = self._kept.get(digest)
            if kept is not None and kept.ready <= now < kept.ends and size >= self.plan.least_tokens:
                kept.ends = now + self.plan.life_s
                return size
        return 0

    def store(self, marks: list[tuple[bytes, int]], ready: float) -> None:
        for digest, _ in marks:
            kept = self._kept.get(digest)
            if kept is None or kept.ends <= ready:
                self._kept[digest] = _Stored(ready, ready + self.plan.life_s)
            else:
                kept.ready = min(kept.ready, ready)

    def blocks(self, parts: list[str]) -> list[tuple[bytes, int]]:
        """Every ``block_tokens`` of the whole prompt, as providers do that cache on their own."""
        step, done = self.plan.block_tokens * 4, 0
        whole = "\x1e".join(parts).encode("utf-8", "surrogatepass")
        chain, marks = hashlib.blake2b(digest_size=16), list[tuple[bytes, int]]()
        while done + step <= len(whole):
            chain.update(whole[done : done + step])
            done += step
            marks.append((chain.digest(), done // 4))
        return marks if marks and marks[-1][1] >= self.plan.least_tokens else []

    def breakpoints(self, parts: list[tuple[str, bool]]) -> list[tuple[bytes, int]]:
        """The prefix at each marked part, as providers do that cache where they are told to."""
        chain, size, marks = hashlib.blake2b(digest_size=16), 0, list[tuple[bytes, int]]()
        for text, marked in parts:
            chain.update(text.encode("utf-8", "surrogatepass") + b"\x1e")
            size += tokens(text)
            if marked and size >= self.plan.least_tokens:
                marks.append((chain.digest(), size))
        return marks


@dataclass
class Buckets:
    """A token bucket for requests and one for tokens; their sizes change by the plan's schedule."""

    schedule: list[Limit]
    _level: dict[str, float] = field(default_factory=dict[str, float])
    _seen: float = 0.0
    _current: Limit | None = None

    def limit(self, now: float) -> Limit | None:
        current = [one for one in self.schedule if one.start_s <= now]
        return current[-1] if current else None

    def take(self, size: int, now: float) -> float | None:
        """None where the request is let in, else the seconds until it could be."""
        limit = self.limit(now)
        if limit is None:
            return None
        waits: list[float] = []
        wants = {"requests": (limit.requests_per_minute, 1.0), "tokens": (limit.tokens_per_minute, float(size))}
        for name, (rate, want) in wants.items():
            if rate is None:
                continue
            depth = max(rate / 60 * limit.burst_s, want)
            level = (
                depth if limit is not self._current else min(depth, self._level[name] + (now - self._seen) * rate / 60)
            )
            self._level[name] = level
            if level < want:
                waits.append((want - level) / (rate / 60))
        self._current, self._seen = limit, now
        if waits:
            return max(waits)
        for name, (rate, want) in wants.items():
            if rate is not None:
                self._level[name] -= want
        return None

    def left(self, name: str) -> float:
        return self._level.get(name, 0.0)
