"""The list on which the stages of reading put what they find, so that one run reports everything at once."""

from __future__ import annotations

from rkblocks.diagnostics import Diagnostic, Severity, diagnostic

MOST_OF_A_CODE = 20
"""So many diagnostics of one code are shown; one systematic mistake must not bury the others."""


class Problems:
    """Collects diagnostics; `pointer`s are JSON pointers, places count from 1."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self._seen: dict[str, int] = {}

    def add(
        self,
        code: str,
        message: str,
        *,
        path: str = "",
        line: int | None = None,
        column: int | None = None,
        help: str,
    ) -> None:
        """Put one diagnostic on the list."""
        self._seen[code] = self._seen.get(code, 0) + 1
        if self._seen[code] <= MOST_OF_A_CODE:
            self._found.append(diagnostic(code, message, path=path, line=line, column=column, help=help))

    @property
    def fatal(self) -> bool:
        """Whether an error is among the diagnostics."""
        return any(d.severity is Severity.ERROR for d in self._found)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All diagnostics in the order of the file; where one code occurs too often, a last line says how often."""
        ordered = sorted(self._found, key=lambda d: (d.line or 0, d.column or 0))
        hidden = [(code, n - MOST_OF_A_CODE) for code, n in sorted(self._seen.items()) if n > MOST_OF_A_CODE]
        help = "mend those that are shown, and check again"
        return (*ordered, *(diagnostic("RK199", f"{n} more of {code} are not shown", help=help) for code, n in hidden))
