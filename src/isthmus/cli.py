"""The command line. Every command imports what it needs when it runs, so that `isthmus --help` stays quick.

Exit codes: 0 done; 2 bad input, with every problem listed; 3 interrupted and resumable; 1 anything else. With `--json` a command
prints exactly one JSON document on standard output, an error included: `{"ok": false, "problems": [...]}`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.errors import InputError, Interrupted, IsthmusError, Problem

if TYPE_CHECKING:
    from isthmus.register import Register
    from isthmus.study.plan import Plan
    from isthmus.study.results import Results
    from isthmus.study.runner import Pace
    from isthmus.study.schedulers import Scheduler

app = typer.Typer(
    name="isthmus",
    help="How much scale could a front of an alliance system draw on, and for how long?",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
register_app = typer.Typer(help="Check and read the register of sourced facts.", no_args_is_help=True)
app.add_typer(register_app, name="register")
data_app = typer.Typer(help="Public data sets: list, download or add.", no_args_is_help=True)
app.add_typer(data_app, name="data")

RegisterOption = Annotated[
    Path | None,
    typer.Option("--register", metavar="DIR", help="Folder of the register; the one that ships with Isthmus by default."),
]
OverlayOption = Annotated[
    Path | None, typer.Option("--overlay", metavar="DIR", help="Folder with your own rows of the same tables, laid on top.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


_KEYBOARD_INTERRUPT = 130
"""What Typer makes of Ctrl-C."""


def main() -> None:
    """Entry point: run a command, turn the errors that Isthmus raises on purpose into a list and an exit code."""
    try:
        code = app(standalone_mode=False)
        if code == _KEYBOARD_INTERRUPT:
            raise KeyboardInterrupt
        sys.stdout.flush()
    except IsthmusError as error:
        code = fail(error, as_json="--json" in sys.argv)
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted.", file=sys.stderr)
        code = Interrupted.exit_code
    except BrokenPipeError:  # the reader of a pipe has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        print(f"{error.filename or 'isthmus'}: {error.strerror or error}", file=sys.stderr)
        code = 1
    except Exception as error:
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        error.show()  # a word that the command line does not know
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def fail(error: IsthmusError, *, as_json: bool = False) -> int:
    """Print an error on standard error (and as JSON on standard output, if asked); return the exit code."""
    problems = error.problems if isinstance(error, InputError) else []
    if as_json:
        print_json({"ok": False, "problems": [p.as_dict() for p in problems] or [{"message": str(error)}]})
    for problem in problems:
        place = problem.file + (f", row {problem.row}" if problem.row is not None else "")
        place += f", column {problem.column}" if problem.column else ""
        print(f"{place}: {problem.message}\n    found:   {problem.found}\n    allowed: {problem.allowed}", file=sys.stderr)
    print(f"{len(problems)} problem{'s' * (len(problems) != 1)}." if problems else str(error), file=sys.stderr)
    return error.exit_code


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    import json

    print(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], *, as_json: bool = False, as_csv: bool = False) -> None:
    """Rows as JSON, as CSV, or as a table for reading, in which empty columns are left out."""
    columns = list(columns)
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if as_csv:
        import csv

        writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return
    from rich.console import Console
    from rich.table import Table

    shown = [c for c in columns if c != "fact_id" and any(row.get(c) is not None and row[c] is not False for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        number = all(isinstance(row.get(column), int | float | None) for row in rows)
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_shown(row.get(c)) for c in shown))
    console = Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False)
    console.print(table)
    console.print(f"{len(rows)} row{'s' * (len(rows) != 1)}")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return (
        f"{value:g}"
        if isinstance(value, float) and abs(value) < 1e6
        else f"{value:,.0f}"
        if isinstance(value, float)
        else str(value)
    )


def load_register(root: Path | None, overlay: Path | None = None) -> Register:
    """The register under `root`, or the one that ships with Isthmus. Raises `RegisterError`."""
    from isthmus.register.register import Register, reference_root

    return Register.load(root or reference_root(), overlay)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print(f"isthmus {version('isthmus')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")] = False,
) -> None:
    pass


@register_app.command("check")
def register_check(register: RegisterOption = None, overlay: OverlayOption = None, as_json: JsonOption = False) -> None:
    """Check every table and list every problem: file, row, column, what was found, what is allowed."""
    from isthmus.errors import RegisterError
    from isthmus.register.register import check, reference_root

    root = register or reference_root()
    try:
        counts, digest = check(root, overlay)
    except RegisterError as error:
        if as_json:
            print_json({"ok": False, "problems": [p.as_dict() for p in error.problems], "counts": None})
        raise typer.Exit(fail(error)) from None
    if as_json:
        print_json({"ok": True, "problems": [], "counts": counts, "hash": digest[:16]})
    else:
        print(f"No problems in {root}: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + f" ({digest[:16]})")


@register_app.command("show")
def register_show(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Name of a table, such as stocks or adoptions.")],
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="A", help="Rows in which this actor stands: id or name.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="As it stood at YYYY, YYYY-MM or YYYY-MM-DD.")] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="I", help="Rows of this item.")] = None,
    layer: Annotated[str | None, typer.Option("--layer", metavar="L", help="Rows of the items of this layer.")] = None,
    materiel: Annotated[
        str | None,
        typer.Option(
            "--materiel", metavar="M", help="Rows of this materiel; adoptions and items: of the standards and licences for it."
        ),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="How the observations of each quantity resolve, and what is discarded.")
    ] = False,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Rows of a table with their sources."""
    from isthmus.register.show import explain, find, frame_rows, ladder_order, with_sources

    loaded = load_register(register, overlay)
    view = loaded.at(at) if at else loaded
    frame = find(view, table, {"actor": actor, "item": item, "layer": layer, "materiel": materiel}, loaded)
    if why:
        rows, columns = explain(view, table, frame)
    else:
        frame = with_sources(view, frame)
        rows, columns = frame_rows(ladder_order(frame) if table == "adoptions" else frame)
    shown = columns if as_csv or as_json else [c for c in columns if c not in ("source_id", "item_name")]
    print_rows(rows, shown, as_json=as_json, as_csv=as_csv)
    if table == "adoptions" and actor and (item or materiel):
        _print_unanswered(loaded, view, frame, actor, item, materiel, at)


def _print_unanswered(
    loaded: Register, view: Register, frame: Any, actor: str, item: str | None, materiel: str | None, at: str | None
) -> None:
    """Unknown is not none: say on standard error which of the two it is for every item asked about that has no row."""
    from isthmus.register.coverage import applicable
    from isthmus.register.show import items_for, key_of

    who = key_of(loaded, "actor", actor)
    asked = [key_of(loaded, "item", item)] if item else items_for(loaded, key_of(loaded, "materiel", materiel or "") or "")
    names, since = (loaded.table("items").set_index("item_id")[c].to_dict() for c in ("name", "since"))
    exists, applies = set(view.table("items")["item_id"]), applicable(view)
    for one in asked:
        if one is None or one in set(frame["item_id"]):
            continue
        if one not in exists:
            answer = f"the item did not exist at {at}; it is since {since[one]}"
        elif (who, one) in applies:
            answer = "unknown: the item applies, and nobody has looked it up" + (f" for {at}" if at else "")
        elif item:
            answer = "the item does not apply to this actor"
        else:
            continue
        print(f"{who}, {one} ({names[one]}): {answer}", file=sys.stderr)


@register_app.command("coverage")
def register_coverage(
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="STUDY", help="Whose campaigns' inputs are counted; the reference study by default."),
    ] = None,
    by_actor: Annotated[bool, typer.Option("--by-actor", help="Also the cells of each layer, side and actor.")] = False,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """How much of each table, and of a study's inputs, rests on facts, estimates and assumptions, and what is unknown."""
    from isthmus.errors import StudyError
    from isthmus.interop.supply import SupplyBuilder
    from isthmus.register.coverage import coverage, of_inputs
    from isthmus.study.schema import Study

    loaded = load_register(register, overlay)
    rows = coverage(loaded, by_actor=by_actor)
    try:
        setting = Study.load(study or "reference").setting(loaded, campaign=True)
        bindings = SupplyBuilder(loaded, setting).build().bindings
        rows += of_inputs(((b.field, b.kind, b.evidence) for b in bindings), loaded)
    except StudyError:
        if study is not None:
            raise
        print("Inputs of campaigns are left out: the reference study names what this register does not hold.", file=sys.stderr)
    print_rows(rows, rows[0], as_json=as_json, as_csv=as_csv)


