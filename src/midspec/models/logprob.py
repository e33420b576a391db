"""Groups of (prefix, options) → log-probability of every option token. Knows nothing of items, prompts or chats.

Sequences that begin alike are computed once: sorted, they fold into a forest that runs as one row, each token seeing
only its ancestors and counting its position from the start of its own sequence (tree attention, arXiv 2305.09781).
A long beginning of all sequences (a spec in the system turn) is run once, and its keys and values serve every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from midspec.core.errors import DataError
from midspec.models.local import LocalModel
from midspec.models.trunk import Trunk, trunk_length

if TYPE_CHECKING:
    import torch

# Longer rows save repeated prefixes and kernel starts, but attention within a row is dense.
ROW_TOKENS_CPU = 512
ROW_TOKENS_GPU = 8192
# Behind a long prefix a row is at least so many times as long as it: else most of each row is the prefix again.
PREFIXES_A_ROW = 4
# Positions per pass through the LM head: 512 x 150,000 words x 4 bytes = 300 MB.
HEAD_POSITIONS = 512
# Above rounding in that precision, below what an ignored mask or position changes; nats.
PROBE_TOLERANCE = {"torch.float32": 1e-3, "torch.float64": 1e-6}
PROBE_TOLERANCE_LOW = 0.25


# (group, option, token of the option)
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Group:
    """Continuations to compare after one prefix, as token ids; neither may be empty."""

    prefix: Sequence[int]
    options: Sequence[Sequence[int]]


@dataclass(frozen=True)
class _Sequence:
    """One option behind its prefix; ``start`` is the index of the option's first token."""

    ids: list[int]
    start: int
    group: int
    option: int


@dataclass
class _Row:
    """A forest: ``parents[n]`` is the node before node n, -1 for a first token; ``wanted``: (node, token, place)."""

    tokens: list[int] = field(default_factory=list[int])
    parents: list[int] = field(default_factory=list[int])
    positions: list[int] = field(default_factory=list[int])
    wanted: list[tuple[int, int, Place]] = field(default_factory=list[tuple[int, int, Place]])

    def add(self, sequence: _Sequence, path: list[int], shared: int) -> list[int]:
        """Put a sequence in; its first ``shared`` tokens are the nodes ``path[:shared]``. Returns its own path.

        An option's last token is asked for but never run: nothing follows it.
        """
        path = path[:shared]
        for position in range(shared, len(sequence.ids) - 1):
            self.parents.append(path[-1] if path else -1)
            self.positions.append(position)
            self.tokens.append(sequence.ids[position])
            path.append(len(self.tokens) - 1)
        for n in range(sequence.start, len(sequence.ids)):
            self.wanted.append((path[n - 1], sequence.ids[n], (sequence.group, sequence.option, n - sequence.start)))
        return path


def option_logprobs(model: LocalModel, groups: Sequence[Group], *, batch_tokens: int | None = None,
                    progress: Callable[[int, int], None] | None = None) -> list[list[list[float]]]:
    """Natural-log probability of each option token given the prefix and the option's tokens before it.

    Args:
        model: a causal language model; computes in its own precision, normalises in fp32.
        groups: token ids, specials included; nothing is added.
        batch_tokens: tokens of one forward pass (one row, no padding); None for a size that suits the device.
            A longer sequence runs alone in a row of its own length.
        progress: called with (tokens done, tokens in all) after each pass.

    Returns:
        ``result[group][option][token]`` in nats, the order of ``groups``. Equal to scoring each option alone to
        rounding (1e-4 in fp32), whatever shares a row with it.

    Raises:
        DataError: an empty prefix or option, or one longer than the model's context.
    """
    result: list[list[list[float]]] = [[[0.0] * len(option) for option in group.options] for group in groups]
    sequences = _sequences(model, groups)
    if not sequences:
        return result
    forests = _takes_forests(model, sequences)
    trunk = _trunk(model, sequences) if forests else None
    skip = 0 if trunk is None else len(trunk)
    limit = batch_tokens or max(ROW_TOKENS_CPU if model.device == "cpu" else ROW_TOKENS_GPU,
                                PREFIXES_A_ROW * (max(s.start for s in sequences) - skip))
    rows = list(_fold(sequences, limit if forests else 0, skip))
    done, of = 0, sum(len(row.tokens) for row in rows)
    for row in rows:
        for (_, _, (group, option, token)), value in zip(row.wanted, _run(model, row, trunk), strict=True):
            result[group][option][token] = value
        done += len(row.tokens)
        if progress:
            progress(done, of)
    return result


def _sequences(model: LocalModel, groups: Sequence[Group]) -> list[_Sequence]:
    sequences: list[_Sequence] = []
    context = getattr(model.model.config, "max_position_embeddings", None)
    for g, group in enumerate(groups):
        if not group.prefix:
            raise DataError(f"group {g}: empty prefix, so the first option token has nothing to be predicted from",
                            hint="begin the prefix with the tokenizer's start token or the rendered chat")
        for o, option in enumerate(group.options):
            ids = [*group.prefix, *option]
            if not option:
                raise DataError(f"group {g}, option {o}: no tokens, so it has no probability")
            if context is not None and len(ids) > context + 1:
                raise DataError(f"group {g}, option {o}: {len(ids)} tokens, the model reads {context}",
                                hint="shorten the item; nothing is cut silently")
            sequences.append(_Sequence(ids, len(group.prefix), g, o))
    return sequences


