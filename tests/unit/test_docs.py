"""The documents against the program: commands parse, links resolve, the tutorial runs, schemas are described in full."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from isthmus.cli import app
from isthmus.register.records import TABLES
from isthmus.study import schema
from isthmus.study.results import OUTCOME_CODES
from isthmus.study.static import MEASURES
from isthmus.sustainment.kernel import PER_DUEL, PER_FRONT

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))])
FEWER_FUTURES = "--futures 128"
"""What the tests run in place of the futures that the tutorial prints."""

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
MARKED = re.compile(r"<!-- test -->\n```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
BEFORE = re.compile(r"^(?:\$ |uv run |\S*/bin/)?(?=isthmus(?:\s|$))")
ROOT_COMMAND: Any = typer.main.get_command(app)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def command_lines(page: Path) -> Iterator[str]:
    """Every `isthmus …` of a page, in fenced blocks and between backticks."""
    whole = text(page)
    for _, _, block in FENCE.findall(whole):
        for line in block.splitlines():
            if BEFORE.match(line.strip()):
                yield BEFORE.sub("", re.split(r"\s+[#|>]\s*", line.strip())[0])
    for inline in re.findall(r"`([^`\n]+)`", FENCE.sub("", whole)):
        if BEFORE.match(inline.strip()):
            yield BEFORE.sub("", inline.strip())


def find_command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words left over."""
    command = ROOT_COMMAND
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"no command {words[0]!r}; there are {', '.join(command.commands)}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def options_of(command: Any) -> set[str]:
    return {name for p in command.params for name in p.opts if name.startswith("-")} | {"--help"}


LINES = sorted({(page, line) for page in PAGES for line in command_lines(page) if not {"…", "COMMAND"} & set(line.split())})


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{p.name}: {line}" for p, line in LINES])
def test_every_command_line_parses(page: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    command, rest = find_command([w.strip("[]") for w in words])
    for word in rest:
        if word.startswith("--"):
            assert word.split("=")[0] in options_of(command), f"{command.name} has no option {word}"
    if "[" in line or hasattr(command, "commands") or not rest:
        return
    placeholders = {"N": "1", "S": "1"}
    given = [placeholders.get(word, word) for word in rest]
    if not {"--help", "--version"} & set(given) and not (len(given) == 1 and given[0].startswith("--")):
        command.make_context(command.name, given, resilient_parsing=False)


def test_the_documents_name_commands_at_all() -> None:
    assert len(LINES) > 40
    assert len({line.split()[1] for _, line in LINES if len(line.split()) > 1} & set(ROOT_COMMAND.commands)) == len(
        ROOT_COMMAND.commands
    )


def commands(command: Any = ROOT_COMMAND, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from commands(inner, (*path, name))
        else:
            yield " ".join((*path, name)), inner


def test_every_command_and_option_is_documented() -> None:
    whole = text(DOCS / "reference" / "commands.md")
    sections = {
        re.split(r"\s+\[?[A-Z]", title.strip().strip("`").removeprefix("isthmus "))[0]: body
        for title, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", whole, re.MULTILINE | re.DOTALL)
    }
    for name, command in commands():
        assert name in sections, f"commands.md has no section for isthmus {name}"
        for option in options_of(command) - {"--help"}:
            assert f"`{option}" in sections[name], f"commands.md does not name {option} of isthmus {name}"


def slug(heading: str) -> str:
    """Anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_internal_link_resolves(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text(page))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.exists(), f"{page.name} links to {target}: no such file"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text(place)), re.MULTILINE)
            assert anchor in {slug(h) for h in headings}, f"{page.name} links to {target}: no such heading"


def test_every_page_is_in_the_index() -> None:
    linked = {(DOCS / t.split("#")[0]).resolve() for t in re.findall(r"\]\(([^)\s]+)\)", text(DOCS / "index.md"))}
    assert {p for p in DOCS.rglob("*.md") if p.name != "index.md"} <= linked


def study_models() -> list[type[BaseModel]]:
    return [m for m in vars(schema).values() if isinstance(m, type) and issubclass(m, schema._Strict) and m is not schema._Strict]


@pytest.mark.parametrize("model", study_models(), ids=lambda m: m.__name__)
def test_every_key_of_a_study_is_documented(model: type[BaseModel]) -> None:
    page = text(DOCS / "reference" / "study.md")
    for name, field in model.model_fields.items():
        assert f"\n| `{field.alias or name}` |" in page, f"study.md has no row for {field.alias or name} of {model.__name__}"


def test_the_study_in_the_reference_is_one(tmp_path: Path) -> None:
    blocks = re.findall(r"<!-- study -->\n```yaml\n(.*?)^```", text(DOCS / "reference" / "study.md"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    path = tmp_path / "gun_duel.yaml"
    path.write_text(blocks[0], encoding="utf-8")
    done = subprocess.run([isthmus(), "run", str(path), "--plan", "--futures", "128"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_table_of_the_register_is_documented() -> None:
    page = text(DOCS / "reference" / "register.md")
    for model in TABLES:
        assert f"\n### {model.table}\n" in page, f"register.md has no table {model.table}"


def test_every_outcome_and_measure_is_documented() -> None:
    page = text(DOCS / "reference" / "results.md")
    names = [*PER_FRONT, *MEASURES, *(f"share_{name}" for name in OUTCOME_CODES.values()), "years_to_rebuild"]
    for name in names:
        assert f"`{name}`" in page, f"results.md does not name {name}"
    for name in (*PER_DUEL, "mass_balance_residual"):
        assert name in page


def test_the_readme_has_a_place_for_the_scoreboard() -> None:
    assert re.search(r"<!-- scoreboard -->\n```\n.+?\n```\n<!-- /scoreboard -->", text(ROOT / "README.md"), re.DOTALL)


def isthmus() -> str:
    beside = Path(sys.executable).parent / "isthmus"
    return str(beside) if beside.exists() else str(shutil.which("isthmus"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="the tutorial is written for bash")
def test_the_tutorial_runs_as_printed(tmp_path: Path) -> None:
    blocks = MARKED.findall(text(DOCS / "tutorial.md"))
    assert len(blocks) > 8
    (tmp_path / "data").symlink_to(ROOT / "data", target_is_directory=True)
    environment = {**os.environ, "PATH": f"{Path(isthmus()).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks:
        script = re.sub(r"--futures \d+", FEWER_FUTURES, block).replace("--plan", f"--plan {FEWER_FUTURES}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        if not block.startswith("cp "):
            assert done.stdout.strip() or "difference.csv" in block, f"prints nothing:\n{block}"
