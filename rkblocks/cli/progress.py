"""Progress on standard error: a line that rewrites itself on a terminal; elsewhere one line a finished item, and what
is under way after a silence.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Self

from rkblocks import escape
from rkblocks.cli import console

SILENCE = 30.0
"""Seconds after which what is under way is told where nothing can be rewritten."""


@dataclass
class Progress:
    """Call it as progress(label, done, total); `interval` seconds pass between two rewritings of the line.

    Several labels may be under way at once, as in a pool of workers: the line shows them all, as far as it is wide.
    Told how many labels will come (`expect`), it counts them and says how long the one under way will take.
    """

    interval: float = 0.2
    _shown: float | None = None
    _started: dict[str, float] = field(default_factory=dict)
    _running: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, str] = field(default_factory=dict)
    _expected: int = 0
    _ended: int = 0

    def expect(self, labels: int) -> None:
        """Count the labels from now on, of so many."""
        self._expected, self._ended = labels, 0

    def doing(self, label: str, part: str) -> None:
        """Name the part that a label is at; the next call shows it."""
        self._parts[escape.line(label)] = escape.line(part)

    def say(self, text: str) -> None:
        """Put a sentence on a line of its own."""
        console.put(f"  {text}\n", rewrite=_terminal())

    def __call__(self, label: str, done: int, total: int) -> None:
        now, label = time.monotonic(), escape.line(label)
        finished = done >= total
        spent = now - self._started.setdefault(label, now)
        clock = f", {spent:.1f} s" if spent else ""  # nothing is known of what began and ended before the first call
        if finished:
            self._running.pop(label, None)
            self._parts.pop(label, None)
        else:
            place = f"{self._ended + 1} of {max(self._expected, self._ended + 1)}, " if self._expected else ""
            part = f" ({self._parts[label]})" if label in self._parts else ""
            left = f", {spent * (total - done) / done:.0f} s left" if self._expected and spent and done else ""
            self._running[label] = f"{place}{label}: {done}/{total}{part}{clock}{left}"
        if not _terminal():
            self._tell(f"  {label}: done{clock}\n" if finished else "", now)
        elif finished:
            console.put(f"  {label}: done{clock}\n" + self._line(), rewrite=True)
        elif self._shown is None or now - self._shown >= self.interval:
            self._shown = now
            console.put(self._line(), rewrite=True)
        if finished:
            self._ended += 1
            self._started.pop(label, None)

    def _tell(self, text: str, now: float) -> None:
        """Write this text, or what is under way after a silence, where nothing is rewritten."""
        if self._shown is None:  # the silence begins with the first call
            self._shown = now
        if not text and now - self._shown >= SILENCE:
            text = f"{self._line()}\n"
        if text:
            self._shown = now
            console.put(text)

    def _line(self) -> str:
        """Return what is under way; empty where nothing is."""
        text = escape.line("  " + "; ".join(self._running.values())) if self._running else ""
        width = shutil.get_terminal_size().columns - 1
        return text if len(text) <= width else text[: width - 3] + "..."

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the line that is still being rewritten; what is under way is shown again by the next call."""
        if self._running:
            self._running.clear()
            if _terminal():
                console.put("\n")


def _terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        return False
