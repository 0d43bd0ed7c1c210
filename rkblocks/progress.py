"""Who is told how far a work is: what every long function takes as `progress`, what one task tells; a time in words."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as progress(label, units done, units in all); units are images, epochs, starts of a search."""
Report = Callable[[int, int], None]
"""Called as report(units done, units in all)."""


def duration(seconds: float) -> str:
    """ "12 s", "3 min 20 s" or "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )
