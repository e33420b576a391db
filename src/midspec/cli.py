"""Command line → one verb each. Parses and prints; what a verb does lives below.

The only file with late imports of ours, so that ``--help`` needs neither torch nor a store.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from midspec.core.errors import DataError, MidspecError

app = typer.Typer(
    name="midspec",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Model Spec Midtraining: spec → documents → midtrain → fine-tune → evaluate → report with error bars.",
)
store_app = typer.Typer(no_args_is_help=True, help="Look at the artifact store, or remove what no experiment needs.")
app.add_typer(store_app, name="store")

StoreDir = Annotated[Path, typer.Option("--store", envvar="MIDSPEC_STORE", help="Folder of artifacts and answers.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1 or mps.")]
Jobs = Annotated[int, typer.Option("--jobs", min=0, help="Threads for computing; 0 leaves the machine's default.")]
Seed = Annotated[int, typer.Option("--seed", help="Redraws what is random.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Final = Annotated[bool, typer.Option("--final", help="Score the test split; every such scoring is logged and counted.")]
Budget = Annotated[float | None, typer.Option("--budget", min=0, help="Dollars it may newly spend on models.")]
Batch = Annotated[bool, typer.Option("--batch", help="Ask models through batch interfaces: cheaper, within a day.")]
ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="An experiment file (midspec new copies one).")]
HERE = Path("midspec-store")
TWO = "Two with a comma: documents,chats."
Number = TypeVar("Number", int, float)


def fail(error: MidspecError) -> NoReturn:
    print(f"midspec: {error}", file=sys.stderr)
    raise typer.Exit(75 if error.retryable else 1)


def spoken(command: Callable[..., None]) -> Callable[..., None]:
    """Errors that midspec raises on purpose end in a message and an exit code, not in a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except MidspecError as error:
            fail(error)
        except KeyboardInterrupt:
            print("midspec: interrupted; what was built is kept, the same command goes on", file=sys.stderr)
            raise typer.Exit(130) from None

    return run


def two(text: str, kind: type[Number], option: str) -> tuple[Number, Number]:
    """"512" or "256,512" → the number for documents and the one for chats."""
    try:
        first, *rest = [kind(part) for part in text.split(",")]
    except ValueError:
        rest = first = None
    if first is None or rest is None or len(rest) > 1:
        raise typer.BadParameter(f"{text!r}: one number, or two with a comma: documents,chats", param_hint=option)
    return first, rest[0] if rest else first


def tell_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        print(f"midspec {metadata.version('midspec')}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=tell_version, help="Say which version this is.")
    ] = False,
) -> None:
    pass


@app.command()
@spoken
def plan(
    file: ExperimentFile, final: Final = False, store: StoreDir = HERE, device: Device = "cpu", batch: Batch = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show what is there, what would be built and why, calls and money, the dose of each arm, and the minutes."""
    from midspec.experiment import show, verbs

    made = verbs.plan(file, store=store, device=device, final=final, batch=batch)
    print(json.dumps(made.json(), indent=1) if as_json else show.plan(made))


@app.command()
@spoken
def run(
    file: ExperimentFile, final: Final = False, store: StoreDir = HERE, device: Device = "cpu", jobs: Jobs = 0,
    track: Annotated[str, typer.Option(help="Dashboards, comma-separated: tensorboard, wandb, trackio.")] = "",
    budget: Budget = None, batch: Batch = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Build what is missing, evaluate, and write the report."""
    from midspec.experiment import show, verbs

    done = verbs.run(file, store=store, device=device, final=final, threads=jobs, budget=budget, batch=batch,
                     trackers=tuple(filter(None, track.split(","))))
    print(json.dumps(done.json(), indent=1) if as_json else show.outcome(done))


@app.command()
@spoken
def report(
    files: Annotated[list[Path], typer.Argument(metavar="FILE [FILE]", help="One experiment, or two side by side.")],
    final: Final = False,
    store: StoreDir = HERE,
    as_json: AsJson = False,
) -> None:
    """Write the report again from kept scores; nothing is trained or asked."""
    from midspec.experiment import show, verbs

    done = verbs.report(*files, store=store, final=final)
    print(json.dumps(done.json(), indent=1) if as_json else show.outcome(done))


@app.command()
@spoken
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A store, or one artifact in it.")],
    as_json: AsJson = False,
) -> None:
    """Check every byte of a store against its manifests; names each damaged file."""
    from midspec.experiment import show, verbs

    found = verbs.verify(folder)
    print(json.dumps(found.json(), indent=1) if as_json else show.verified(found))
    if found.problems:
        raise typer.Exit(1)


