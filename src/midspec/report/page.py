"""Study → a folder with report.html, report.md, report.json, rows.jsonl and figures. Same study, same bytes.

Knows nothing of where a study comes from. All text is escaped by the template; nothing on the page can run or load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from midspec.core.chat import Chat
from midspec.core.errors import SetupError
from midspec.core.rows import to_line
from midspec.report import drawing, flat, summary
from midspec.report.graders import grader_tables
from midspec.report.reader import reader_errors
from midspec.report.results import Difference, Mean, Measure, Results
from midspec.report.rollouts import rollout_tables
from midspec.report.study import ContrastLine, OrderEffect, Study
from midspec.report.svg import themed
from midspec.report.ways import NAMES, Ways
from midspec.report.wording import (
    MINUS,
    chance,
    compact,
    count,
    href,
    label,
    listed,
    number,
    paragraphs,
    plural,
    rounded,
    shown,
    span,
    spread_of,
)

HERE = Path(__file__).parent
MOST_ASKED = 40
# Nothing may run, be fetched, framed or sent. Styles are the page's own: the figures carry style attributes.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
HOW = (
    "A mean is over seeds and items; several draws of one item are averaged first. A contrast is taken within each "
    "seed and item, so that what they share cancels.",
    "95 % intervals treat seeds and items as crossed samples: the variance of a mean is that between seeds, plus that "
    "between items, minus what both contain of the rest, over the number of cells; Student's t with Satterthwaite's "
    "degrees of freedom, and never narrower than the seeds alone (or the items alone) would make it where these "
    "visibly differ. In simulations with 3 to 8 seeds they cover 94 to 98.5 %. With one seed, only items vary.",
    "Rates of yes and no have exact (Clopper–Pearson) intervals at the effective number of trials, so that zero events "
    "still show an upper bound.",
    "An unreadable answer is never counted as 0. Where limits are known, the result is also given as if all unreadable "
    "answers had been the least and the largest possible; past a fifth unreadable, a contrast is withheld.",
    "Contrasts named before the run are corrected for being several (Holm). The others are for looking, not for proof.",
)


@dataclass(frozen=True)
class Pair:
    """One figure for wide and for narrow screens, as safe markup."""

    wide: Any
    narrow: Any


def write(study: Study, folder: Path) -> None:
    """Write the report of ``study`` into ``folder``; files of the same names are replaced, each at once.

    Raises:
        SetupError: jinja2, matplotlib or scipy are missing.
        DataError: rows, arms and contrasts do not fit together.
    """
    for name in ("jinja2", "matplotlib", "scipy"):
        if find_spec(name) is None:
            raise SetupError(f"a report needs {name}", hint="pip install 'midspec[report]'")
    results, ways = Results(study), Ways(study)
    figures = drawing.figures(results, ways)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, drawn in figures.items():
        _put(folder / "figures" / f"{name}.svg", drawn.wide)
    _put(folder / "rows.jsonl", b"".join(to_line(vars(row)) for row in study.rows))
    _put(folder / "report.json", flat.as_json(results, ways))
    _put(folder / "report.md", flat.as_markdown(results, ways, tuple(figures)))
    _put(folder / "report.html", html(results, ways, figures))


def _put(path: Path, content: str | bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content if isinstance(content, bytes) else content.encode())
    fresh.replace(path)


@cache
def _template() -> Any:
    """The page's template: everything escaped, a missing name is an error."""
    import jinja2

    jinja = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                               loader=jinja2.FileSystemLoader(HERE))
    filters: dict[str, Any] = {
        "shown": shown, "label": label, "paragraphs": paragraphs, "number": number, "chance": chance, "count": count,
        "href": href, "spread": spread_of, "ranged": partial(spread_of, say=compact),
        "about": partial(spread_of, say=rounded)}
    jinja.filters.update(filters)
    return jinja.get_template("page.html")


def html(results: Results, ways: Ways, figures: Mapping[str, drawing.Drawn]) -> str:
    """The page as text."""
    from markupsafe import Markup

    study, headline = results.study, summary.headline_measures(results)
    pairs = {name: Pair(Markup(themed(drawn.wide)), Markup(themed(drawn.narrow))) for name, drawn in figures.items()}
    return _template().render(
        study=study, ways=ways, checks=results.checked, reader=reader_errors(study.labelled),
        agents=rollout_tables(results), graders=grader_tables(results), policy=POLICY,
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        answer=summary.answer(results), primary=summary.primary(results), scope=scope(results),
        sentence=partial(summary.sentence, results), cautions=summary.cautions(results, ways),
        figures={name.replace("-", "_"): pairs.get(name) for name in drawing.NAMES},
        directions=summary.directions(results),
        headline=means(results, headline), others=means(results, [m for m in results.plain if m not in headline]),
        differences=by_contrast(results), verdicts=summary.VERDICTS, losing=drawing.losing(ways), how=HOW,
        kinds=kinds(ways), sections=sections(results, ways, figures), span=span, meta=meta, opening=opening,
        formula=formula, orders=orders(study), seed_words=seed_words, hue=hue, most_asked=MOST_ASKED,
        seed_list=seed_list, axis_words=partial(summary.axis_words, study))