def _trunk(model: LocalModel, sequences: list[_Sequence]) -> Trunk | None:
    """The beginning of all sequences, run once, where it is long and the model can go on from it."""
    length = trunk_length([s.ids for s in sequences], min(s.start for s in sequences) - 1)
    if not length:
        return None
    trunk = Trunk(model, sequences[0].ids[:length])
    probe = min(sequences, key=lambda s: len(s.ids))
    alone = _run(model, next(_fold([probe], 0)))
    behind = _run(model, next(_fold([probe], 0, length)), trunk)
    near = max(abs(a - b) for a, b in zip(alone, behind, strict=True)) < _tolerance(model)
    return trunk if near else None


def _fold(sequences: list[_Sequence], limit: int, skip: int = 0) -> Iterator[_Row]:
    """Rows of at most ``limit`` tokens and HEAD_POSITIONS questions; ``limit`` 0 for one sequence a row.

    In sorted order the longest beginning that a sequence shares with any earlier one is the one with its neighbour.
    The first ``skip`` tokens of every sequence are in the trunk and are left out.
    """
    row, path, previous = _Row(), list[int](), list[int]()
    sequences = [_Sequence(s.ids[skip:], s.start - skip, s.group, s.option) for s in sequences]
    for sequence in sorted(sequences, key=lambda s: s.ids):
        shared = _shared(previous, sequence.ids) if row.tokens else 0
        asked = len(sequence.ids) - sequence.start
        full = (len(row.tokens) + len(sequence.ids) - 1 - shared > limit or len(row.wanted) + asked > HEAD_POSITIONS)
        if row.tokens and full:
            yield row
            row, shared = _Row(), 0
        path, previous = row.add(sequence, path, shared), sequence.ids
    yield row


def _shared(before: list[int], ids: list[int]) -> int:
    """How many tokens two sequences share at the start, their last tokens (never run) aside."""
    most = min(len(before), len(ids)) - 1
    return next((n for n in range(most) if before[n] != ids[n]), most)


def _run(model: LocalModel, row: _Row, trunk: Trunk | None = None) -> list[float]:
    """One forward pass; the log-probabilities that ``row.wanted`` asks for, in its order."""
    import torch

    nodes = sorted({node for node, _, _ in row.wanted})
    place = {node: n for n, node in enumerate(nodes)}
    device = model.model.device
    keep = torch.tensor(nodes, device=device)
    with torch.inference_mode():
        behind = {"use_cache": False} if trunk is None else {"use_cache": True, "past_key_values": trunk.cache}
        logits = model.model(input_ids=torch.tensor([row.tokens], device=device), logits_to_keep=keep, **behind,
                             **_looks(row, model.model.dtype, device, trunk)).logits[0]
        if trunk is not None:
            trunk.cut_back()
        if logits.shape[0] != len(nodes):  # a model that does not know logits_to_keep answers for every position
            logits = logits[keep]
        asked = torch.tensor([place[node] for node, _, _ in row.wanted], device=device)
        words = torch.tensor([token for _, token, _ in row.wanted], device=device)
        totals = torch.logsumexp(logits.float(), dim=-1)
        values: list[float] = (logits[asked, words].float() - totals[asked]).tolist()
    return values


def _looks(row: _Row, dtype: torch.dtype, device: torch.device, trunk: Trunk | None) -> dict[str, torch.Tensor]:
    """Positions [1, tokens] and additive mask [1, 1, tokens, trunk + tokens]: 0 for the trunk, a token and its
    ancestors, else the lowest.

    Empty for a single sequence: the model's own causal mask and positions say the same.
    """
    import torch

    if trunk is None and all(parent == node - 1 for node, parent in enumerate(row.parents)):
        return {}
    count, before = len(row.tokens), 0 if trunk is None else len(trunk)
    seen = torch.zeros(count, count, dtype=torch.bool)
    for node, parent in enumerate(row.parents):
        if parent >= 0:
            seen[node] = seen[parent]
        seen[node, node] = True
    mask = torch.zeros(count, before + count, dtype=dtype)
    mask[:, before:].masked_fill_(~seen, torch.finfo(dtype).min)
    return {"position_ids": torch.tensor([row.positions], device=device) + before,
            "attention_mask": mask[None, None].to(device)}


def _takes_forests(model: LocalModel, sequences: list[_Sequence]) -> bool:
    """Whether this architecture honours 4D masks and positions of our own: a short forest equals its parts alone.

    Recurrent layers, ALiBi and some attention kernels do not; such models are scored one sequence at a time.
    """
    first, last = sequences[0].ids, sequences[-1].ids
    stem = first[:4]
    probes = [_Sequence([*stem, *tail], len(stem), 0, n) for n, tail in enumerate((first[-3:], last[:3], last[-2:]))]
    alone = [value for probe in probes for value in _run(model, next(_fold([probe], 0)))]
    row = next(_fold(probes, 1000))
    try:
        found = {place: value for (_, _, place), value in zip(row.wanted, _run(model, row), strict=True)}
    except (TypeError, ValueError, IndexError, RuntimeError):  # what models say to a mask of four dimensions
        return False
    folded = [found[0, n, t] for n, probe in enumerate(probes) for t in range(len(probe.ids) - probe.start)]
    return max(abs(a - b) for a, b in zip(alone, folded, strict=True)) < _tolerance(model)


def _tolerance(model: LocalModel) -> float:
    return PROBE_TOLERANCE.get(str(model.model.dtype), PROBE_TOLERANCE_LOW)
