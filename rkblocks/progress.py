"""Who is told how far a work is: what every long function takes as `progress`, and what one task tells of itself."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as progress(label, units done, units in all); units are images, epochs, starts of a search."""
Report = Callable[[int, int], None]
"""Called as report(units done, units in all)."""
