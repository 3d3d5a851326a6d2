"""The command line. Every command imports what it needs when it runs, so that `isthmus --help` stays quick.

Exit codes: 0 done; 2 bad input, with every problem listed; 3 interrupted and resumable; 1 anything else. With `--json` a command
prints exactly one JSON document on standard output, an error included: `{"ok": false, "problems": [...]}`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.errors import InputError, Interrupted, IsthmusError, Problem

if TYPE_CHECKING:
    from isthmus.register import Register

app = typer.Typer(
    name="isthmus",
    help="How much scale could a front of an alliance system draw on, and for how long?",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
register_app = typer.Typer(help="Check and read the register of sourced facts.", no_args_is_help=True)
app.add_typer(register_app, name="register")

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
    materiel: Annotated[str | None, typer.Option("--materiel", metavar="M", help="Rows of this materiel.")] = None,
    why: Annotated[
        bool, typer.Option("--why", help="How the observations of each quantity resolve, and what is discarded.")
    ] = False,
    register: RegisterOption = None,
    overlay: OverlayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Rows of a table with their sources."""
    from isthmus.register.show import explain, find, frame_rows, with_sources

    loaded = load_register(register, overlay)
    view = loaded.at(at) if at else loaded
    frame = find(view, table, {"actor": actor, "item": item, "layer": layer, "materiel": materiel})
    if why:
        rows, columns = explain(view, table, frame)
    else:
        rows, columns = frame_rows(with_sources(view, frame))
    shown = columns if as_csv or as_json else [c for c in columns if c not in ("source_id", "item_name")]
    print_rows(rows, shown, as_json=as_json, as_csv=as_csv)


@register_app.command("coverage")
def register_coverage(
    register: RegisterOption = None, overlay: OverlayOption = None, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """How much of each table rests on facts, on estimates, on assumptions, and what is unknown."""
    from isthmus.register.coverage import coverage

    rows = coverage(load_register(register, overlay))
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


if __name__ == "__main__":
    main()
