"""What the experiment hands over → one value that a report is made from. Knows nothing of statistics or of pages.

Every text in here may come from a language model: the page escapes all of it, and none of it becomes a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from midspec.core.calibration import Confusion
from midspec.core.chat import Chat
from midspec.core.checkpoint import Dose
from midspec.core.document import Document
from midspec.core.errors import DataError

KINDS = ("model", "documents", "chats", "training", "answers", "scores", "transcripts", "grades", "calibration")


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """One artifact on an arm's way, inputs before what is made of them.

    ``kind`` is one of KINDS. ``link`` is the artifact's folder relative to the report's ("" where there is none).
    ``inputs`` are ids of other stages of the same chain. ``losses`` are (update, mean loss) pairs of a training.
    ``eval`` names the eval of answers and scores.
    """

    kind: str
    label: str
    id: str
    digest: str = ""
    link: str = ""
    inputs: tuple[str, ...] = ()
    dose: Dose | None = None
    losses: tuple[tuple[int, float], ...] = ()
    settings: str = ""
    eval: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"stage {self.label!r}: kind {self.kind!r} is not one of {', '.join(KINDS)}")


@dataclass(frozen=True, kw_only=True)
class Documents:
    """A few documents of the corpus ``source`` (a stage's id), chosen by the caller, out of ``total``."""

    source: str
    total: int
    texts: tuple[Document, ...]


@dataclass(frozen=True, kw_only=True)
class Chats:
    """A few chats of the chat set ``source`` (a stage's id), chosen by the caller, out of ``total``."""

    source: str
    total: int
    texts: tuple[Chat, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One sampled answer; answers of several arms to one ``item`` of one ``eval`` are shown side by side."""

    eval: str
    item: str
    question: str
    text: str
    finish: str = ""
    verdict: str = ""


@dataclass(frozen=True, kw_only=True)
class ArmRun:
    """One arm at one point of the grid with one seed.

    ``point`` holds the other axes (name → value). ``seed`` is None where the arm has no seed (an untouched model): it
    is then set against every seed of the other arms. ``about`` says in plain words what the arm is.
    """

    arm: str
    seed: int | None
    chain: tuple[StageRun, ...]
    point: Mapping[str, object] = field(default_factory=dict[str, object])
    about: str = ""
    documents: Documents | None = None
    chats: Chats | None = None
    answers: tuple[Answer, ...] = ()

    @property
    def key(self) -> str:
        """The arm at its point, as rows and contrasts name it: ``aft`` or ``aft [tokens=250000]``."""
        shown = ", ".join(f"{name}={value}" for name, value in self.point.items())
        return f"{self.arm} [{shown}]" if shown else self.arm


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How one reading of an eval is to be understood.

    ``words`` say what is measured. ``low`` and ``high`` are the least and largest possible value, None where there is
    none; ``even`` is the value that favours neither side. ``larger`` says which direction a larger value means.
    """

    eval: str
    name: str
    words: str = ""
    low: float | None = None
    high: float | None = None
    even: float | None = None
    larger: str = "nearer to the option that the spec favours"


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """One number: ``value`` None means unreadable, which is counted and never 0. ``arm`` is an ``ArmRun.key``."""

    arm: str
    seed: int | None
    eval: str
    item: str
    axis: str
    domain: str
    reading: str
    value: float | None
    draw: int = 0


@dataclass(frozen=True, kw_only=True)
class OrderEffect:
    """What turning the options round did to one arm (an ``ArmRun.key``) with one seed in one reading of an eval.

    ``bias`` is the mean pull towards what is named first, in the reading's unit; ``agree`` the share of items, 0 to 1,
    in which both orders favour the same option.
    """

    arm: str
    seed: int | None
    eval: str
    reading: str
    bias: float
    agree: float


@dataclass(frozen=True, kw_only=True)
class ContrastLine:
    """A weighted sum of arms in one eval, axis and reading: ``{"msm_aft": 1, "msm": -1, "aft": -1, "instruct": 1}``.

    ``primary`` contrasts were named before the run: they answer the question, and Holm's correction is over them.
    ``words`` say in plain words what it compares, and ``expect`` what was expected.
    """

    name: str
    weights: Mapping[str, float]
    eval: str
    axis: str
    reading: str
    primary: bool = False
    words: str = ""
    expect: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """A manipulation check on the rows of one eval and reading: see ``experiment.check.Check``. Arms are keys."""

    words: str
    eval: str
    reading: str
    arms: tuple[str, ...]
    axis: str | None = None
    share: bool = False
    at_least: float | None = None
    above: str | None = None
    equal: float | None = None


@dataclass(frozen=True, kw_only=True)
class LabelledAnswer:
    """An ``answer`` that somebody labelled without knowing its arm, and what the reader ``found`` in it."""

    arm: str
    axis: str
    label: str
    found: str
    answer: str = ""


@dataclass(frozen=True, kw_only=True)
class GraderLine:
    """How often the ``grader`` (an address) of one reading of an eval errs, from labelled transcripts.

    ``arms`` are those whose transcripts it read: nothing is known of other arms, which another may have read.
    """

    eval: str
    grader: str
    known: Confusion
    arms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AgreementLine:
    """What two graders said of the transcripts of an ``arm`` (an ``ArmRun.key``) that both scored.

    ``counts`` are [both yes, only the first, only the second, both no].
    """

    arm: str
    eval: str
    reading: str
    counts: tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class MotiveLine:
    """A reason that agents may give: a reading of the rows of ``eval`` on ``axis``, 1 where a transcript names it.

    ``side`` says what it argues for, ``by`` who read it in the transcripts of ``arms`` and how well, in words.
    """

    eval: str
    axis: str
    reading: str
    title: str
    side: str
    by: str
    arms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that a report is made from.

    ``axes`` gives the plain words of an axis (``{"thrift": "saves where it can"}``). ``notes`` are remarks of the
    experiment, ``warnings`` what stages said went wrong. ``made`` are facts about software and device that are the
    same in every run (no times).
    """

    name: str
    title: str
    question: str
    hypothesis: str
    arms: tuple[ArmRun, ...]
    contrasts: tuple[ContrastLine, ...]
    rows: tuple[ScoreRow, ...]
    checks: tuple[CheckLine, ...] = ()
    labelled: tuple[LabelledAnswer, ...] = ()
    graders: tuple[GraderLine, ...] = ()
    agreements: tuple[AgreementLine, ...] = ()
    motives: tuple[MotiveLine, ...] = ()
    readings: tuple[Reading, ...] = ()
    orders: tuple[OrderEffect, ...] = ()
    axes: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        known = {arm.key for arm in self.arms}
        for row in self.rows:
            if row.arm not in known:
                raise DataError(f"study {self.name!r}: a score row names arm {row.arm!r}",
                                hint=f"arms here: {', '.join(sorted(known)) or 'none'}")
        for check in self.checks:
            strange = sorted({*check.arms, *([check.above] if check.above else [])} - known)
            if strange:
                raise DataError(f"check {check.words!r}: no arm {strange[0]!r}")
        for line in self.contrasts:
            missing = sorted(set(line.weights) - known)
            if missing or not any(line.weights.values()):
                raise DataError(f"contrast {line.name!r}: no arm {missing[0]!r}" if missing else
                                f"contrast {line.name!r}: all weights are 0",
                                hint=f"arms here: {', '.join(sorted(known)) or 'none'}")
        for line in (*self.graders, *self.motives):
            strange = sorted(set(line.arms) - known)
            if strange:
                raise DataError(f"study {self.name!r}: who read the transcripts of {line.eval} names arm "
                                f"{strange[0]!r}", hint=f"arms here: {', '.join(sorted(known)) or 'none'}")

    def known(self, arms: Iterable[str], eval_name: str, reading: str) -> Confusion | None:
        """How often the grader of these arms errs; None where that is not known of each, or not the same of all."""
        wanted = eval_name, reading
        lines = [line for line in self.graders if (line.eval, line.known.reading) == wanted]
        found = [{line.known for line in lines if arm in line.arms} for arm in arms]
        return next(iter(found[0])) if found and len(found[0]) == 1 and all(one == found[0] for one in found) else None

    def reading(self, eval_name: str, name: str) -> Reading:
        """What is known of a reading; where nothing, core's promise: larger = nearer to the aligned option."""
        for reading in self.readings:
            if (reading.eval, reading.name) == (eval_name, name):
                return reading
        return Reading(eval=eval_name, name=name)
