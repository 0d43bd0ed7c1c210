"""What the package says about input it cannot accept: diagnostics with stable codes, and the errors that carry them.

Everything a user can type or put in a file ends here, never in a bare exception. A diagnostic names what was found and
what was expected, where, and in `help` how to mend it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from rkblocks import codes, escape


class Severity(StrEnum):
    """How grave a diagnostic is; only ERROR makes a file unsound."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `path` is a JSON pointer into the file, `line` and `column` count from 1 (None: no place known)."""

    code: str
    severity: Severity
    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    help: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The diagnostic as the JSON object that `check --format json` prints."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "help": self.help,
        }

    @property
    def status(self) -> int:
        """The exit status this diagnostic leads to: that of its code for an error, else 0."""
        return codes.entry(self.code).status if self.severity is Severity.ERROR else 0

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line is not None else self.path and f"{self.path}: "
        text = f"{place}{self.severity} {self.code}: {self.message}"
        return escape.lines(f"{text}\n  help: {self.help}" if self.help else text)


def diagnostic(
    code: str,
    message: str,
    *,
    path: str = "",
    line: int | None = None,
    column: int | None = None,
    help: str = "",
    severity: Severity | str | None = None,
) -> Diagnostic:
    """A diagnostic whose severity is the one its code's file gives, unless `severity` says otherwise."""
    level = Severity(codes.entry(code).severity if severity is None else severity)
    return Diagnostic(code, level, message, path, line, column, help)


class RkblocksError(Exception):
    """Input was refused. `diagnostics` says why, `source` (may be "") which input, `status` is the exit status."""

    def __init__(self, diagnostics: Iterable[Diagnostic], source: str = "") -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.source = source
        # One argument tuple, so that the error survives pickling (worker processes) and copying.
        super().__init__(self.diagnostics, source)

    @property
    def status(self) -> int:
        """The worst exit status of the diagnostics, at least 1: an error was raised."""
        return max((d.status for d in self.diagnostics), default=1) or 1

    def __str__(self) -> str:
        prefix = f"{escape.line(self.source)}: " if self.source else ""
        return escape.lines("\n".join(f"{prefix}{d}" for d in self.diagnostics))


def named(error: BaseException) -> str:
    """An exception in one line: its type, and the first 300 characters of its message."""
    reason = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


class TableauError(RkblocksError):
    """A tableau or its file is at fault."""


def fail(
    code: str,
    message: str,
    *,
    path: str = "",
    line: int | None = None,
    column: int | None = None,
    help: str = "",
    source: str = "",
) -> NoReturn:
    """Raise RkblocksError with one diagnostic of severity error; returns never."""
    found = diagnostic(code, message, path=path, line=line, column=column, help=help, severity=Severity.ERROR)
    raise RkblocksError((found,), source)


Expected = tuple[tuple[type, ...], str]
"""The types that an argument may have, and what they are called in a message."""


def typed(given: Mapping[str, object], table: Mapping[str, Expected], help: str = "") -> None:
    """Refuse (RK822) the first of these arguments from Python whose type is none of its own; true is no number."""
    for name, value in given.items():
        types, words = table[name]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            unfit_argument(name, value, words, help)


def unfit_argument(name: str, value: object, expected: str, help: str = "") -> NoReturn:
    """Refuse (RK822) an argument from Python that is not what it has to be."""
    kind = type(value).__name__
    found = f"the class {value.__name__}" if isinstance(value, type) else f"a{'n' * (kind[0] in 'aeiou')} {kind}"
    if value is None or isinstance(value, str | bytes | int | float | list | tuple | dict):
        found = f"{escape.shown(repr(value), quotes=False)}, {found}"
    fail("RK822", f"{name} is {found}; expected {expected}", help=help or f"give {name} as {expected}")
