"""Experiment + store → Study: all that the report is made from, read back from artifacts. Computes no statistics."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from midspec.core.calibration import Calibration
from midspec.core.chat import ChatSet
from midspec.core.checkpoint import Checkpoint
from midspec.core.document import Corpus
from midspec.core.errors import DataError, RecipeError
from midspec.core.graded import Grades
from midspec.core.recipe import Recipe, closure
from midspec.core.rows import read_rows
from midspec.core.score import Responses, Scores
from midspec.core.transcript import Transcripts
from midspec.evals._eval import Eval
from midspec.evals.answers import Answers
from midspec.experiment.agents import Agents
from midspec.experiment.experiment import Cell, Contrast, Loaded
from midspec.experiment.graders import gives_transcripts
from midspec.report.study import (
    Answer,
    ArmRun,
    Chats,
    CheckLine,
    ContrastLine,
    Documents,
    LabelledAnswer,
    OrderEffect,
    Reading,
    ScoreRow,
    StageRun,
    Study,
)
from midspec.store.artifacts import Store
from midspec.store.manifest import Manifest

SHOWN = 10
KINDS: dict[type, str] = {Corpus: "documents", ChatSet: "chats", Responses: "answers", Scores: "scores",
                         Transcripts: "transcripts", Grades: "grades", Calibration: "calibration"}


@dataclass
class Reader:
    """Artifacts of one store, each read once."""

    store: Store
    manifests: dict[str, Manifest] = field(default_factory=dict[str, Manifest])
    made: dict[str, Any] = field(default_factory=dict[str, Any])

    def manifest(self, recipe: Recipe[Any]) -> Manifest:
        if recipe.id not in self.manifests:
            found = self.store.find(recipe)
            if found is None:
                raise DataError(f"{recipe.folder_name} is not built", hint="midspec run FILE builds what is missing")
            self.manifests[recipe.id] = found
        return self.manifests[recipe.id]

    def read(self, recipe: Recipe[Any]) -> Any:
        if recipe.id not in self.made:
            self.made[recipe.id] = self.store.read(recipe)
        return self.made[recipe.id]


def assemble(loaded: Loaded, store: Store, *, scorings: Mapping[str, int] | None = None) -> Study:
    """The study of a finished experiment; ``scorings`` by experiment are told where it is a final one.

    Raises:
        DataError: an artifact is missing or damaged.
        RecipeError: artifacts come from different devices or library versions, and the experiment does not permit it.
    """
    reader = Reader(store)
    cells = loaded.cells
    arms = tuple(_arm(loaded, cell, reader) for cell in cells)
    rows = tuple(row for cell in cells for one in loaded.asked(cell) for row in _rows(loaded, cell, one, reader))
    rows += tuple(row for cell in cells for row in _fact_rows(loaded, cell, reader))
    agents = Agents(loaded, reader.read)
    rows += tuple(agents.rows())
    made = _machines(loaded, reader)
    scored = scorings or {}
    notes = (
        [f"Test items have been scored {_times(sum(scored.values()))} in this store, "
         f"{_times(scored.get(loaded.name, 0))} by this experiment."]
        if loaded.final
        else ["Development items: for choosing, not for claims. A final run scores the test items."]
    )
    return Study(
        name=loaded.name,
        title=loaded.name.replace("_", " "),
        question=loaded.experiment.question,
        hypothesis=loaded.hypothesis,
        arms=arms,
        contrasts=tuple(_lines(loaded, cells, rows)),
        rows=rows,
        checks=tuple(_checks(loaded, cells)),
        labelled=tuple(_labelled(loaded)),
        orders=tuple(order for cell in cells for order in _orders(loaded, cell, reader)),
        readings=tuple(dict.fromkeys(Reading(eval=one.name, **vars(r)) for cell in cells for one in loaded.asked(cell)
                                     for r in one.explain())) + tuple(agents.readings()),
        graders=tuple(agents.graders()),
        agreements=tuple(agents.agreements()),
        motives=tuple(agents.motives()),
        notes=((loaded.experiment.caption,) if loaded.experiment.caption else ()) + tuple(notes),
        warnings=_warnings(reader),
        made=made,
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _arm(loaded: Loaded, cell: Cell, reader: Reader) -> ArmRun:
    chain = closure(loaded.needed(cell))
    read = closure((cell.model,))
    corpora = [r for r in read if r.makes is Corpus]
    chats = [r for r in read if r.makes is ChatSet]
    return ArmRun(
        arm=cell.arm,
        seed=cell.seed,
        point=dict(cell.axes),
        about=_about(loaded, cell.arm),
        chain=tuple(_stage(recipe, reader) for recipe in chain),
        documents=_documents(corpora[-1], reader) if corpora else None,
        chats=_chats(chats[-1], reader) if chats else None,
        answers=tuple(a for one in loaded.evals for a in _answers(loaded, cell, one, reader)),
    )


def _about(loaded: Loaded, arm: str) -> str:
    found = next(a for a in loaded.experiment.arms if a.__name__ == arm)
    return " ".join((found.__doc__ or "").split())


def _stage(recipe: Recipe[Any], reader: Reader) -> StageRun:
    manifest = reader.manifest(recipe)
    made = reader.read(recipe) if recipe.makes is Checkpoint else None
    trained = made is not None and any(r.makes is Checkpoint for r in recipe.inputs()) and bool(made.doses)
    by = getattr(recipe, "to", None) or getattr(recipe, "by", None)
    return StageRun(
        kind=KINDS.get(recipe.makes, "training" if trained else "model"),
        label=recipe.label,
        id=recipe.id,
        digest=manifest.digest,
        link=f"../../artifacts/{recipe.folder_name}",
        inputs=tuple(r.id for r in recipe.inputs()),
        dose=made.doses[-1] if made is not None and trained else None,
        losses=_losses(recipe, reader) if trained else (),
        settings=_settings(manifest),
        eval=by.name if isinstance(by, Eval) else "",
    )


def _losses(recipe: Recipe[Any], reader: Reader) -> tuple[tuple[int, float], ...]:
    path = reader.store.folder(recipe) / "metrics.jsonl"
    return tuple((row["update"], row["loss"]) for _, row in read_rows(path)) if path.is_file() else ()


def _settings(manifest: Manifest) -> str:
    """The recipe's plain fields as "name value", nested ones with dots; inputs and contents are shown elsewhere."""

    def plain(name: str, value: Any) -> Iterator[str]:
        if isinstance(value, dict) and "fields" in value:
            for key, inner in value["fields"].items():
                yield from plain(key, inner)
        elif isinstance(value, dict) and "float" in value:
            yield f"{name} {float.fromhex(value['float']):g}"
        elif isinstance(value, (str, int)) and not isinstance(value, bool):
            yield f"{name} {value}"

    return ", ".join(text for name, value in manifest.description["fields"].items() for text in plain(name, value))


