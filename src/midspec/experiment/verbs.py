"""The verbs of the command line on experiment files, callable from Python under the same names."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from midspec.core.asking import Account, Terms
from midspec.core.errors import ClaimError, DataError, SetupError
from midspec.core.graded import Grades
from midspec.core.recipe import Recipe, closure
from midspec.core.rows import read_rows, to_line
from midspec.core.score import Scores
from midspec.experiment import speed as speeds
from midspec.experiment.assemble import assemble
from midspec.experiment.experiment import Loaded, load_experiment
from midspec.experiment.job import Settings
from midspec.experiment.plan import Plan, make_plan
from midspec.experiment.progress import Progress
from midspec.experiment.run import Tally, build_all
from midspec.models.digests import cache_root
from midspec.models.keys import setting
from midspec.report.flat import digest_of
from midspec.report.merge import merged
from midspec.report.page import write as write_page
from midspec.report.ways import Asked, Ways
from midspec.store.artifacts import Store
from midspec.store.claims import claim
from midspec.store.manifest import Problem, verify_artifact

STORE = Path("midspec-store")


@dataclass(frozen=True)
class Outcome:
    """Where the report is and what was done to make it; ``asked``: sampled answers, for a terminal."""

    name: str
    question: str
    folder: Path
    tally: Tally | None
    numbers: dict[str, Any]
    asked: tuple[Asked, ...] = ()
    account: tuple[dict[str, Any], ...] = ()

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    def json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "page": str(self.page),
            "tally": None if self.tally is None else vars(self.tally),
            "numbers": self.numbers,
            "account": list(self.account),
        }


@dataclass(frozen=True)
class Verified:
    checked: int
    problems: tuple[Problem, ...]

    def json(self) -> dict[str, Any]:
        return {"checked": self.checked, "problems": [{"file": str(p.file), "what": p.what} for p in self.problems]}


def plan(
    file: Path | str, *, store: Path | str = STORE, device: str = "cpu", final: bool = False, batch: bool = False
) -> Plan:
    """What a run of the experiment would build; measures this machine's speed once where torch is installed."""
    loaded = load_experiment(Path(file), final=final)
    return make_plan(loaded, Store(Path(store)), _speed(device), terms_of(None, batch))


def build(
    recipe: Recipe[Any], *, store: Store | Path | str = STORE, device: str = "cpu", keep: bool = True,
    terms: Terms | None = None, account: Account | None = None,
) -> Path:
    """Build one recipe with all that it needs; returns the artifact's folder.

    ``keep``: ``store gc`` leaves it, although no experiment names it. ``terms``: how models are asked;
    ``account`` takes what they newly cost.
    """
    kept, progress = store if isinstance(store, Store) else Store(Path(store)), Progress()
    if keep:
        kept.keep(recipe)
    settings = Settings(device=device, say=progress.say, terms=terms or terms_of(None, False),
                        account=account or Account())
    _spend(closure((recipe,)), kept, settings, progress)
    return kept.folder(recipe)


def run(
    file: Path | str,
    *,
    store: Path | str = STORE,
    device: str = "cpu",
    final: bool = False,
    threads: int = 0,
    trackers: tuple[str, ...] = (),
    budget: float | None = None,
    batch: bool = False,
) -> Outcome:
    """Build what is missing, evaluate, and write the report.

    ``budget``: dollars that this call may newly spend on models; ``batch``: ask them through batch interfaces.

    Raises:
        MidspecError: a stage failed; what was built before is kept, and the same call goes on from there.
    """
    loaded = load_experiment(Path(file), final=final)
    kept = Store(Path(store))
    set_threads(threads)
    progress = Progress()
    progress.say(loaded.experiment.question)
    if final:
        _log_scoring(loaded, kept)
    settings = Settings(device=device, trackers=trackers, say=progress.say, terms=terms_of(budget, batch))
    tally = _spend(loaded.recipes(), kept, settings, progress)
    return replace(_write(loaded, kept), tally=tally, account=tuple(settings.account.rows()))


