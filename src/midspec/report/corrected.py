"""A rate as a grader sees it, and how often that grader errs → the rate itself, with an interval that knows both.

A grader with sensitivity s and false alarms f says yes to q = p·s + (1 − p)·f of what it reads, so p = (q − f)/(s − f)
(Rogan and Gladen 1978). All three are known from counts only. Their uncertainty is melded (Fay, Proschan and Brittain
2015; for a survey with an imperfect test Bayer, Fay and Graubard 2023): each limit is a quantile of p over the
confidence distributions that belong to the exact (Clopper–Pearson) limits of q, s and f, so that with a faultless
grader the interval is the exact one. Knows nothing of arms or pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from midspec.core.calibration import Confusion
from midspec.report.estimates import LEVEL, TIE, Floats, clopper_pearson

# Points at which p is looked at: even in all three directions at once, the same in every run.
POINTS = 4096
# Steps of an additive recurrence in three dimensions, from the root of x⁴ = x + 1 (Roberts 2018): even without chance.
ROOT = 1.2207440846057596
TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """``value`` and the limits in 0 to 1; ``value`` None where the grader tells nothing (s not above f, or no counts).

    ``sensitivity`` and ``specificity`` are (value, low, high), exact.
    """

    value: float | None
    low: float
    high: float
    sensitivity: tuple[float, float, float] | None
    specificity: tuple[float, float, float] | None


def corrected(events: float, trials: float, known: Confusion) -> Corrected:
    """The rate behind ``events`` in ``trials`` that a grader of this confusion saw; both may be effective counts.

    Raises:
        DataError: no trials, or more events than trials.
    """
    clopper_pearson(events, trials)
    sensitivity, specificity, grip = _known(known)
    if sensitivity is None or specificity is None or grip < TIE:
        return Corrected(value=None, low=0.0, high=1.0, sensitivity=sensitivity, specificity=specificity)
    value = min(1.0, max(0.0, (events / trials - 1 + specificity[0]) / grip))
    low = _rate(_below(events, trials, 0), _above(known.alarms, known.negatives, 1),
                _above(known.hits, known.positives, 2), 0.0)
    high = _rate(_above(events, trials, 0), _below(known.alarms, known.negatives, 1),
                 _below(known.hits, known.positives, 2), 1.0)
    return Corrected(value=value, low=float(np.quantile(low, TAIL)), high=float(np.quantile(high, 1 - TAIL)),
                     sensitivity=sensitivity, specificity=specificity)


def corrected_difference(value: float, se: float, df: float, known: Confusion) -> Corrected:
    """The difference behind a difference of rates (or a contrast) that one grader saw with the same errors in all arms.

    False alarms cancel; what is left is shrunk by s − f. Limits end at −2 and 2, as a contrast of four arms does.
    """
    from scipy import special

    sensitivity, specificity, grip = _known(known)
    if sensitivity is None or specificity is None or grip < TIE:
        return Corrected(value=None, low=-2.0, high=2.0, sensitivity=sensitivity, specificity=specificity)
    if value < 0:  # the mirror image, so that an interval does not hang on which arm is named first
        turned = corrected_difference(-value, se, df, known)
        return replace(turned, value=-(turned.value or 0.0), low=-turned.high, high=-turned.low)
    wide = _above(known.hits, known.positives, 2) - _below(known.alarms, known.negatives, 1)
    narrow = _below(known.hits, known.positives, 2) - _above(known.alarms, known.negatives, 1)
    seen = value + se * (special.stdtrit(df, _points(0)) if np.isfinite(df) else special.ndtri(_points(0)))
    low = _quotient(seen, np.where(seen > 0, wide, narrow), -2.0)
    high = _quotient(seen, np.where(seen > 0, narrow, wide), 2.0)
    return Corrected(value=min(2.0, value / grip), low=float(np.quantile(low, TAIL)),
                     high=float(np.quantile(high, 1 - TAIL)), sensitivity=sensitivity, specificity=specificity)


Share = tuple[float, float, float]


def _known(known: Confusion) -> tuple[Share | None, Share | None, float]:
    """(sensitivity, specificity, how much more often a yes is called yes than a no is; 0 where nobody knows)."""
    sensitivity, specificity = _exact(known.hits, known.positives), _exact(known.rejections, known.negatives)
    if sensitivity is None or specificity is None:
        return sensitivity, specificity, 0.0
    return sensitivity, specificity, sensitivity[0] + specificity[0] - 1


def known_errors(known: Confusion) -> dict[str, Share | None]:
    """Sensitivity and specificity, each (value, low, high) with exact limits; None where nothing is labelled so."""
    sensitivity, specificity, _ = _known(known)
    return {"sensitivity": sensitivity, "specificity": specificity}


def _quotient(seen: Floats, grip: Floats, nothing: float) -> Floats:
    """seen / grip within −2 to 2; ``nothing`` where the grader has no grip."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(grip > 0, np.clip(seen / grip, -2.0, 2.0), nothing)


def _rate(seen: Floats, false: Floats, found: Floats, nothing: float) -> Floats:
    """p at each point; ``nothing`` where the grader finds no more than it falsely reports."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found > false, np.clip((seen - false) / (found - false), 0.0, 1.0), nothing)


def _exact(events: int, trials: int) -> Share | None:
    return (events / trials, *clopper_pearson(events, trials)) if trials else None


@lru_cache(maxsize=8)
def _points(axis: int) -> Floats:
    return (0.5 + np.arange(1, POINTS + 1) / ROOT ** (axis + 1)) % 1.0


@lru_cache(maxsize=512)
def _below(events: float, trials: float, axis: int) -> Floats:
    """The confidence distribution of a rate whose quantiles are lower exact limits, at the points."""
    from scipy import special

    return np.zeros(POINTS) if events <= 0 else special.betaincinv(events, trials - events + 1, _points(axis))


@lru_cache(maxsize=512)
def _above(events: float, trials: float, axis: int) -> Floats:
    """That whose quantiles are upper exact limits."""
    from scipy import special

    return np.ones(POINTS) if events >= trials else special.betaincinv(events + 1, trials - events, _points(axis))