def _documents(recipe: Recipe[Any], reader: Reader) -> Documents:
    all_of = reader.read(recipe).documents
    return Documents(source=recipe.id, total=len(all_of), texts=tuple(_ten(all_of, recipe.id)))


def _chats(recipe: Recipe[Any], reader: Reader) -> Chats:
    all_of = reader.read(recipe).chats
    return Chats(source=recipe.id, total=len(all_of), texts=tuple(_ten(all_of, recipe.id)))


def _ten(rows: tuple[Any, ...], seed: str) -> list[Any]:
    return random.Random(seed).sample(rows, min(SHOWN, len(rows)))


def _answers(loaded: Loaded, cell: Cell, one: Eval, reader: Reader) -> Iterator[Answer]:
    grade = loaded.grade(cell, one)
    for response in reader.read(grade.inputs()[0]).rows:
        if response.text is not None and response.draw == 0:
            yield Answer(
                eval=one.title,
                item=response.item,
                question=str(response.meta.get("question", response.item)),
                text=response.text,
                finish=response.finish or "",
                verdict=one.remark(response),
            )


def _rows(loaded: Loaded, cell: Cell, one: Eval, reader: Reader) -> Iterator[ScoreRow]:
    for score in reader.read(loaded.grade(cell, one)).rows:
        yield ScoreRow(arm=cell.key, seed=cell.seed, eval=one.name, **vars(score))


def _fact_rows(loaded: Loaded, cell: Cell, reader: Reader) -> Iterator[ScoreRow]:
    """What the manifests of an arm's chats note, as rows, where a check asks for it."""
    facts = {c.fact for c in loaded.experiment.checks if c.fact and cell.arm in c.asked}
    sets = [recipe for recipe in closure((cell.model,)) if recipe.makes is ChatSet]
    for fact, recipe in itertools.product(sorted(facts), sets[-1:]):
        value = reader.manifest(recipe).facts.get(fact)
        if not isinstance(value, (int, float)):
            raise DataError(f"{recipe.folder_name} notes no number {fact!r}, which a check asks for")
        yield ScoreRow(arm=cell.key, seed=cell.seed, eval="manifest", item=recipe.label, axis="", domain="",
                       reading=fact, value=float(value))


def _checks(loaded: Loaded, cells: tuple[Cell, ...]) -> Iterator[CheckLine]:
    """One line per check, over all cells of its arms."""
    for check in loaded.experiment.checks:
        named = [arm.__name__ for arm in check.arms]
        keys = tuple(dict.fromkeys(cell.key for name in named for cell in cells if cell.arm == name))
        bases = dict.fromkeys(cell.key for cell in cells if check.above and cell.arm == check.above.__name__)
        if len(bases) > 1:
            raise RecipeError(f"check {check.words!r}: the arm to compare with stands at several points: "
                              f"{', '.join(bases)}", hint="an arm without that axis, or a check without above=")
        above = next(iter(bases), None)
        yield CheckLine(words=check.words, eval=check.by.name if check.by else "manifest",
                        reading=check.reading or check.fact, arms=keys, axis=check.axis, share=check.share,
                        at_least=check.at_least, above=above, equal=check.equal)


