"""JSON → what the teacher does wrong, when, and how often. Every choice is a function of seed, request and attempt."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

# What goes wrong on the way. Those in WHOLE still bring a whole, usable answer to a client that reads carefully.
FAULTS = (
    "429",
    "429-seconds",
    "429-ms",
    "429-date",
    "500",
    "502-html",
    "503",
    "529",
    "reset-before",
    "reset-mid",
    "hang",
    "truncated",
    "short",
    "malformed",
    "not-utf8",
    "wrong-type",
    "empty-body",
    "error-200",
    "no-choices",
    "reset-after",
    "slow",
    "surrogate",
    "huge-line",
    "duplicate",
    "no-usage",
)
WHOLE = {"reset-after", "slow", "duplicate", "no-usage", "huge-line", "surrogate"}
# Only where a plan names it: to another host, which nobody configured.
EXTRA = ("redirect",)
# The provider has worked and charges, although the answer does not arrive or cannot be read.
CHARGED = {"reset-mid", "truncated", "short", "malformed", "not-utf8", "no-choices"}
HOPELESS = ("401", "403", "404", "spend", "context")


def dice(*parts: object) -> random.Random:
    """The same parts, the same throws, in every process."""
    digest = hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))


@dataclass
class Faults:
    """``rate`` of the attempts at each unit go wrong, at most ``most`` of one unit's (None: no bound)."""

    rate: float = 0.0
    kinds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FAULTS, 1.0))
    most: int | None = None
    wait_s: tuple[float, float] = (1.0, 3.0)  # what Retry-After asks for
    hang_s: float = 3600.0
    slow_s: float = 2.0
    huge_bytes: int = 1_000_000


@dataclass
class Hopeless:
    """From the ``start``-th call on (counted from 0) every call is answered with this error."""

    kind: str | None = None
    start: int = 0


@dataclass
class Content:
    """``bad`` of the answers are of the classes in ``kinds`` (weights; see ``words.py``), the rest is plain prose."""

    bad: float = 0.0
    kinds: dict[str, float] = field(default_factory=dict[str, float])
    words: int = 120
    items: int = 6
    tags: tuple[str, ...] | None = None  # None: those that the end of the last user turn names


@dataclass
class Limit:
    """From ``start_s`` on: a bucket each for requests and tokens, refilled steadily, ``burst_s`` seconds deep."""

    start_s: float = 0.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_s: float = 5.0
    retry_after: str = "seconds"  # seconds, ms, date or none


@dataclass
class Latency:
    first_s: float = 0.02
    token_s: float = 0.0
    spread: float = 0.5  # share by which one answer may be slower or faster than another
    later_from: int | None = None  # from this call on, ``later_s`` comes on top
    later_s: float = 0.0


@dataclass
class Cache:
    """Prompt caching as it is billed. A prefix can be read once the first answer that carried it has ended."""

    on: bool = True
    least_tokens: int = 1024
    block_tokens: int = 128
    life_s: float = 300.0


@dataclass
class Batches:
    """Jobs take ``hours`` (each its own time between the two); some rows expire or fail; some replies are lost."""

    hours: tuple[float, float] = (1.0, 24.0)
    expired: float = 0.0
    errored: float = 0.0
    lost_replies: float = 0.0  # share of submissions that are accepted although the reply never leaves
    poll_faults: float = 0.0
    most_rows: int = 50_000
    hidden_s: float = 0.0  # a new job appears in the listing only after this long
    page: int = 20


@dataclass
class Plan:
    seed: int = 7
    faults: Faults = field(default_factory=Faults)
    hopeless: Hopeless = field(default_factory=Hopeless)
    content: Content = field(default_factory=Content)
    limits: list[Limit] = field(default_factory=list[Limit])
    latency: Latency = field(default_factory=Latency)
    cache: Cache = field(default_factory=Cache)
    batches: Batches = field(default_factory=Batches)
    keys: tuple[str, ...] = ()  # keys that are accepted; none named: any but an empty one
    models: tuple[str, ...] = ()  # models that exist; none named: any
    speed: float = 1.0  # seconds of the teacher's batch clock in one second

    @classmethod
    def read(cls, source: Path | dict[str, Any] | None) -> Plan:
        """From a JSON file or its content; names that no field has are refused."""
        data: dict[str, Any] = json.loads(source.read_text()) if isinstance(source, Path) else dict(source or {})
        parts: dict[str, type] = {
            "faults": Faults,
            "hopeless": Hopeless,
            "content": Content,
            "latency": Latency,
            "cache": Cache,
            "batches": Batches,
        }
        made: dict[str, Any] = {}
        for name, value in data.items():
            if name in parts:
                value = _part(parts[name], value, name)
            elif name == "limits":
                value = [_part(Limit, one, name) for one in value]
            made[name] = tuple(value) if name in ("keys", "models") else value
        plan = _part(cls, made, "plan")
        for name in plan.faults.kinds:
            if name not in (*FAULTS, *EXTRA):
                raise ValueError(f"no fault {name!r}; have: {', '.join(FAULTS)}")
        if plan.hopeless.kind not in (None, *HOPELESS):
            raise ValueError(f"no hopeless error {plan.hopeless.kind!r}; have: {', '.join(HOPELESS)}")
        return plan

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def fault(self, unit: str, attempt: int) -> str | None:
        """What goes wrong at the ``attempt``-th arrival (from 0) of a unit."""
        if not self.faults.rate or (self.faults.most is not None and attempt >= self.faults.most):
            return None
        throw = dice(self.seed, "fault", unit, attempt)
        return pick(throw, self.faults.kinds) if throw.random() < self.faults.rate else None


def pick(throw: random.Random, weights: dict[str, float]) -> str:
    return throw.choices(list(weights), list(weights.values()))[0]


def _part(kind: type, value: dict[str, Any], where: str) -> Any:
    known = {f.name for f in fields(kind)}
    if unknown := set(value) - known:
        raise ValueError(f"{where}: no field {sorted(unknown)}; have: {sorted(known)}")
    return kind(**{k: tuple(v) if isinstance(v, list) and k not in ("limits",) else v for k, v in value.items()})
