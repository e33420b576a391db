"""Schedule + what is known of the data → what a training stage will take. Exact where the rows are known."""

from __future__ import annotations

import math

from midspec.core.checkpoint import Dose
from midspec.core.forecast import Forecast
from midspec.training.course import dose_of
from midspec.training.rows import Rows
from midspec.training.schedule import Full, Lora, Schedule

# Operations a weight and token: 2 forward, 2 backward to the inputs, 2 more for gradients of all weights.
WORK = {Lora: 4.0, Full: 6.0}


def forecast_training(
    dose: Dose, exact: bool, *, schedule: Schedule, method: Lora | Full, parameters: int | None
) -> Forecast:
    """The forecast of one training stage over a model of ``parameters`` weights."""
    flops = WORK[type(method)] * (parameters or 0) * dose.tokens
    return Forecast(dose=dose, exact=exact, parameters=parameters, flops=flops, precision=schedule.precision)


def dose_ahead(rows: Rows, share: float, *, schedule: Schedule, stage: str, seed: int) -> Dose:
    """The dose of data of which ``rows`` are ``share``: exact where that is all, else scaled up from what they are."""
    if share >= 1:
        return dose_of(rows, schedule, stage, seed)
    tokens = len(rows.ids)
    return guessed_dose(round(tokens / share), tokens / len(rows), float(rows.loss.sum()) / tokens, schedule=schedule,
                        stage=stage, seed=seed)


def guessed_dose(
    tokens: int, row_tokens: float, supervised: float, *, schedule: Schedule, stage: str, seed: int
) -> Dose:
    """The dose of data not yet written: about ``tokens`` in rows of ``row_tokens``, a share of them supervised."""
    rows = max(1, math.ceil(tokens / row_tokens))
    updates = schedule.updates_for(rows)
    read = updates * schedule.rows if schedule.updates is not None else math.ceil((schedule.passes or 1) * rows)
    read_tokens = round(read * row_tokens)
    return Dose(
        stage, read_tokens, round(read_tokens * supervised), updates, schedule.rows, schedule.length,
        round(read / rows, 6), schedule.rate, seed,
    )  # fmt: skip
