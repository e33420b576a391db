"""Two studies → one that shows them side by side. Every arm keeps its numbers and gets its study's name in front."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from midspec.core.errors import DataError
from midspec.report.study import GraderLine, MotiveLine, Study

Line = TypeVar("Line", GraderLine, MotiveLine)


def merged(first: Study, second: Study) -> Study:
    """One study of both; arms are named "study: arm".

    Raises:
        DataError: the two have one name, so their arms could not be told apart.
    """
    if first.name == second.name:
        raise DataError(f"both experiments are called {first.name!r}", hint="rename one of the files")
    a, b = _prefixed(first), _prefixed(second)
    return replace(
        a,
        name=f"{first.name}-and-{second.name}",
        title=f"{first.title} beside {second.title}",
        question=f"{first.question} / {second.question}",
        hypothesis=f"{first.hypothesis}\n\n{second.hypothesis}",
        arms=a.arms + b.arms,
        contrasts=a.contrasts + b.contrasts,
        rows=a.rows + b.rows,
        orders=a.orders + b.orders,
        checks=a.checks + b.checks,
        labelled=a.labelled + b.labelled,
        graders=_joined(a.graders + b.graders),
        agreements=a.agreements + b.agreements,
        motives=_joined(a.motives + b.motives),
        readings=tuple(dict.fromkeys(a.readings + b.readings)),
        axes={**a.axes, **b.axes},
        notes=tuple(dict.fromkeys(a.notes + b.notes)),
        warnings=tuple(dict.fromkeys(a.warnings + b.warnings)),
    )


def _joined(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Lines that say the same of several arms as one line of all of them."""
    found: dict[Line, tuple[str, ...]] = {}
    for line in lines:
        told = replace(line, arms=())
        found[told] = (*found.get(told, ()), *line.arms)
    return tuple(replace(told, arms=arms) for told, arms in found.items())


def _prefixed(study: Study) -> Study:
    def name(arm: str) -> str:
        return f"{study.name}: {arm}"

    return replace(
        study,
        arms=tuple(replace(arm, arm=name(arm.arm)) for arm in study.arms),
        rows=tuple(replace(row, arm=name(row.arm)) for row in study.rows),
        orders=tuple(replace(order, arm=name(order.arm)) for order in study.orders),
        labelled=tuple(replace(row, arm=name(row.arm)) for row in study.labelled),
        graders=tuple(replace(line, arms=tuple(map(name, line.arms))) for line in study.graders),
        motives=tuple(replace(line, arms=tuple(map(name, line.arms))) for line in study.motives),
        agreements=tuple(replace(line, arm=name(line.arm)) for line in study.agreements),
        checks=tuple(
            replace(line, arms=tuple(map(name, line.arms)), above=None if line.above is None else name(line.above))
            for line in study.checks
        ),
        contrasts=tuple(
            replace(line, name=name(line.name), weights={name(arm): w for arm, w in line.weights.items()})
            for line in study.contrasts
        ),
    )
