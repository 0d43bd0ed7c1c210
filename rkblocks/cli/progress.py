"""Progress on standard error: a line that rewrites itself on a terminal, one line a finished item elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

from rkblocks.cli import console


@dataclass
class Progress:
    """Call it as progress(label, done, total); `interval` seconds pass between two rewritings of a line."""

    interval: float = 0.2
    _open: bool = False
    _shown: float = 0.0
    _started: dict[str, float] = field(default_factory=dict)

    def __call__(self, label: str, done: int, total: int) -> None:
        now = time.monotonic()
        finished = done >= total
        spent = now - self._started.setdefault(label, now)
        clock = f", {spent:.1f} s" if spent else ""  # nothing is known of what began and ended before the first call
        if not _terminal():
            if finished:
                console.put(f"  {label}: done{clock}\n")
        elif finished or now - self._shown >= self.interval:
            self._shown, self._open = now, not finished
            state = "done" if finished else f"{done}/{total}"
            console.put(f"\r\x1b[K  {label}: {state}{clock}" + ("\n" if finished else ""))
        if finished:
            self._started.pop(label, None)

    def close(self) -> None:
        """End a line that is still being rewritten."""
        if self._open:
            self._open = False
            console.put("\n")


def _terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        return False
