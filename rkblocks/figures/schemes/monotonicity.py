"""Absolute monotonicity: the entries of P(r) and d(r) against r, and the R where the first of them turns negative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rkblocks import verify
from rkblocks.diagnostics import TableauError
from rkblocks.exact.value import Exact
from rkblocks.extras import require
from rkblocks.figures import style
from rkblocks.figures.sampling import beyond, doubles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rkblocks.tableau import Tableau

POINTS = 400
BEYOND = 1.35
"""The entries are drawn up to so many times R."""


def monotonicity(tableau: Tableau) -> Figure:
    """Return the entries of P(r) and of d(r) of the reduced method (of a family: at its initial values) against r.

    Each entry is divided by its largest size on [0, R] (on [0, 1] where R = 0), so that small ones are seen. R is
    exact; the curves are drawn in double precision. The entry that limits R is the one of its certificate.
    """
    np = require("numpy", "figures", "a figure")
    member = tableau.at(tableau.initial())
    report = verify.check(member)
    if report.ssp is None or report.ssp.optimal is None:
        raise TableauError(report.diagnostics, report.source)
    optimal = report.ssp.optimal
    if optimal.known is None:
        beyond(tableau, "of its SSP coefficient", "nothing is known")
    (limit,) = doubles(tableau, "its SSP coefficient", [optimal.known])
    entry = optimal.certificate.place if optimal.certificate is not None else None
    field, A, b = member.field, member.reduced.A, member.reduced.b
    right = BEYOND * limit if limit else 1.0
    until = limit or right
    r = np.linspace(0, right, POINTS)
    values = _entries(np, [doubles(tableau, "its table", [Exact(field, e) for e in row]) for row in (*A, b)], r)
    where = " at the initial values" if tableau.parameters else ""
    figure, ((upper_axis,), (lower_axis,)) = style.new(2, 1, width=4.6, height=2.8)
    for axis, is_d, name in ((upper_axis, False, "P(r)"), (lower_axis, True, "d(r)")):
        axis.axhline(0, color="0.35", linewidth=1)
        axis.axvspan(0, limit, color=style.COLOURS[4], alpha=0.18, linewidth=0)
        shown = [place for place, value in values.items() if (place[1] < 0) == is_d and np.any(value)]
        for place in shown:
            if place != entry:
                axis.plot(r, _scaled(np, values[place], r, until), color="0.55", linewidth=0.9, label="other entries")
        if entry in shown:
            curve = _scaled(np, values[entry], r, until)
            axis.plot(r, curve, color=style.COLOURS[1], linewidth=2.2, label=f"{entry} limits R")
        axis.axvline(limit, color=style.COLOURS[0], linestyle="--", linewidth=1.4, label=f"R = {limit:.6g}")
        axis.set_xlim(-0.03 * right, right)
        axis.set_ylim(-1.12, 1.12)
        axis.set_xlabel("r")
        axis.set_ylabel(f"each entry by its\nlargest on [0, {'R' if limit else f'{right:g}'}]")
        axis.set_title(f"{tableau.name}: entries of {name}{where}", fontsize="medium")
    style.legend_below(figure)
    return figure


def _entries(np: Any, K: list[list[float]], r: Any) -> dict[tuple[int, int], Any]:
    """Return the values of all entries at the points r, by forward substitution in doubles."""
    m = len(K) - 1
    P: list[list[Any]] = []
    d: list[Any] = []
    found: dict[tuple[int, int], Any] = {}
    for i, row in enumerate(K):
        new = [np.full_like(r, row[k]) for k in range(min(i, m))]
        rest = np.ones_like(r)
        for j in range(min(i, m)):
            if row[j]:
                rest = rest - r * row[j] * d[j]
                for k, value in enumerate(P[j]):
                    new[k] = new[k] - r * row[j] * value
        P.append(new)
        d.append(rest)
        found |= {(i, k): value for k, value in enumerate(new)}
        found[i, -1] = rest
    return found


def _scaled(np: Any, values: Any, r: Any, until: float) -> Any:
    largest = np.abs(values[r <= until]).max()
    return values / largest if largest else values