def terms_of(budget: float | None, batch: bool) -> Terms:
    """Terms of a command; $MIDSPEC_UNPRICED=1 lets models without a known price be asked."""
    return Terms(budget=budget, batch=batch, unpriced=setting("MIDSPEC_UNPRICED") == "1")


def account_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """What was newly spent, a line for each stage and model."""
    lines: list[str] = []
    for row in rows:
        lost = f", {row['lost']} lost on the way" if row["lost"] else ""
        price = f"${row['cost']:,.4f}" + (f" and {row['unpriced']} calls of unknown price" if row["unpriced"] else "")
        tokens = f"{row['input']:,} tokens in ({row['cached']:,} cached), {row['output']:,} out"
        lines.append(f"{row['stage']}, {row['model']}: {row['calls']:,} answers paid now{lost}, {tokens}, {price}")
    return lines


def _spend(recipes: tuple[Recipe[Any], ...], store: Store, settings: Settings, progress: Progress) -> Tally:
    """Build; where asking had to stop, say what was spent until then."""
    try:
        return build_all(recipes, store, settings, progress)
    except BaseException:
        for line in account_lines(settings.account.rows()):
            progress.say(line)
        raise


def report(*files: Path | str, store: Path | str = STORE, final: bool = False) -> Outcome:
    """Write the report of one experiment, or one page of two, from kept scores."""
    if not 1 <= len(files) <= 2:
        raise DataError(f"report: {len(files)} experiment files where one or two are expected")
    kept = Store(Path(store))
    loaded = [load_experiment(Path(file), final=final) for file in files]
    if len(loaded) == 1:
        return _write(loaded[0], kept)
    study = merged(*(assemble(one, kept, scorings=scorings(kept)) for one in loaded))
    return _page(study.name, study, kept)


def _write(loaded: Loaded, store: Store) -> Outcome:
    study = assemble(loaded, store, scorings=scorings(store))
    return _page(loaded.name + ("-final" if loaded.final else ""), study, store)


def _page(name: str, study: Any, store: Store) -> Outcome:
    folder = store.root / "reports" / name
    folder.mkdir(parents=True, exist_ok=True)
    lock, what, waited = store.root / "claims" / f"report-{name}.lock", f"report {name}", False
    with ExitStack() as held:
        try:
            held.enter_context(claim(lock, what))
        except ClaimError:
            # Several processes may finish one experiment at once, each as patient as its owner is alive.
            held.enter_context(claim(lock, what, patience=math.inf))
            waited = True
        # What another process wrote of this very study while we waited need not be written again.
        if not (waited and _written(folder) == digest_of(study)):
            write_page(study, folder)
        numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return Outcome(name, study.question, folder, None, numbers, Ways(study).asked)


def _written(folder: Path) -> str | None:
    """The digest of the study that a finished page is about."""
    path = folder / "report.json"
    if not (path.is_file() and (folder / "report.html").is_file()):
        return None
    return json.loads(path.read_text(encoding="utf-8")).get("study")


def verify(folder: Path | str) -> Verified:
    """Check every byte of a store, or of one artifact.

    Raises:
        DataError: the folder is neither.
    """
    path = Path(folder)
    if (path / "manifest.json").exists() or (path / "run.json").exists():
        return Verified(1, tuple(verify_artifact(path)))
    if not (path / "artifacts").is_dir() and not (path / "ledger.sqlite").exists():
        raise DataError(f"{path}: neither a store nor an artifact", hint="give the folder that --store names")
    store = Store(path)
    return Verified(len(list((path / "artifacts").glob("*/"))), tuple(store.verify()))


def listing(store: Path | str) -> list[dict[str, Any]]:
    """One row an artifact, oldest first: folder, kind, bytes, seconds, when it was built, facts, and the arms that
    need it, as far as a report in this store says so ("tiny: aft")."""
    place = Store(Path(store))
    arms = _arms_of(place.root / "reports")
    for root, names in place.marks().items():
        for name in names:
            arms.setdefault(name.rpartition("-")[2], []).append(f"kept: {root}")
    rows = [
        {
            "folder": m.folder_name,
            "kind": m.description["class"],
            "bytes": sum(m.sizes.values()),
            "seconds": m.run.get("seconds"),
            "built": m.run.get("started"),
            "arms": arms.get(m.id[:12], []),
            "facts": m.facts,
        }
        for m in place.manifests()
    ]
    return sorted(rows, key=lambda row: (row["built"] or "", row["folder"]))