@register_app.command("sources")
def register_sources(
    unused: Annotated[bool, typer.Option("--unused", help="Only sources that no row cites.")] = False,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Every source, and how many rows cite it."""
    from isthmus.register.show import cited, frame_rows

    frame = cited(load_register(register, overlay))
    rows, columns = frame_rows(frame[frame["rows"] == 0] if unused else frame)
    print_rows(rows, columns, as_json=as_json, as_csv=as_csv)


@register_app.command("package")
def register_package(register: RegisterOption = None, as_json: JsonOption = False) -> None:
    """Write datapackage.json beside the tables, generated from the schemas."""
    from isthmus.register import package
    from isthmus.register.register import reference_root

    root = register or reference_root()
    if not root.is_dir():
        raise InputError([Problem(str(root), None, None, "no such folder", "a folder with the tables", "nowhere to write")])
    path = package.write(root)
    print_json({"path": str(path)}) if as_json else print(path)


@register_app.command("diff")
def register_diff(
    first: Annotated[str, typer.Argument(metavar="A", help="Folder of a register, or `reference`.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Folder of a register, or `reference`.")],
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """What changed from one register to another: rows added and removed, cells changed."""
    from isthmus.register.diff import diff_rows

    rows, names = diff_rows(first, second)
    print_rows(rows, names, as_json=as_json, as_csv=as_csv)


@register_app.command("cite")
def register_cite(
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="One table; the whole register by default.")] = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
) -> None:
    """How to cite the register or one of its tables."""
    from isthmus.register.cite import cite

    text = cite(load_register(register, overlay), table)
    print_json({"citation": text}) if as_json else print(text)


@register_app.command("contradictions")
def register_contradictions(
    register: RegisterOption = None, overlay: OverlayOption = None, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """Quantities on which published figures disagree, and what the rule made of them."""
    from isthmus.register.contradictions import contradiction_rows

    rows, names = contradiction_rows(load_register(register, overlay))
    print_rows(rows, names, as_json=as_json, as_csv=as_csv)


@register_app.command("audit")
def register_audit(
    register: RegisterOption = None, overlay: OverlayOption = None, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """Kinds of row that were looked for on one side only, or far more on one side."""
    from isthmus.register.audit import audit

    rows = audit(load_register(register, overlay))
    print_rows(rows, ("table", "kind", "allied", "rival", "ratio"), as_json=as_json, as_csv=as_csv)


# Public data sets, which Isthmus reads and does not contain

StoreOption = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="Where data sets are kept; the user's data folder by default.")
]


@data_app.command("list")
def data_list(store: StoreOption = None, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Data sets that Isthmus can read: publisher, terms, and whether a copy is in the store."""
    from isthmus.register import datastore
    from isthmus.register.importers import DATASETS

    folder = store or datastore.default_store()
    rows = [
        {"name": d.name, "title": d.title, "publisher": d.publisher, "terms": d.terms, "stored": (folder / d.name).is_dir()}
        for d in DATASETS.values()
    ]
    print_rows(rows, ("name", "title", "publisher", "terms", "stored"), as_json=as_json, as_csv=as_csv)


@data_app.command("add")
def data_add(name: str, file: Path, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check a file that you have and copy it into the store. For closed networks."""
    from isthmus.register import datastore

    path = datastore.add(name, file, store)
    print_json({"path": str(path)}) if as_json else print(path)


@data_app.command("get")
def data_get(
    name: str,
    url: Annotated[str | None, typer.Option("--url", help="Another address than the publisher's.")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", help="Checksum that the file must have.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Take a file that its publisher has changed: its checksum may differ.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a data set from its publisher into the store."""
    from isthmus.register import datastore

    path = datastore.get(name, store, url, sha256=sha256, changed=changed)
    print_json({"path": str(path)}) if as_json else print(path)


# Studies and runs

OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")]
FuturesOption = Annotated[
    int | None, typer.Option("--futures", metavar="N", min=1, help="Futures to draw, instead of the study's number.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="S", min=0, help="Seed of the design, instead of the study's.")]
StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships with Isthmus.")]
FrontFilter = Annotated[
    str | None, typer.Option("--front", help="Of this front; shares of worlds: this theater; stocks: this side.")
]
MissionFilter = Annotated[str | None, typer.Option("--mission", help="Of this mission; years to rebuild: this materiel.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]

DaysOption = Annotated[
    float, typer.Option("--days", metavar="N", min=1, help="Days that a stock should last at the stated need after the opening.")
]

ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the kernel; all processors by default.")]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", metavar="N", min=1, help="Compute in N processes of one thread each, instead.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", help="Compute on the workers of a Dask scheduler, such as tcp://127.0.0.1:8786."
    ),
]

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder with the public files; the store of isthmus data by default."),
]

REACH_FUTURES = 1024
NETWORK_DRAWS = 50
NETWORK_SEED = 20261
TARGET_DAYS = 30.0


@app.command()
def run(
    study: StudyArgument,
    out: OutOption = Path("out/run"),
    futures: FuturesOption = None,
    seed: SeedOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only say what would be run and about how long it takes.")] = False,
    threads: ThreadsOption = None,
    processes: ProcessesOption = None,
    scheduler: SchedulerOption = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a study: campaigns of every future in every ecosystem and war case. Ctrl-C leaves a run that can be resumed."""
    from isthmus.study import Study
    from isthmus.study.plan import make_plan
    from isthmus.study.runner import estimate, start

    workers = _workers(threads, processes, scheduler)
    plan = make_plan(Study.load(study), load_register(register, overlay), futures=futures, seed=seed)
    if plan_only:
        seconds, size = estimate(plan)
        document = {
            "run": str(out),
            "campaigns": plan.campaigns,
            "seconds_estimated": round(seconds, 1),
            "bytes_estimated": size,
        }
        shape = (
            f"{plan.study.futures:,} futures × {len(plan.study.ecosystems)} ecosystems × {len(plan.study.war_cases)} war cases"
        )
        text = f"{shape} = {plan.campaigns:,} campaigns, about {seconds:.0f} s on this machine and {size / 1e6:,.0f} MB."
        print_json(document) if as_json else print(text)
        return
    with _progress(plan.campaigns) as step:
        report = start(plan, out, step, scheduler=workers)
    _keep_marks(out, plan, quiet=as_json)
    _print_report(report.as_dict(), as_json=as_json)


def _workers(threads: int | None, processes: int | None, address: str | None) -> Scheduler:
    """Who computes. Raises InputError where more than one is asked for, or Dask and not installed."""
    from isthmus.study.schedulers import Processes, Threads

    given = {"--threads": threads, "--processes": processes, "--scheduler": address}
    named = [f"{name} {value}" for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise InputError([Problem("isthmus", None, None, " ".join(named), "one of the three", "who computes is asked for twice")])
    if address is not None:
        from isthmus.study.cluster import Cluster

        return Cluster(address)
    return Processes(processes) if processes else Threads(threads)


@app.command()
def resume(
    run: RunArgument,
    threads: ThreadsOption = None,
    processes: ProcessesOption = None,
    scheduler: SchedulerOption = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finish an interrupted run. It refuses where the register, version or kernel is not the one the run began with."""
    from isthmus.study import Study
    from isthmus.study.plan import make_plan
    from isthmus.study.runner import resume as finish
    from isthmus.study.store import RunFolder

    workers = _workers(threads, processes, scheduler)
    manifest = RunFolder(run).manifest()
    chosen = load_register(register, overlay) if register or overlay else None
    with _progress(
        manifest["study"]["futures"] * len(manifest["study"]["ecosystems"]) * len(manifest["study"]["war_cases"])
    ) as step:
        report = finish(run, chosen, step, scheduler=workers)
    if chosen is not None:
        _keep_marks(run, make_plan(Study.model_validate(manifest["study"]), chosen), quiet=as_json)
    _print_report(report.as_dict(), as_json=as_json)


def _keep_marks(run: Path, plan: Plan, *, quiet: bool) -> None:
    """Keep beside a run what rests on a private overlay, and say so."""
    from isthmus.report.overlay import marks, write_marks
    from isthmus.study.store import RunFolder

    write_marks(RunFolder(run), plan)
    found = marks(plan)
    if found is not None and not quiet:
        print(found.sentence())


@app.command()
def digest(run: RunArgument, as_json: JsonOption = False) -> None:
    """Hash over the values of a finished run: equal digests mean equal results."""
    from isthmus.study.store import RunFolder

    found = RunFolder(run).digest()
    print_json({"digest": found}) if as_json else print(found)


@app.command()
def reach(
    study: StudyArgument = "reference",
    futures: FuturesOption = REACH_FUTURES,
    days: DaysOption = TARGET_DAYS,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """What share of its coalition's stock and output each front could use, who supplies it, and how many days it lasts."""
    from isthmus.report.overlay import marks
    from isthmus.study import Study
    from isthmus.study.plan import make_plan
    from isthmus.study.static import reach_rows

    plan = make_plan(Study.load(study), load_register(register, overlay), futures=futures)
    rows = reach_rows(plan, days)
    marked = marks(plan)
    if marked is not None:
        theaters = {f.front: f.theater for f in plan.study.fronts}
        rows = [row | {"overlay": marked.place(theaters[row["front"]], row["mission"])} for row in rows]
    columns = (
        "ecosystem",
        "front",
        "mission",
        "tier",
        "reach",
        "reach_if_both_draw",
        "hub_share",
        "scale_ratio",
        "days_of_supply",
        "stock_required",
        "shortfall",
        *(("overlay",) if marked is not None else ()),
    )
    print_rows(rows, columns if not as_json else rows[0].keys(), as_json=as_json, as_csv=as_csv)
    if marked is not None and not as_json and not as_csv:
        print(marked.sentence("with overlay True"))


@app.command()
def tiers(
    study: StudyArgument = "reference",
    futures: FuturesOption = REACH_FUTURES,
    days: DaysOption = TARGET_DAYS,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Missions that are not simulated: how deep magazines are, and what each side holds, orders and builds."""
    from isthmus.study import Study
    from isthmus.study.plan import make_plan
    from isthmus.study.static import TIER_COLUMNS, tier_rows

    rows = tier_rows(make_plan(Study.load(study), load_register(register, overlay), futures=futures), days)
    if as_json or as_csv:
        print_rows(rows, TIER_COLUMNS, as_json=as_json, as_csv=as_csv)
        return
    for tier, left_out in (("magazine", {"use_high_by", "use_low_by", "ecosystem", "side", "tier"}), ("indicator", {"tier"})):
        shown = [row for row in rows if row["tier"] == tier]
        print_rows([_rounded(row) for row in shown], [c for c in TIER_COLUMNS if c not in left_out])
        for what in ("use_high", "use_low"):
            for rate, by in sorted({(row[what], row[f"{what}_by"]) for row in shown if row[what] is not None}):
                print(f"{what} {rate:.1f} a week: {by}")


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers to three digits, for reading."""
    return {k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()}


@app.command()
def dependence(
    study: StudyArgument = "reference",
    actors: Annotated[
        list[str] | None,
        typer.Option("--actor", metavar="A", help="Who stays out or is drawn in; hubs, and every ally, by default."),
    ] = None,
    ecosystem: Annotated[
        str | None, typer.Option("--ecosystem", help="One of the study's ecosystems; the first by default.")
    ] = None,
    futures: FuturesOption = REACH_FUTURES,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
) -> None:
    """What reach loses where the hub or an ally stays out or is drawn into the other war, and where two allies without the hub mend it."""
    from isthmus.interop.dependence import abandonment, entrapment, links
    from isthmus.study import Study
    from isthmus.study.plan import make_plan

    plan = make_plan(Study.load(study), load_register(register, overlay), futures=futures)
    rules = {e.name: e.rule() for e in plan.study.ecosystems}
    known = {p.actor_id for f in plan.wide.setting.fronts for p in f.participants}
    problems = [
        Problem("command line", None, name, value, ", ".join(sorted(allowed)), "nothing of this name in the study")
        for name, values, allowed in (
            ("--ecosystem", [ecosystem] if ecosystem else [], set(rules)),
            ("--actor", actors or [], known),
        )
        for value in values
        if value not in allowed
    ]
    if problems:
        raise InputError(problems)
    rule = rules[ecosystem or plan.study.ecosystems[0].name]
    draws = plan.design.draw(0, plan.study.futures)
    frames = {
        "abandonment": abandonment(plan.wide, rule, draws, actors or None),
        "entrapment": entrapment(plan.wide, rule, draws, actors or None),
        "links": links(plan.wide, rule, draws),
    }
    if as_json:
        print_json({name: _plain_rows(frame) for name, frame in frames.items()})
        return
    for name, frame in frames.items():
        print(f"{name}: " + _DEPENDENCE[name])
        print_rows(_plain_rows(frame), list(frame.columns))


_DEPENDENCE: Mapping[str, str] = {
    "abandonment": "reach of a front that is kept where one actor does not show up, as a share of the same world with everybody",
    "entrapment": "what a front loses of its reach at most when an ally's materiel goes to the other front of its side first",
    "links": "how much reach without the hub grows, and the hub's share falls, where an ally's own makes fit the front fully",
}


@app.command()
def results(
    run: RunArgument,
    ecosystem: Annotated[str | None, typer.Option("--ecosystem", help="Only this ecosystem.")] = None,
    war_case: Annotated[str | None, typer.Option("--war-case", help="Only this war case.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="Only this outcome.")] = None,
    front: FrontFilter = None,
    mission: MissionFilter = None,
    why: Annotated[
        str | None,
        typer.Option(
            "--why", metavar="OUTCOME", help="What this number rests on: inputs, kinds, sources, and what would flip it."
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Quantiles of every outcome of a run, and the share of worlds by outcome. `--json` and `--csv` for machines, else the scoreboard."""
    from isthmus.study.results import Results

    opened = Results.open(run)
    if why is not None:
        _print_audits(
            opened,
            outcome=why,
            ecosystem=ecosystem,
            war_case=war_case,
            front=front,
            mission=mission,
            as_json=as_json,
            as_csv=as_csv,
        )
        return
    if not as_json and not as_csv and not (ecosystem or war_case or outcome or front or mission):
        from isthmus.report.scoreboard import print_scoreboard

        print_scoreboard(opened)
        return
    rows = _chosen(opened.rows(), ecosystem=ecosystem, war_case=war_case, outcome=outcome, front=front, mission=mission)
    columns = ("ecosystem", "war_case", "front", "mission", "outcome", "low", "median", "high")
    print_rows(rows, columns, as_json=as_json, as_csv=as_csv)


def _print_audits(opened: Results, *, outcome: str, as_json: bool, as_csv: bool, **wanted: str | None) -> None:
    from isthmus.report.influence import print_audit
    from isthmus.study.audit import AUDIT_COLUMNS, audit_rows, why
    from isthmus.study.drivers import TOP
    from isthmus.study.runner import plan_of

    found = why(opened, plan_of(opened.manifest), TOP, outcome=outcome, **wanted)
    if as_json:
        print_json(found)
    elif as_csv:
        print_rows(audit_rows(found), AUDIT_COLUMNS, as_csv=True)
    else:
        for one in found:
            print_audit(one)


@app.command()
def drivers(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or experiments of the EMA Workbench (tar.gz).")],
    outcome: Annotated[
        str | None, typer.Option("--outcome", help="This outcome, as isthmus results names it; the headlines by default.")
    ] = None,
    ecosystem: Annotated[str | None, typer.Option("--ecosystem", help="In this ecosystem; the study's first by default.")] = None,
    war_case: Annotated[str | None, typer.Option("--war-case", help="In this war case; the hardest by default.")] = None,
    front: FrontFilter = None,
    mission: MissionFilter = None,
    at: Annotated[
        float | None,
        typer.Option("--at", metavar="V", help="Level of the statement that an input may flip; by default that of the headline."),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Inputs shown for each outcome.")] = 10,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Run the study again with each input fixed, to bear out where the statement flips.")
    ] = False,
    groups: Annotated[bool, typer.Option("--groups", help="Fields of inputs together, weak inputs included.")] = False,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="In which worlds the statement fails: ranges of a few inputs that hold most of them.")
    ] = False,
    ema: Annotated[
        Path | None, typer.Option("--ema", metavar="FILE", help="Write experiments and outcomes for the EMA Workbench (tar.gz).")
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Which inputs move an outcome, at which value the statement about it flips, and which missing fact is worth finding."""
    views = {"--groups": groups, "--boxes": boxes, "--ema": ema is not None}
    if sum(views.values()) > 1:
        both = " and ".join(name for name, asked in views.items() if asked)
        raise InputError([Problem("command line", None, None, both, " or ".join(views), "one view at a time")])
    if run.is_file():
        names = {"--ecosystem": ecosystem, "--war-case": war_case, "--front": front, "--mission": mission}
        asked = {**names, "--confirm": confirm or None, "--groups": groups or None, "--ema": ema}
        _explain_experiments(run, [k for k, v in asked.items() if v is not None], outcome, at, top, boxes, as_json, as_csv)
        return
    from isthmus.report.influence import print_boxes, print_drivers, print_groups
    from isthmus.study.breakeven import confirmed, reruns_of
    from isthmus.study.discovery import BOX_COLUMNS, discover, limit_rows
    from isthmus.study.drivers import DRIVER_COLUMNS, GROUP_COLUMNS, Analysis, analyse, require_futures
    from isthmus.study.exchange_ema import write_ema
    from isthmus.study.results import Results
    from isthmus.study.targets import targets

    opened = Results.open(run)
    chosen = targets(opened, outcome=outcome, ecosystem=ecosystem, war_case=war_case, front=front, mission=mission)
    if ema is not None:
        written = write_ema(opened, ema, chosen)
        text = "{experiments:,} experiments, {inputs} inputs, {outcomes} outcomes: {path}".format(**written)
        print_json(written) if as_json else print(text)
        return
    require_futures(opened)
    analysis = Analysis.of(opened, chosen, at)
    judged = analyse(analysis)
    if confirm:
        reruns = reruns_of(analysis.plan, str(run))
        with _progress(1) as step:
            judged = confirmed(reruns, judged, top, step)
    if groups:
        rows = [row for j in judged for row in analysis.groups(j)]
        if as_json or as_csv:
            print_rows(rows, GROUP_COLUMNS, as_json=as_json, as_csv=as_csv)
        else:
            print_groups(rows)
    elif boxes:
        found = [discover(analysis, j) for j in judged]
        if as_json or as_csv:
            print_rows(found if as_json else limit_rows(found), BOX_COLUMNS, as_json=as_json, as_csv=as_csv)
        else:
            print_boxes(found)
    elif as_json or as_csv:
        rows = [d.as_dict() for j in judged for d in j.drivers[:top]]
        print_rows(rows, DRIVER_COLUMNS, as_json=as_json, as_csv=as_csv)
    else:
        print_drivers(analysis, judged, top)


def _explain_experiments(
    path: Path,
    refused: Sequence[str],
    outcome: str | None,
    at: float | None,
    top: int,
    boxes: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Drivers, and boxes below a level, of experiments that another model left in the format of the EMA Workbench."""
    from isthmus.study.discovery import limit_rows
    from isthmus.study.exchange_ema import EXPERIMENT_BOX_COLUMNS, EXPERIMENT_COLUMNS, explain, read_ema

    problems = [
        Problem("command line", None, None, name, "the folder of a run", "experiments have no such thing") for name in refused
    ]
    if boxes and at is None:
        problems.append(Problem("command line", None, None, "--boxes", "--boxes with --at V", "a box needs a level"))
    if problems:
        raise InputError(problems)
    found = [{**one, "drivers": one["drivers"][:top]} for one in explain(read_ema(path), outcome, at)]
    if as_json:
        print_json(found)
    elif boxes:
        print_rows(limit_rows(found), EXPERIMENT_BOX_COLUMNS, as_csv=as_csv)
        for one in found:
            if one["why"]:
                print(f"{one['outcome']}: {one['why']}", file=sys.stderr)
    else:
        print_rows([d for one in found for d in one["drivers"]], EXPERIMENT_COLUMNS, as_csv=as_csv)
        for one in found:
            if not one["drivers"]:
                print(f"{one['outcome']}: {one['why'] or 'no input stands out of chance'}", file=sys.stderr)


@app.command()
def compare(first: RunArgument, second: RunArgument, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Paired differences, second run minus first, future by future."""
    from isthmus.study.results import Results
    from isthmus.study.results import compare as differences

    frame = differences(Results.open(first), Results.open(second))
    print_rows(frame.to_dict("records"), list(frame.columns), as_json=as_json, as_csv=as_csv)


@app.command()
def layers(run: RunArgument, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """What each of the six layers is worth, alone and as its Shapley share, and the parity check of the two sides."""
    from isthmus.study.results import Results

    opened = Results.open(run)
    shares, parity = opened.layers, opened.parity
    if shares is None or parity is None:
        found = f"{len(opened.study['ecosystems'])} ecosystem(s)"
        problem = Problem(
            str(run), None, "ecosystems", found, "two or more, run with isthmus run", "the run did not ask what layers are worth"
        )
        raise InputError([problem])
    if as_json:
        print_json({"shares": _plain_rows(shares), "parity": _plain_rows(parity)})
        return
    print_rows(_plain_rows(shares), list(shares.columns), as_csv=as_csv)
    if not as_csv:
        print_rows(_plain_rows(parity), list(parity.columns))


@app.command()
def excursions(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Excursion files, or names of shipped ones; all of these by default."),
    ] = None,
    study: Annotated[str, typer.Option("--study", metavar="STUDY", help="The base that they are compared with.")] = "reference",
    out: OutOption = Path("out/excursions"),
    futures: FuturesOption = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Named cases side by side: an ally stays out, lift halved, a line a year late; paired differences from the base."""
    from isthmus.report.scoreboard import print_excursions
    from isthmus.study import Study
    from isthmus.study.excursions import EXCURSION_FUTURES, chosen, run_excursions, write_scorecard

    files = chosen(names or [])
    loaded = load_register(register, overlay)
    with _progress(1) as step:
        frame = run_excursions(study, files, loaded, out, futures or EXCURSION_FUTURES, step)
    write_scorecard(frame, Study.load(study), loaded, futures or EXCURSION_FUTURES, out)
    if as_json or as_csv:
        print_rows(_plain_rows(frame), list(frame.columns), as_json=as_json, as_csv=as_csv)
    else:
        print_excursions(frame, Study.load(study))


@app.command()
def validate(
    observations: Annotated[
        Path | None,
        typer.Option(
            "--observations", metavar="FILE", help="Later rows of a hindcast or of the natural experiments: scored, never fitted."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Last day of the hindcasts, YYYY-MM-DD or YYYY-MM.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder of public data sets (ICB, NMC, ATOP): margins against past crises."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write cases, series and tables as JSON, for isthmus report.")
    ] = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Hold the model against closed forms, published cases, the war in Ukraine and trivial rivals. Failures are printed as failures."""
    from dataclasses import asdict

    from isthmus.report.validation import print_validation
    from isthmus.validation.suite import document, write_document
    from isthmus.validation.suite import validate as run_cases

    loaded = load_register(register, overlay)
    last = _last_day(until)
    found = run_cases(loaded, observations, last, data, lambda name: print(f"{name} …", file=sys.stderr))
    whole = document(found, loaded)
    if out is not None:
        write_document(whole, out)
    if as_json or as_csv:
        rows = whole["cases"]
        print_rows(
            rows,
            [c for c in asdict(found.cases[0]) if not as_csv or c not in ("rivals", "sources")],
            as_json=as_json,
            as_csv=as_csv,
        )
    else:
        print_validation(whole)


def _last_day(text: str | None) -> Any:
    """A date of the command line as its last day; InputError for what is none."""
    from calendar import monthrange
    from datetime import date

    if text is None:
        return None
    try:
        if len(text) == len("2026-06"):
            year, month = int(text[:4]), int(text[5:])
            return date(year, month, monthrange(year, month)[1])
        return date.fromisoformat(text)
    except ValueError:
        raise InputError([Problem("command line", None, "--until", text, "YYYY-MM-DD or YYYY-MM", "not a date")]) from None


def _plain_rows(frame: Any) -> list[dict[str, Any]]:
    """Rows of a frame, with None where a number is missing."""
    return [{str(k): None if isinstance(v, float) and v != v else v for k, v in row.items()} for row in frame.to_dict("records")]


@app.command()
def awareness(
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="As it stood at YYYY, YYYY-MM or YYYY-MM-DD.")] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder with the files of the sets pla and missiles, for daily counts."),
    ] = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Flows among the rivals, pressure and readiness, exercises, and whether words became deeds."""
    from isthmus.awareness.summary import summary
    from isthmus.awareness.survey import LONG_COLUMNS, long_rows, survey

    found = survey(load_register(register, overlay), at, data)
    if as_json:
        print_json(found.document())
        return
    if as_csv:
        print_rows(long_rows(found), LONG_COLUMNS, as_csv=True)
        return
    for table in summary(found):
        print(table.title)
        print_rows(table.rows, table.rows[0])
        print("\n".join((*table.notes, "")))


@app.command()
def network(
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="As it stood at YYYY, YYYY-MM or YYYY-MM-DD.")] = None,
    side: Annotated[str | None, typer.Option("--side", metavar="S", help="Only this side.")] = None,
    layer: Annotated[
        str, typer.Option("--layer", metavar="L", help="Layer of ties; `all`, or `common`: those on which every side has one.")
    ] = "all",
    weighting: Annotated[
        str, typer.Option("--weighting", metavar="W", help="treaty: one agreement is one observation; pair: every pair counts 1.")
    ] = "treaty",
    since: Annotated[
        list[str] | None, typer.Option("--since", metavar="DATE", help="Also as it stood then; may be given again.")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", metavar="N", min=0, help="Networks of the null model.")] = NETWORK_DRAWS,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", min=0, help="Seed of the null model and of communities.")
    ] = NETWORK_SEED,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Folder with the files of the sets sipri and cow: arms deliveries, capabilities."
        ),
    ] = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Both alignments as networks: hub against interlocking, what each side keeps without its hub, who depends on whom."""
    from isthmus.interop.network_survey import LONG_COLUMNS, long_rows, survey, tables

    loaded = load_register(register, overlay)
    found = survey(
        loaded, at, side=side, layer=layer, weighting=weighting, draws=draws, seed=seed, data=data, since=tuple(since or ())
    )
    if as_json:
        print_json(found.document())
        return
    if as_csv:
        print_rows(long_rows(found), LONG_COLUMNS, as_csv=True)
        return
    for table in tables(found):
        print(table.title)
        print_rows(table.rows, dict.fromkeys(column for row in table.rows for column in row))
        print("\n".join((*table.notes, "")))


@app.command()
def alignment(
    data: DataOption = None,
    first: Annotated[int | None, typer.Option("--from", metavar="YEAR", help="First year.")] = None,
    last: Annotated[int | None, typer.Option("--to", metavar="YEAR", help="Last year.")] = None,
    sides: Annotated[
        bool, typer.Option("--sides", help="Whether the two sides consolidate: spread, distance, changes since 2014 and 2022.")
    ] = False,
    published: Annotated[
        bool, typer.Option("--published", help="The publishers' ideal points instead of those estimated from the roll calls.")
    ] = False,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Ideal points of states from votes in the General Assembly, and how far apart the two sides are."""
    from isthmus.interop import alignment as votes
    from isthmus.register.datastore import default_store
    from isthmus.register.importers import un

    folder = data or default_store()
    place = votes.find_points(folder) if published else votes.find_votes(folder)
    if published:
        frame = un.read_ideal_points(place)
        rows = [] if sides else votes.published_rows(frame, first, last)
    else:
        fit = votes.estimate(un.read_votes(place))
        rows = [] if sides else votes.point_rows(fit, first, last)
    if not sides:
        print_rows(rows, votes.POINT_COLUMNS, as_json=as_json, as_csv=as_csv)
        return
    chosen = votes.Sides.of(load_register(register, overlay))
    if published:
        rows = votes.side_rows(votes.published_draws(frame, chosen.actors), chosen)
    else:
        rows = votes.voted_side_rows(fit, place, chosen, first or votes.FIRST_OF_SIDES)
    rows = [r for r in rows if r["year"] is None or (first or r["year"]) <= r["year"] <= (last or r["year"])]
    print_rows(rows, votes.SIDE_COLUMNS, as_json=as_json, as_csv=as_csv)


@app.command()
def durability(
    data: DataOption = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """How long alliances last and how they end, by power, era, kind; pacts of today; how reliable pacts proved in war."""
    from isthmus.interop import durability as pacts
    from isthmus.register.datastore import default_store

    sets = pacts.read_sets(data or default_store())
    rows = pacts.durability_rows(sets, load_register(register, overlay))
    if sets.capabilities is None:
        print("No National Material Capabilities in the folder: changes of capability are left out.", file=sys.stderr)
    shown = pacts.COLUMNS if as_json or as_csv else [c for c in pacts.COLUMNS if c != "note"]
    print_rows(rows, shown, as_json=as_json, as_csv=as_csv)
    if not as_json and not as_csv:
        print(f"Pacts: {pacts.WARNING}.\nReliability: {pacts.SELECTION}.")


@app.command()
def deter(
    run: RunArgument,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="OTHER",
            help="What a study or excursion changes, changed here and run again; or another run of the same futures; may be given again.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="ACTOR",
            help="Run again with an actor that neither fights nor gives; may be given again; `each`: every ally in turn.",
        ),
    ] = None,
    split: Annotated[
        list[float] | None,
        typer.Option(
            "--split",
            metavar="SHARE",
            help="Run again with this share of the hub's stocks kept for the first theater, the rest for the second; may be given again.",
        ),
    ] = None,
    restore: Annotated[
        list[float] | None,
        typer.Option(
            "--restore",
            metavar="SIZE",
            help="Rank allied efforts of a size (0.5: half as much again) by what they bring back of each fall; may be given again.",
        ),
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="Fix the leading inputs, run again, and say at which values a margin turns its sign."),
    ] = False,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """By how much aggression fails to pay, and what a first war does to a second challenger: over a grid, never a probability of war."""
    from isthmus.deterrence.summary import LONG_COLUMNS, long_rows, tables
    from isthmus.study import absences, deterring, turning
    from isthmus.study.results import Results

    def told(done: int, total: int) -> None:
        print(f"run again: {done} of {total}", file=sys.stderr)

    opened = Results.open(run)
    loaded = load_register(register, overlay) if register or overlay else None
    base = deterring.from_run(opened, loaded)
    lost, mended = absences.run_again(
        opened, base, against=against or (), without=without or (), split=split or (), restore=restore or (), step=told
    )
    found = {**deterring.document(opened, loaded), "absences": lost, "restorations": mended}
    if confirm:
        found["attribution"]["inputs_run_again"] = turning.run_again(opened, base, told)
    if as_json:
        print_json(found)
    elif as_csv:
        print_rows(list(long_rows(found)), LONG_COLUMNS, as_csv=True)
    else:
        for table in tables(found):
            print(table.title)
            print_rows(table.rows, table.rows[0])
            print("\n".join((*table.notes, "")))


@app.command("deter-score")
def deter_score(
    cases: Annotated[
        Path | None, typer.Option("--cases", metavar="FILE", help="Dispute cases: the dispute form, or the war1800 form.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with NMC and ATOP, and with ICB, MID or GML, instead.")
    ] = None,
    outcome: Annotated[str, typer.Option("--outcome", metavar="O", help="What is ordered: attacked, or war.")] = "attacked",
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Whether margins order historical cases better than a bare capability ratio; says so where they add nothing."""
    from isthmus.validation.falsifier import TEXT_COLUMNS, lines_of, score_rows

    rows = score_rows(load_register(register, overlay), cases, data, outcome)
    if as_json:
        print_json(rows[0] if cases is not None and data is None else rows)
        return
    left_out = {"auc_over_capability", "auc_over_logit", "eras", "columns", "notes"}
    print_rows(rows, [c for c in rows[0] if c not in left_out] if as_csv else TEXT_COLUMNS, as_csv=as_csv)
    if not as_csv:
        for row in rows:
            print("\n".join(("", f"{row['set']}: {row['verdict']}.", *lines_of(row), *row["notes"])))


@app.command()
def report(
    run: RunArgument,
    out: OutOption = Path("out/report"),
    validation: Annotated[
        Path | None,
        typer.Option("--validation", metavar="FILE", help="What isthmus validate --out wrote; that which ships by default."),
    ] = None,
    excursions: Annotated[
        Path | None,
        typer.Option("--excursions", metavar="DIR", help="What isthmus excursions --out wrote: its folder or scorecard."),
    ] = None,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a run: one self-contained HTML file with figures, validation, sources and assumptions."""
    from isthmus.report.html import write_report
    from isthmus.study.excursions import read_scorecard
    from isthmus.study.results import Results

    paths = write_report(
        Results.open(run),
        out,
        validation=_validation(validation),
        excursions=read_scorecard(excursions) if excursions else None,
        register=load_register(register, overlay) if register or overlay else None,
    )
    print_json({"paths": [str(p) for p in paths]}) if as_json else print("\n".join(str(p) for p in paths))


def _validation(path: Path | None = None) -> dict[str, Any] | None:
    """The validation of a file, else the one that ships. Raises InputError where a file is named that is none."""
    from isthmus.validation.suite import read_document

    found = read_document(path)
    if found is None and path is not None:
        raise InputError(
            [Problem(str(path), None, None, "no such file", "a file written by isthmus validate --out", "nothing to read")]
        )
    return found


@app.command()
def demo(out: OutOption = Path("out/reference")) -> None:
    """Run the reference study, print the scoreboard, write the report. Run again, it goes on from what is there."""
    from isthmus.report.html import write_report
    from isthmus.report.scoreboard import print_scoreboard
    from isthmus.study import Study
    from isthmus.study.plan import make_plan
    from isthmus.study.results import Results
    from isthmus.study.runner import run_id, start

    plan = make_plan(Study.load("reference"), load_register(None))
    folder = out / run_id(plan)
    with _progress(plan.campaigns) as step:
        done = start(plan, folder, step)
    opened = Results.open(folder)
    print_scoreboard(opened, seconds=done.seconds, plan=plan)
    paths = write_report(opened, out / "report", validation=_validation())
    print(f"\nReport: {paths[0]}  (open it in a browser)")
    print(f"Run:    {folder}")
    print(
        "Next:   .venv/bin/isthmus results RUN --json · .venv/bin/isthmus reach · .venv/bin/isthmus register show stocks --actor JPN"
    )
    print("        copy data/studies/reference.yaml, change it, and run it: .venv/bin/isthmus run my.yaml --out out/my")


def _chosen(rows: Sequence[Mapping[str, Any]], **wanted: str | None) -> list[Mapping[str, Any]]:
    """Rows that match every value given. Raises InputError for a value that no row has."""
    problems = []
    for column, value in wanted.items():
        allowed = sorted({str(r[column]) for r in rows})
        if value is not None and value not in allowed:
            problems.append(Problem("command line", None, column, value, ", ".join(allowed), "nothing of this name in the run"))
    if problems:
        raise InputError(problems)
    return [r for r in rows if all(v is None or r[c] == v for c, v in wanted.items())]


def _print_report(document: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        rate = (
            f"{document['campaigns_per_second']:,.0f} campaigns/s"
            if document["campaigns_per_second"]
            else "nothing left to compute"
        )
        print(
            f"{document['campaigns']:,} campaigns in {document['seconds']:.1f} s ({rate}), digest {document['digest'][:16]}, in {document['run']}"
        )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error where that is a terminal, else a line now and then, for the log of a long run."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from isthmus.study.runner import Pace

    console, pace = Console(stderr=True), Pace()
    if not console.is_terminal:
        yield _log_progress(pace)
        return
    with Progress(
        TextColumn("campaigns"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("campaigns", total=total, left="")

        def show(done: int, total: int) -> None:
            pace.report(done, total)
            bar.update(task, completed=done, total=total, left=_time_left(pace))

        yield show


LOG_SECONDS = 60.0
"""Time between two lines of progress in a log."""


def _log_progress(pace: Pace) -> Callable[[int, int], None]:
    """Lines that say how far a run is; a run that is done before the first one is due says nothing."""
    import time

    said = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal said
        pace.report(done, total)
        if time.monotonic() - said >= LOG_SECONDS:
            said = time.monotonic()
            print(
                f"{done:,} of {total:,} campaigns, {pace.rate or 0:,.0f} a second, {_time_left(pace)}",
                file=sys.stderr,
                flush=True,
            )

    return show


def _time_left(pace: Pace) -> str:
    seconds = pace.seconds_left
    if seconds is None:
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{seconds:.0f} s left" if seconds < 90 else f"{hours} h {minutes:02d} min left" if hours else f"{minutes} min left"


if __name__ == "__main__":
    main()
