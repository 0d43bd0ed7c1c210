"""Words of a user within a message, and the plural; apart, so that listing the library loads no scanner."""

from __future__ import annotations

from rkblocks.escape import line


def shown(text: str, *, quotes: bool = True, width: int = 60) -> str:
    """Text of a user within a message: cut to `width`, nothing unprintable let through to a terminal."""
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return f'"{line(cut)}"' if quotes else line(cut)


def count(n: int, noun: str) -> str:
    """'1 row', '2 rows', '2 entries', '2 keys'."""
    if n == 1:
        return f"1 {noun}"
    return f"{n} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{n} {noun}s"