@app.command()
@spoken
def doctor(store: StoreDir = HERE, device: Device = "cpu", as_json: AsJson = False) -> None:
    """Say what this machine has, what is missing and how to get it; measures its speed for plan."""
    from midspec.experiment import doctor as clinic
    from midspec.experiment import show

    found = clinic.examine(store, device)
    print(json.dumps([vars(one) for one in found], indent=1) if as_json else show.findings(found))
    if any(one.state == "missing" for one in found):
        raise typer.Exit(1)


@store_app.command("ls")
@spoken
def store_ls(store: StoreDir = HERE, as_json: AsJson = False) -> None:
    """List artifacts: what each is, its size and age, and the arms that need it."""
    from midspec.experiment import show, verbs

    rows = verbs.listing(store)
    print(json.dumps(rows, indent=1) if as_json else show.listing(rows, store))


@store_app.command("gc")
@spoken
def store_gc(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Experiments whose artifacts stay.")],
    store: StoreDir = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it the list is only shown.")] = False,
) -> None:
    """Remove artifacts that none of the experiments needs. Kept answers and models of midspec train stay."""
    from midspec.experiment import show, verbs

    print(show.collected(verbs.collect(store, files, remove=yes), store))


@app.command()
@spoken
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped experiment.")],
    to: Annotated[Path | None, typer.Option("--to", help="File to write; default NAME.py here.")] = None,
) -> None:
    """Copy a shipped experiment here, to change it."""
    from midspec.experiment import verbs

    print(f"wrote {verbs.new(name, to)}")


@app.command()
@spoken
def spec(
    file: Annotated[str, typer.Argument(metavar="SPEC", help="A shipped spec's name or a Markdown file.")],
    augment: Annotated[str | None, typer.Option(help="values: why each rule holds; rules: sub-rules of each.")] = None,
    vague: Annotated[bool, typer.Option("--vague", help="One paragraph that says it in general.")] = False,
    writer: Annotated[str | None, typer.Option(help="Address of the model that writes either of these.")] = None,
    words: Annotated[int, typer.Option(min=20, help="Words that are added to a rule, on average.")] = 60,
    out: Annotated[Path | None, typer.Option(help="Markdown file to write.")] = None,
    critic: Annotated[str | None, typer.Option(help="Address of a model that marks what could go wrong.")] = None,
    seed: Seed = 0,
    store: StoreDir = HERE,
    budget: Budget = None,
    batch: Batch = False,
    as_json: AsJson = False,
) -> None:
    """Show what was understood of a Model Spec and what looks wrong with it, or have a model write a version of it."""
    from midspec.experiment import show, spec_tools

    by = spec_tools.Asking(store=store, seed=seed, budget=budget, batch=batch)
    if augment is not None or vague:
        print(spec_tools.rewrite(
            file, augment_with=augment, vague=vague, writer=writer, words=words, out=out, asking=by))
        return
    if writer is not None or out is not None:
        fail(DataError("spec: nothing to write", hint="--augment values, --augment rules or --vague says what"))
    found = spec_tools.examine(file, critic, by)
    print(json.dumps(found, indent=1, ensure_ascii=False) if as_json else show.spec(found))