def _arms_of(reports: Path) -> dict[str, list[str]]:
    """Short id of an artifact → arms that need it, from the reports."""
    found: dict[str, list[str]] = {}
    for path in sorted(reports.glob("*/report.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            for artifact in told["artifacts"]:
                found.setdefault(artifact["id"][:12], []).append(f"{told['name']}: {', '.join(artifact['arms'])}")
        except (ValueError, KeyError, TypeError):  # of another version, or cut: the report is only a help here
            continue
    return found


@dataclass(frozen=True)
class Collected:
    """Folders that no experiment needs with their bytes, and the names of results that stay because they are marked."""

    folders: tuple[tuple[Path, int], ...]
    marked: tuple[str, ...]
    removed: bool


def collect(store: Path | str, files: list[Path], *, remove: bool) -> Collected:
    """What none of the experiments needs, dev and final, and no single stage made; removed where told."""
    keep: set[str] = set()
    for file in files:
        keep |= {recipe.id for final in (False, True) for recipe in load_experiment(file, final=final).recipes()}
    place = Store(Path(store))
    found = tuple((folder, _bytes(folder)) for folder in place.collect(keep, dry=True))
    if remove:
        gone = set(place.collect(keep, dry=False))
        found = tuple(row for row in found if row[0] in gone)
    return Collected(found, tuple(place.marks()), remove)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def shipped() -> dict[str, Path]:
    """Experiments that come with midspec, by name: beside the package in a wheel, in the checkout otherwise."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "library" / "experiments", here.parents[3] / "experiments"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.py"))}
    return {}


def new(name: str, to: Path | None = None) -> Path:
    """Copy a shipped experiment; refuses to write over a file."""
    have = shipped()
    if name not in have:
        hint = f"midspec new {next(iter(have), 'tiny')}"
        raise SetupError(f"no shipped experiment {name!r} (have: {', '.join(have)})", hint=hint)
    target = to or Path(f"{name}.py")
    if target.exists():
        raise DataError(f"{target}: there is such a file already", hint="name another with --to")
    shutil.copyfile(have[name], target)
    return target


def scorings(store: Store) -> Counter[str]:
    """By experiment, how often it scored test items in this store; to go on with a scoring, or to share it, is none."""
    path = store.root / "scorings.jsonl"
    rows = [row for _, row in read_rows(path)] if path.is_file() else []
    named = {(row["experiment"], row["of"]) for row in rows if "of" in row}
    return Counter([name for name, _ in named] + [row["experiment"] for row in rows if "of" not in row])


def _log_scoring(loaded: Loaded, store: Store) -> None:
    """One line for every final run that scores something new, written before the scoring.

    "of" names all that the experiment scores: interrupted and taken up, or built by several processes, it stays one
    scoring. What measures a grader reads no test item: it is no scoring.
    """
    scored = {recipe.id: recipe for recipe in loaded.targets() if recipe.makes in (Scores, Grades)}
    fresh = sum(store.find(recipe) is None for recipe in scored.values())
    if fresh:
        store.root.mkdir(parents=True, exist_ok=True)
        line = to_line(
            {
                "experiment": loaded.name,
                "of": hashlib.sha256("\n".join(sorted(scored)).encode()).hexdigest(),
                "scores": fresh,
                "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
        )
        with (store.root / "scorings.jsonl").open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def set_threads(threads: int) -> None:
    """Threads for computing; 0 leaves the machine's default. Read by torch when it starts."""
    if threads > 0:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)


def _speed(device: str) -> speeds.Speed | None:
    try:
        return speeds.kept(cache_root(), device) or speeds.measure(cache_root(), device)
    except SetupError:
        return None
