"""One error tree: every failure that a user can cause or mend has a leaf here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with an input: where, what was found, what is allowed."""

    file: str
    row: int | None
    column: str | None
    found: str
    allowed: str
    message: str

    def as_dict(self) -> dict[str, str | int | None]:
        return asdict(self)

    def __str__(self) -> str:
        where = (
            self.file + (f", row {self.row}" if self.row is not None else "") + (f", column {self.column}" if self.column else "")
        )
        return f"{where}: {self.message} (found {self.found}; allowed: {self.allowed})"


class IsthmusError(Exception):
    """Root of every error that Isthmus raises on purpose. `exit_code` is what the command line returns."""

    exit_code = 1


class InputError(IsthmusError):
    """Bad input. Carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.file, p.row or 0, p.column or "", p.message))
        super().__init__("\n".join(str(p) for p in self.problems))


class RegisterError(InputError):
    """The register breaks its schema or points to something that is not there."""


class StudyError(InputError):
    """The study file breaks its schema or asks for something that the register does not hold."""


class RunError(InputError):
    """A run folder cannot be read, or cannot be resumed with this version, register or kernel."""


class Interrupted(IsthmusError):
    """The run was stopped by the user and can be resumed."""

    exit_code = 3