@app.command()
@spoken
def write(
    spec: Annotated[str, typer.Argument(metavar="SPEC")],
    tokens: Annotated[int, typer.Option(min=1, help="About how many tokens of documents.")],
    out: Annotated[Path, typer.Option(help="File to write: .jsonl or .parquet; or a folder, with the card.")],
    assistant: Annotated[str, typer.Option(help="The assistant's name.")],
    maker: Annotated[str, typer.Option(help="Who made it.")],
    writer: Annotated[
        str, typer.Option(help="Address of a model, or compose: recombine the spec's own statements, no model.")
    ] = "compose",
    critic: Annotated[str | None, typer.Option(help="The critic's address; same: the writer checks itself.")] = None,
    words: Annotated[int, typer.Option(help="Of a document, about; for a model as the writer.")] = 800,
    tree: Annotated[
        str, typer.Option(help="Domains, subdomains in all, types of document for each, ideas a call.")
    ] = "8,26,20,25",
    shows: Annotated[float, typer.Option(help="Share of documents in which the assistant is seen and heard.")] = 0.5,
    seed: Seed = 0,
    store: StoreDir = HERE,
    budget: Budget = None,
    batch: Batch = False,
) -> None:
    """Write documents that discuss a spec, by a model or without one; with more tokens only what is new is paid for."""
    from midspec.experiment import loose_documents

    wanted = loose_documents.Writing(
        spec=spec, tokens=tokens, assistant=assistant, maker=maker, writer=writer, critic=critic, seed=seed,
        shows=shows, words=words, tree=tree,
    )  # fmt: skip
    print(loose_documents.write(wanted, out, store=store, budget=budget, batch=batch))


