"""A place in a text that moves on, and what is reported there."""

from __future__ import annotations

import re
from bisect import bisect_right

from rkblocks.files.collected import Problems


class Cursor:
    """One pass over a text. `at` is the next character; `stopped` is set where nothing sensible can follow."""

    def __init__(self, text: str, problems: Problems) -> None:
        self.text = text
        self.problems = problems
        self.at = 0
        self.stopped = False
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character."""
        line = bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    def report(self, code: str, message: str, at: int, path: str, help: str) -> None:
        line, column = self.place(at)
        self.problems.add(code, message, path=path, line=line, column=column, help=help)

    def stop(self) -> None:
        """Give up on the rest of the text."""
        self.stopped, self.at = True, len(self.text)