def _labelled(loaded: Loaded) -> Iterator[LabelledAnswer]:
    """Each labelled answer as the reader of this experiment reads it."""
    asked = next((one for one in loaded.evals if isinstance(one, Answers) and one.reader), None)
    if loaded.experiment.labels is not None and asked is not None:
        for row in loaded.experiment.labels.rows:
            yield LabelledAnswer(arm=row.arm, axis=row.axis, label=row.label, found=asked.label(row.answer, row.axis),
                                 answer=row.answer)


def _orders(loaded: Loaded, cell: Cell, reader: Reader) -> Iterator[OrderEffect]:
    """What evals note about the order of options ("order_effects"), by reading."""
    for one in loaded.asked(cell):
        facts = reader.manifest(loaded.grade(cell, one).inputs()[0]).facts.get("order_effects", {})
        for reading, found in facts.items():
            yield OrderEffect(arm=cell.key, seed=cell.seed, eval=one.name, reading=reading, **found)


def _lines(loaded: Loaded, cells: tuple[Cell, ...], rows: tuple[ScoreRow, ...]) -> Iterator[ContrastLine]:
    ours = {(one.name, reading.name) for one in loaded.evals for reading in one.explain()}
    if (graders := loaded.experiment.graders) is not None:
        read = [one.name for one in loaded.evals if gives_transcripts(one)]
        ours |= {(name, reading.name) for name in read for reading in graders.explain()}
    checked = {(c.by.name, c.reading, c.axis) for c in loaded.experiment.checks
               if c.by is not None and c.axis and c.by not in loaded.experiment.evals}
    measures = dict.fromkeys((row.eval, row.axis, row.reading) for row in rows
                             if (row.eval, row.reading) in ours and (row.eval, row.reading, row.axis) not in checked)
    settings = list(dict.fromkeys(tuple((k, v) for k, v in p.items() if k != "seed") for p in loaded.experiment.points))
    for contrast, setting in itertools.product(loaded.experiment.contrasts, settings):
        weights = {_key_at(arm, setting, cells): weight for arm, weight in contrast.weights().items()}
        shown = "".join(f" · {name}={value}" for name, value in setting) if len(settings) > 1 else ""
        for measure in measures:
            if contrast.axis in (None, measure[1]):
                yield _line(contrast, shown, weights, measure, loaded.experiment.headline)


def _line(
    contrast: Contrast, shown: str, weights: dict[str, float], measure: tuple[str, str, str], headline: str | None
) -> ContrastLine:
    name, axis, reading = measure
    return ContrastLine(
        name=f"{contrast.title}{shown}",
        weights=weights,
        eval=name,
        axis=axis,
        reading=reading,
        primary=reading == (headline if contrast.headline is None else contrast.headline),
        words=contrast.words,
    )


def _key_at(arm: str, setting: tuple[tuple[str, Any], ...], cells: tuple[Cell, ...]) -> str:
    return next(cell.key for cell in cells if cell.arm == arm and set(cell.axes) <= set(setting))


def _warnings(reader: Reader) -> tuple[str, ...]:
    return tuple(
        f"{manifest.folder_name}: {text}"
        for manifest in reader.manifests.values()
        for text in manifest.facts.get("warnings", ())
    )


def _machines(loaded: Loaded, reader: Reader) -> dict[str, str]:
    """Device and versions that the numbers come from; more than one set of them is a confound."""
    measured = _measured(loaded)
    found = {
        json.dumps({"device": m.run.get("device"), "versions": m.run.get("versions")}, sort_keys=True): m
        for m in reader.manifests.values()
        if m.run and m.label in measured
    }
    if len(found) > 1 and not loaded.experiment.across_machines:
        shown = "; ".join(f"{m.folder_name}: {key}" for key, m in itertools.islice(found.items(), 2))
        raise RecipeError(
            f"{loaded.name}: its artifacts come from different devices or library versions, so a contrast "
            f"could be the machine's: {shown}",
            hint="run it into a fresh --store, or set across_machines=True in the experiment",
        )
    if not found:
        return {}
    row = json.loads(next(iter(found)))
    return {"device": str(row["device"]), **{k: str(v) for k, v in (row["versions"] or {}).items()}}


def _measured(loaded: Loaded) -> set[str]:
    """Labels of stages whose numbers depend on the machine: training and answering."""
    return {r.label for r in loaded.recipes() if r.makes in (Checkpoint, Responses) and r.inputs()}
