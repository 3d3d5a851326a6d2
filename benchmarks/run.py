"""`python -m benchmarks.run`: speed, memory, growth of cost, games and the whole path, printed and written to a file."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import games, linear, memory, path, speed
from benchmarks.rows import ROOT, Row, machine, show, wide_console, write

OUT: Final = ROOT / "benchmarks" / "out"

Part = Callable[[Console, bool], list[Row]]
PARTS: Final[dict[str, Part]] = {
    "speed": lambda console, quick: speed.measure(console, quick=quick),
    "memory": lambda console, quick: memory.measure(console, quick=quick),
    "linear": lambda console, quick: linear.measure(console, quick=quick),
    "games": lambda _, quick: games.measure(quick=quick),
    "path": lambda _, quick: [] if quick else path.measure(),
}
"""What is measured, in this order; each part alone writes its own rows."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute; numbers to look at, not to quote")
    parser.add_argument("--only", choices=PARTS, help="one part; the rows of the others stay in the file")
    parser.add_argument("--out", type=Path, help="where the JSON goes (default: bench.json, or quick.json, in benchmarks/out)")
    arguments = parser.parse_args()
    out = arguments.out or OUT / ("quick.json" if arguments.quick else "bench.json")
    console = wide_console()
    began = time.perf_counter()
    for name in [arguments.only] if arguments.only else PARTS:
        started = time.perf_counter()
        rows = PARTS[name](console, arguments.quick)
        write(out, name, rows)
        shown = [row for row in rows if not row.name.startswith("linear_")]  # these have a table of their own
        if shown:
            show(shown, console, f"Isthmus benchmark: {name}, {time.perf_counter() - started:.0f} s")
    console.print(machine(), markup=False)
    console.print(f"{time.perf_counter() - began:.0f} s; wrote {out}", markup=False)


if __name__ == "__main__":
    main()
