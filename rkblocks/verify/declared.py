"""What the Shu-Osher form of the file certifies by itself, without any search.

Nonnegative alpha and beta make every stage a convex combination of Euler steps of sizes beta/alpha, so that the method
is strong stability preserving with the coefficient ``c = min alpha/beta`` over beta > 0 (Shu & Osher 1988), and c <= R.
The statement is well-conditioned, unlike the optimum R: for decimal tables it is the one to trust.

Here is also how an entry of a tableau is named by its place: all indices count from 0, as in the JSON of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.exact.field import Element, Field
from rkblocks.forms import ShuOsher

Entry = tuple[str, int, int]
"""("alpha" | "beta", row from 0, column from 0), as in the JSON pointer /alpha/row/column."""


@dataclass(frozen=True)
class Declared:
    """``negative`` entries, and the coefficient ``cfl`` with the entry of beta that limits it.

    ``cfl`` is None where an entry is negative, or where no beta is positive (a method that does nothing).  ``downwind``
    is the least of alpha/|beta| of a form with nonnegative alpha and negative beta: its coefficient where these entries
    multiply a downwind operator, which is stable for steps backwards (Shu & Osher 1988; Ketcheson 2011).
    """

    negative: tuple[Entry, ...]
    cfl: Element | None
    limiting: Entry | None
    downwind: Element | None = None

    @property
    def nonnegative(self) -> bool:
        """Whether no entry is negative."""
        return not self.negative


def entries(form: ShuOsher) -> list[tuple[Entry, Element]]:
    """All entries with their places, alpha before beta."""
    return [
        ((name, i, k), entry)
        for name, rows in (("alpha", form.alpha), ("beta", form.beta))
        for i, row in enumerate(rows)
        for k, entry in enumerate(row)
    ]


def declared(field: Field, form: ShuOsher) -> Declared:
    """The nonnegativity and the certified SSP coefficient of a Shu-Osher form whose entries are numbers."""
    negative = tuple(place for place, entry in entries(form) if field.sign(entry) < 0)
    if any(name == "alpha" for name, _, _ in negative):
        return Declared(negative, None, None)
    cfl: Element | None = None
    limiting: Entry | None = None
    for i, (alpha, beta) in enumerate(zip(form.alpha, form.beta, strict=True)):
        for k, (a, weight) in enumerate(zip(alpha, beta, strict=True)):
            if weight:
                ratio = a / weight if field.sign(weight) > 0 else -a / weight
                if cfl is None or field.sign(ratio - cfl) < 0:
                    cfl, limiting = ratio, ("beta", i, k)
    return Declared(negative, None, None, cfl) if negative else Declared((), cfl, limiting)


Place = tuple[str | int, ...]
"""The key of an array and the indices of an entry or of a row in it, from 0: ("alpha", 2, 1)."""


def entry_at(form: ShuOsher, place: Entry) -> Element:
    """The entry itself."""
    name, i, k = place
    return (form.alpha if name == "alpha" else form.beta)[i][k]


def pointer(place: Place) -> str:
    """Its JSON pointer: "/alpha/2/1"."""
    return "".join(f"/{part}" for part in place)


def shown(place: Place) -> str:
    """The same for people: "alpha[2][1]"."""
    name, *indices = place
    return f"{name}{''.join(f'[{i}]' for i in indices)}"