def means(results: Results, measures: Sequence[Measure]) -> list[tuple[Measure, list[Mean]]]:
    """The means of each measure."""
    return [(measure, [m for m in results.means if m.measure == measure]) for measure in measures]


def by_contrast(results: Results) -> list[list[Difference]]:
    """The lines of each contrast: the same arms compared by other axes and readings."""
    found: dict[tuple[str, str], list[Difference]] = {}
    for difference in results.differences:
        found.setdefault((difference.line.name, formula(difference.line)), []).append(difference)
    return list(found.values())


def scope(results: Results) -> str:
    """How much the answer rests on."""
    seeds, items = summary.seeds_of(results.study), {(r.eval, r.item) for r in results.study.rows}
    rests = [plural(len(results.arms), "arm"), plural(len(seeds), "seed") if seeds else "no seeds",
             plural(len(items), "item"), plural(len(results.study.rows), "score")]
    return f"From {listed(rests)}."


def sections(results: Results, ways: Ways, figures: Mapping[str, object]) -> list[tuple[str, str]]:
    """(anchor, words) of the sections that this page has."""
    study = results.study
    every = [("checks", "Checks", bool(study.checks)), ("answer", "Answer", True), ("arms", "Arms", True),
             ("scores", "Scores", "bars" in figures), ("contrasts", "Contrasts", bool(results.differences)),
             ("reader", "Reading reasons", bool(study.labelled)),
             ("agents", "Agents", bool(rollout_tables(results))),
             ("graders", "Graders", bool(study.graders or study.agreements)),
             ("dose", "Dose", bool(ways.given)),
             ("losses", "Loss", "losses" in figures), ("documents", "Documents", bool(ways.documents)),
             ("chats", "Chats", bool(ways.chats)), ("answers", "Answers side by side", bool(ways.asked)),
             ("artifacts", "Artifacts", True), ("how", "How it was computed", True)]
    return [(name, words) for name, words, there in every if there]


def kinds(ways: Ways) -> list[tuple[str, list[Any]]]:
    """Artifacts by kind, in the order of a way."""
    found = [(words, [a for a in ways.artifacts.values() if a.stage.kind == kind]) for kind, words in NAMES.items()]
    return [(words, artifacts) for words, artifacts in found if artifacts]


def meta(values: Mapping[str, object]) -> str:
    """The short texts of a document's or chat's meta, for orientation."""
    return " · ".join(label(v, 40) for v in values.values() if isinstance(v, str) and v)[:160]


def opening(chat: Chat) -> str:
    """What the user says first, for the folded line."""
    return next((m.content for m in chat.messages if m.role == "user"), chat.messages[0].content)


def orders(study: Study) -> list[tuple[str, str, str, str, str]]:
    """(arm, eval, reading, pull to what is named first, share of agreeing items), seeds of an arm in one line."""
    found: dict[tuple[str, str, str], list[OrderEffect]] = {}
    for one in study.orders:
        found.setdefault((one.eval, one.reading, one.arm), []).append(one)
    return [(arm, name, reading, spread_of([one.bias for one in of], partial(number, sign=True)),
             spread_of([one.agree for one in of], _percent))
            for (name, reading, arm), of in found.items()]


def _percent(share: float) -> str:
    return f"{share:.0%}"


def formula(line: ContrastLine) -> str:
    """"msm_aft − msm − aft + instruct", weights other than ±1 as factors."""
    words: list[str] = []
    for arm, weight in line.weights.items():
        if weight:
            factor = "" if abs(weight) == 1 else f"{compact(abs(weight))} × "
            words.append(f"{MINUS if weight < 0 else '+'} {factor}{shown(arm)}")
    return " ".join(words).removeprefix("+ ")


def seed_words(seeds: Sequence[int | None]) -> str:
    """"seeds 11, 12, 13", or that there are none."""
    known = [str(s) for s in seeds if s is not None]
    return f"seed{'s' if len(known) > 1 else ''} {', '.join(known)}" if known else "no seed: one model for all"


def seed_list(seeds: Sequence[int | None]) -> str:
    return ", ".join("all" if s is None else str(s) for s in seeds)


def hue(letter: str) -> int:
    """A colour angle for a letter: neighbours far apart."""
    return sum(map(ord, letter)) * 137 % 360