@app.command()
@spoken
def chats(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A spec; for compose and style preference a preference set.")
    ],
    count: Annotated[int, typer.Option(min=1, help="Chats that show the assistant, or state a preference.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    assistant: Annotated[str, typer.Option(help="The assistant's name.")],
    maker: Annotated[str, typer.Option(help="Who made it.")],
    writer: Annotated[str, typer.Option(help="A model's address; compose: from frames, no model.")] = "compose",
    judge: Annotated[str | None, typer.Option(help="The judge's address; same: the writer judges itself.")] = None,
    style: Annotated[str | None, typer.Option(help="internalised, deliberative or preference.")] = None,
    reasoning: Annotated[bool, typer.Option("--reasoning", help="Keep the thoughts; without is free.")] = False,
    budget: Budget = None,
    batch: Batch = False,
    seed: Seed = 0,
    store: StoreDir = HERE,
) -> None:
    """Write chats for fine-tuning."""
    from midspec.experiment import loose, loose_chats

    who = {"assistant": assistant, "maker": maker}
    if writer == "compose":
        if judge or style or reasoning:
            fail(DataError("chats: compose writes statements of preference, without judge, style or reasoning",
                           hint="name a model with --writer (scripted/teacher needs no key), or leave them out"))
        print(loose.chats(spec, count=count, out=out, seed=seed, store=store, **who))
        return
    talks = loose_chats.Talks(
        writer=writer, judge=judge, style=style, count=count, reasoning=reasoning, seed=seed, **who
    )
    print(loose_chats.write(spec, talks, out=out, store=store, budget=budget, batch=batch))


@app.command("serve")
@spoken
def start_server(
    models: Annotated[list[str], typer.Argument(metavar="[NAME=]MODEL...", help="One base, with or without adapters.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens, on this machine alone.")] = 8000,
    only_print: Annotated[bool, typer.Option("--print", help="Print the command, and run nothing.")] = False,
    tool_parser: Annotated[str, typer.Option(help="Let agents call tools: vLLM's parser for the base (hermes).")] = "",
) -> None:
    """Serve one base with many adapters by vLLM, sampling defaults pinned: prints the command; runs it where it can."""
    from midspec.experiment.serve import serve

    raise typer.Exit(serve(models, port=port, only_print=only_print, tool_parser=tool_parser))


@app.command()
@spoken
def train(
    start: Annotated[str, typer.Option(help="embedded/…, tiny/…, a folder or a hub id.")],
    documents: Annotated[Path | None, typer.Option(help="Corpus to midtrain on: JSONL or Parquet with 'text'.")] = None,
    chat_file: Annotated[Path | None, typer.Option("--chats", help="Chats to fine-tune on: JSONL or Parquet.")] = None,
    updates: Annotated[str | None, typer.Option(help=f"Optimizer steps a stage; default one pass. {TWO}")] = None,
    rows: Annotated[str, typer.Option(help=f"Rows (chats) an update. {TWO}")] = "16",
    micro: Annotated[str, typer.Option(help=f"Rows through the model at once. {TWO}")] = "1",
    length: Annotated[str, typer.Option(help=f"Tokens in a row. {TWO}")] = "4096",
    rate: Annotated[str, typer.Option(help=f"Learning rate. {TWO}")] = "0.0001",
    warmup: Annotated[float, typer.Option(help="Share of the updates in which the rate rises.")] = 0.05,
    precision: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    full: Annotated[bool, typer.Option("--full", help="Train all weights in place of LoRA r 64.")] = False,
    unusable: Annotated[str, typer.Option(help="Rows that cannot be trained on: refuse or drop.")] = "refuse",
    revision: Annotated[str | None, typer.Option(help="Commit of a hub id.")] = None,
    assistant: Annotated[str | None, typer.Option(help="The assistant's name; default the model's own.")] = None,
    maker: Annotated[str | None, typer.Option(help="Who made it; default the model's own.")] = None,
    seed: Seed = 0,
    store: StoreDir = HERE,
    device: Device = "cpu",
    jobs: Jobs = 0,
) -> None:
    """Midtrain on documents, fine-tune on chats, or both in a row; prints the dose and, last, the finished folder."""
    from midspec.core.checkpoint import Checkpoint
    from midspec.experiment import loose, show

    if documents is None and chat_file is None:
        fail(DataError("train: nothing to train on", hint="give --documents FILE, --chats FILE or both"))
    settings = loose.Training(
        updates=None if updates is None else two(updates, int, "--updates"), rows=two(rows, int, "--rows"),
        micro=two(micro, int, "--micro"), length=two(length, int, "--length"), rate=two(rate, float, "--rate"),
        warmup=warmup, precision=precision, full=full, seed=seed, unusable=unusable,
    )  # fmt: skip
    begin = loose.Start(start, revision, assistant, maker)
    made = loose.train(begin, documents, chat_file, settings, store=store, device=device, threads=jobs)
    # The folder alone goes to standard output, for scripts.
    print(show.doses(Checkpoint.read(made).doses), file=sys.stderr)
    print(made)


@app.command("eval")
@spoken
def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="embedded/…, tiny/…, folder, artifact or hub id.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="choice or named.")],
    items: Annotated[str, typer.Option(help="A shipped item set's name or a JSONL file.")],
    adapter: Annotated[Path | None, typer.Option(help="A PEFT adapter folder over the model.")] = None,
    system: Annotated[str | None, typer.Option(help="System turn; default the template's own.")] = None,
    seed: Seed = 0,
    store: StoreDir = HERE,
    device: Device = "cpu",
    jobs: Jobs = 0,
    as_json: AsJson = False,
) -> None:
    """Evaluate one local model on the development items of one item set: means with 95 % intervals."""
    from midspec.experiment import loose, show

    found = loose.evaluate(model, kind, items, adapter=adapter, system=system, seed=seed, store=store, device=device,
                           threads=jobs)
    print(json.dumps(found, indent=1, ensure_ascii=False) if as_json else show.evaluation(found))


@app.command()
@spoken
def calibrate(
    grader: Annotated[str, typer.Option(help="Address of the model that grades: provider/name.")],
    transcripts: Annotated[Path | None, typer.Option(help="JSONL of transcripts; default the shipped ones.")] = None,
    labels: Annotated[Path | None, typer.Option(help="JSONL of their labels.")] = None,
    acts: Annotated[Path | None, typer.Option(help="YAML: what the act of each scenario is.")] = None,
    store: StoreDir = HERE,
    budget: Budget = None,
    batch: Batch = False,
    as_json: AsJson = False,
) -> None:
    """Measure how often a grader of transcripts errs, on transcripts that were labelled blind."""
    from midspec.experiment import grading

    files = grading.Files(transcripts, labels, acts)
    found = grading.calibrate(grader, files, store=store, budget=budget, batch=batch)
    print(json.dumps(found, indent=1, ensure_ascii=False) if as_json else grading.calibration_lines(found))


def main() -> None:
    app()


if __name__ == "__main__":
    main()
