"""What an import costs: `import isthmus` reads no file and loads nothing heavy; light commands compile nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ARRAYS = ("numpy", "pandas", "numba", "scipy", "pyarrow", "matplotlib")
COMPILERS = ("numba", "llvmlite", "isthmus.sustainment.kernel")

READS = """
import sys
opened = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])
sys.addaudithook(hook)
import isthmus
import json
print(json.dumps({"modules": list(sys.modules), "opened": [p for p in opened if not p.endswith((".py", ".pyc"))]}))
"""


def python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code, *words], capture_output=True, text=True, check=False)


def test_importing_the_package_reads_no_file_and_prints_nothing() -> None:
    done = python(READS)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert [p for p in found["opened"] if "site-packages" not in p] == []
    assert not set(ARRAYS) & set(found["modules"])


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"], ["register", "check"], ["register", "--help"]])
def test_light_commands_compile_nothing(words: list[str]) -> None:
    code = (
        "import sys\nfrom isthmus import cli\ntry:\n    cli.main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"loaded = [m for m in {COMPILERS!r} if m in sys.modules]\nassert not loaded, loaded"
    )
    done = python(code, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_reading_the_register_compiles_nothing() -> None:
    done = python(
        "import sys\nfrom isthmus import Register\nRegister.reference().table('stocks')\n"
        f"loaded = [m for m in {COMPILERS!r} if m in sys.modules]\nassert not loaded, loaded"
    )
    assert done.returncode == 0, done.stderr


def test_the_module_runs_as_a_program() -> None:
    """`python -m isthmus.cli` knows every command that `isthmus` knows."""
    done = subprocess.run([sys.executable, "-m", "isthmus.cli", "run", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "STUDY" in done.stdout
