"""Which JPEG quality a file was written with, told by its quantisation table: results on lossy copies must say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

# The luminance table of ITU-T T.81 (1992), Annex K.1, in row order; libjpeg scales it by the quality.
LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


def quality(tables: Mapping[int, Sequence[int]] | None) -> int | None:
    """The libjpeg quality (1..100) whose luminance table this is; None where there is no table, 0 for a foreign one."""
    if not tables:
        return None
    return _by_table().get(tuple(sorted(tables[0])), 0)


def note(qualities: Iterable[int | None]) -> str:
    """ "JPEG quality 75" and its like for the images of a data set; "" where none is a JPEG."""
    counts = Counter(qualities)
    lossless = counts.pop(None, 0)
    if not counts:
        return ""
    if len(counts) == 1 and not lossless:
        value = next(iter(counts))
        return f"JPEG quality {value}" if value else "JPEG, quality unknown"
    known = ", ".join(f"{n} of quality {q}" if q else f"{n} of unknown quality" for q, n in sorted(counts.items()))
    return f"JPEG: {known}" + (f"; {lossless} other images" if lossless else "")


@cache
def _by_table() -> dict[tuple[int, ...], int]:
    """Sorted tables, since readers differ in whether they undo the zigzag; sorting still tells the qualities apart."""
    return {tuple(sorted(_scaled(quality))): quality for quality in range(1, 101)}


def _scaled(quality: int) -> list[int]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(255, max(1, (entry * scale + 50) // 100)) for entry in LUMINANCE]
