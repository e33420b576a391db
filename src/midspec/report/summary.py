"""Numbers → plain sentences: the one-line answer, and everything a reader must know before believing it."""

from __future__ import annotations

from midspec.report.estimates import FEW_ITEMS, few_items
from midspec.report.results import WITHHOLD, Difference, Measure, Results
from midspec.report.study import Study
from midspec.report.ways import Ways, steps_of
from midspec.report.wording import chance, label, listed, number, places, span, spread_of

VERDICTS = {"above": "above zero", "below": "below zero", "open": "cannot be told from zero",
            "withheld": "withheld: too many answers could not be read", "unknown": "no interval possible"}


def primary(results: Results) -> list[Difference]:
    """The contrasts that were named before the run."""
    return [d for d in results.differences if d.line.primary]


def headline_measures(results: Results) -> tuple[Measure, ...]:
    """Measures of the primary contrasts; where none is primary all but agents' reasons."""
    named = {(d.line.eval, d.line.axis, d.line.reading) for d in primary(results)}
    return tuple(m for m in results.measures if m in named) or results.plain


def axis_words(study: Study, axis: str) -> str:
    return study.axes.get(axis) or axis


def seeds_of(study: Study) -> tuple[int, ...]:
    return tuple(dict.fromkeys(run.seed for run in study.arms if run.seed is not None))


def answer(results: Results) -> str:
    """One line. A single seed is said in it (T8)."""
    named = primary(results)
    if not named:
        return "No comparison was named before the run, so this page describes and concludes nothing."
    above, below, unsure = (sum(d.verdict == v for d in named) for v in ("above", "below", "withheld"))
    one_only = len(named) == 1
    every = "the comparison" if one_only else f"all {len(named)} comparisons"
    if above == len(named):
        words = f"Yes: {every} named before the run came out above zero"
    elif below == len(named):
        words = f"The opposite: {every} named before the run came out below zero"
    elif above or below:
        counts = (("came out above zero", above), ("came out below zero", below), ("had to be withheld", unsure),
                  ("cannot be told from zero", len(named) - above - below - unsure))
        words = (f"In part: of {len(named)} comparisons named before the run, "
                 f"{listed([f'{n} {where}' for where, n in counts if n])}")
    elif unsure == len(named):
        words = "Withheld: too many answers could not be read"
    elif one_only:
        words = "Not shown: the comparison named before the run cannot be told from zero"
    else:
        words = f"Not shown: none of the {len(named)} comparisons named before the run can be told from zero"
    one = seeds_of(results.study) and any(d.found.seeds == 1 for d in named)
    return f"{words}{', in one seed only: other seeds may differ' if one else ''}."


def sentence(results: Results, difference: Difference) -> str:
    """A contrast in words: size, interval, chance, reading."""
    line, found = difference.line, difference.found
    where = f"{axis_words(results.study, line.axis)}, read by {line.reading}"
    if difference.verdict == "withheld":
        return f"{line.name} ({where}): withheld, {difference.share_unreadable:.0%} of its answers could not be read."
    parts = [f"95 % interval {span(found.low, found.high, sign=True)}"]
    if difference.p_holm is not None:
        parts.append(f"p {chance(difference.p_holm)} after Holm's correction")
    if found.bounds is not None:
        parts.append(f"{span(*found.bounds, sign=True)} whatever the unreadable answers were")
    value = number(found.value, places(found.low, found.high), sign=True)
    return f"{line.name} ({where}): {value}; {'; '.join(parts)}."


def directions(results: Results) -> tuple[str, ...]:
    """One line per reading: what it measures and what a larger value means (T9)."""
    found: dict[str, None] = {}
    for measure in results.plain:
        reading = results.reading(measure)
        words = f"{reading.name}: {reading.words or 'a score of ' + measure[0]}. Larger means {reading.larger}"
        if reading.even is not None:
            words += f"; {number(reading.even)} favours neither side"
        if reading.low is not None and reading.high is not None:
            words += f"; from {number(reading.low, 0)} to {number(reading.high, 0)}"
        found[words + "."] = None
    return tuple(found)


def cautions(results: Results, ways: Ways) -> tuple[str, ...]:
    """What limits the result: failed checks, seeds, unreadable answers, one corpus, doses; then stages' warnings."""
    found = (*_failed(results), *_seeds(results), *_few(results), *_unreadable(results), *_one_corpus(ways),
             *_doses(results, ways))
    return tuple(dict.fromkeys((*found, *results.study.warnings)))


def _failed(results: Results) -> list[str]:
    """One line per manipulation check that fails."""
    return [f"A check of the treatment fails: {one.line.words}. What follows may be about something else."
            for one in results.checked if not one.passed]


def _seeds(results: Results) -> list[str]:
    seeds = seeds_of(results.study)
    found: list[str] = []
    if len(seeds) == 1:
        found.append(f"One seed ({seeds[0]}): every interval is conditional on it and covers the choice of items only. "
                     "Another seed may give another result.")
    elif not seeds and results.study.rows:
        found.append("No arm has a seed: intervals cover the choice of items only.")
    elif len(seeds) == 2:
        found.append("Two seeds: how much results vary between seeds is hardly known, so intervals are wide or rough.")
    for difference in results.differences:
        used = difference.found.seeds
        if len(seeds) > 1 and used < len(seeds):
            found.append(f"Contrast “{difference.line.name}” uses {used} of {len(seeds)} seeds: others lack an arm.")
    return found


def _few(results: Results) -> list[str]:
    """One line per eval and axis with few items, of the measures that count."""
    few = {(m.measure[0], m.measure[1]): m.found.items for m in results.means
           if m.measure in headline_measures(results) and m.found.items < FEW_ITEMS}
    return [few_items(f"{axis_words(results.study, axis)}, {name}", count) for (name, axis), count in few.items()]


def _unreadable(results: Results) -> list[str]:
    """One line per reading, and one for each arm past the share at which contrasts are withheld.

    Reasons that agents give make one line per eval and reader, and one for each such arm.
    """
    found = _unscored(results)
    for name, reading in dict.fromkeys((m[0], m[2]) for m in results.plain):
        here = [m for m in results.means if m.measure in results.plain
                and (m.measure[0], m.measure[2]) == (name, reading)]
        gone, rows = sum(m.unreadable for m in here), sum(m.rows for m in here)
        if not gone:
            continue
        worst = max(here, key=lambda m: m.unreadable / m.rows)
        found.append(f"{gone} of {rows} answers read by {reading} ({name}) could not be read ({gone / rows:.1%}; most "
                     f"in {worst.arm}, {worst.unreadable / worst.rows:.1%}). They are left out of the means, never "
                     "counted as 0; the tables show what they could change.")
        found += [f"{m.arm}, {axis_words(results.study, m.measure[1])}, {reading}: {m.unreadable / m.rows:.0%} could "
                  "not be read, too many to rely on its mean." for m in here if m.unreadable / m.rows > WITHHOLD]
    return found


def _unscored(results: Results) -> list[str]:
    """Transcripts that whoever names reasons could not score, folded: it scores all reasons of one or none."""
    found: list[str] = []
    for name, by in dict.fromkeys((line.eval, line.by) for line in results.study.motives):
        read = {((line.eval, line.axis, line.reading), arm) for line in results.study.motives
                if (line.eval, line.by) == (name, by) for arm in line.arms}
        here = [m for m in results.means if (m.measure, m.arm) in read]
        by_arm = {arm: (sum(m.unreadable for m in here if m.arm == arm), sum(m.rows for m in here if m.arm == arm))
                  for arm in dict.fromkeys(m.arm for m in here)}
        gone, rows = (sum(counts) for counts in zip(*by_arm.values(), strict=True)) if by_arm else (0, 0)
        if not gone:
            continue
        worst = max(by_arm, key=lambda arm: by_arm[arm][0] / by_arm[arm][1])
        found.append(f"{gone} of {rows} reasons of agents ({name}, all reasons together) stayed unscored "
                     f"({gone / rows:.1%}; most in {worst}, {by_arm[worst][0] / by_arm[worst][1]:.1%}). They are left "
                     f"out of the shares, never counted as 0; brackets show what they could change. Read by {by}.")
        found += [f"{arm}, reasons of agents ({name}): {lost / of:.0%} stayed unscored, too many to rely on their "
                  "shares." for arm, (lost, of) in by_arm.items() if lost / of > WITHHOLD]
    return found


def _one_corpus(ways: Ways) -> list[str]:
    """One corpus or chat set for several seeds: the interval then says nothing about writing it anew."""
    found: dict[str, list[str]] = {}
    for arm, runs in ways.runs.items():
        if len({run.seed for run in runs}) < 2:
            continue
        for kind, noun in (("documents", "corpus"), ("chats", "set of chats")):
            ids = [tuple(s.id for s in run.chain if s.kind == kind) for run in runs]
            if ids[0] and len(set(ids)) == 1:
                found.setdefault(f"one {noun}", []).append(label(arm))
    return [f"All seeds of {listed(arms)} read {what}: their intervals are conditional on it."
            for what, arms in found.items()]


def _doses(results: Results, ways: Ways) -> list[str]:
    """Arms of one contrast whose training steps of the same name differ in updates, or in tokens by over 5 %."""
    found: dict[str, None] = {}
    for line in results.study.contrasts:
        by_step: dict[str, dict[str, tuple[float, float]]] = {}
        for arm in (arm for arm, weight in line.weights.items() if weight):
            for run in ways.runs[arm]:
                for step, stage in steps_of(run):
                    if stage.dose is not None:
                        by_step.setdefault(step, {})[arm] = (stage.dose.updates, stage.dose.tokens)
        for step, doses in by_step.items():
            updates, tokens = zip(*doses.values(), strict=True)
            if max(updates) != min(updates) or max(tokens) > 1.05 * min(tokens):
                found[f"Contrast “{line.name}”: its arms had different doses of {step} "
                      f"({spread_of(updates)} updates, {spread_of(tokens)} tokens), so it compares doses too."] = None
    return list(found)
