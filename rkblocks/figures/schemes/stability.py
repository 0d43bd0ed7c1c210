"""The stability region of a scheme: where one step does not grow on x' = lambda x."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from rkblocks import verify
from rkblocks.diagnostics import TableauError
from rkblocks.extras import require
from rkblocks.figures import style
from rkblocks.figures.sampling import beyond, doubles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rkblocks.tableau import Tableau
    from rkblocks.verify.report import RootReport

POINTS = 600
"""Points of the grid along each side; the region is drawn in double precision, the intervals are exact."""


def stability(tableau: Tableau) -> Figure:
    """Return the region |psi(z)| <= 1 of the scheme (of a family: at its initial values), with its real and imaginary
    intervals marked, and the disc |z + r| <= r of its linear threshold r, which lies inside.
    """
    np = require("numpy", "figures", "a figure")
    report = verify.check(tableau.at(tableau.initial()))
    if report.stability is None or report.ssp is None:
        raise TableauError(report.diagnostics, report.source)
    coefficients = doubles(tableau, "its stability polynomial", report.stability.coefficients)
    intervals = report.stability.meant or report.stability.intervals
    real, imaginary = (None, None) if intervals is None else map(_float, (intervals.real, intervals.imaginary))
    left, right, top = _extent(np, coefficients, (real or 2.0) / 2)
    if not 0 < right - left < inf:
        beyond(tableau, "its stability region is about", f"{right - left:g} wide")
    x, y = np.meshgrid(np.linspace(left, right, POINTS), np.linspace(-top, top, POINTS))
    size = np.abs(np.polyval(coefficients[::-1], x + 1j * y))
    height = 1.2 + 3.4 * min(2.0, max(0.35, 2 * top / (right - left)))
    figure, ((axis,),) = style.new(width=4.6, height=height)
    axis.contourf(x, y, size, levels=[0, 1], colors=[style.COLOURS[4]], alpha=0.45)
    axis.contour(x, y, size, levels=[1], colors=[style.COLOURS[0]], linewidths=1.4)
    axis.axhline(0, color="0.6", linewidth=0.8)
    axis.axvline(0, color="0.6", linewidth=0.8)
    thick: dict[str, Any] = {"linewidth": 3.5, "solid_capstyle": "butt"}
    if real is not None:
        axis.plot([-real, 0], [0, 0], color=style.COLOURS[1], label=f"real interval [-{real:.5g}, 0]", **thick)
    if imaginary is not None:
        words = f"imaginary interval ±{imaginary:.5g} i" if imaginary else "imaginary interval 0"
        axis.plot([0, 0], [-imaginary, imaginary], color=style.COLOURS[2], label=words, **thick)
    radius = _float(report.ssp.linear)
    if radius:
        angle = np.linspace(0, 2 * np.pi, 400)
        disc: dict[str, Any] = {"color": style.COLOURS[5], "linestyle": "--", "linewidth": 1.1}
        axis.plot(radius * (np.cos(angle) - 1), radius * np.sin(angle), label=f"|z + r| ≤ r, r = {radius:.5g}", **disc)
    axis.set_aspect("equal", adjustable="datalim")  # the region lies within; a fixed box would cut titles off
    axis.margins(0)
    axis.set_xlabel("Re z,  z = dt λ")
    axis.set_ylabel("Im z")
    where = " at the initial values" if tableau.parameters else ""
    axis.set_title(f"{tableau.name}: |ψ(z)| ≤ 1{where}", fontsize="medium")
    style.legend_below(figure)
    return figure


def _float(root: RootReport | None) -> float | None:
    return None if root is None else root.nearest


def _extent(np: Any, coefficients: Sequence[float], reach: float) -> tuple[float, float, float]:
    """Return left, right and top of a box around the region with some room, by doubling a box until it holds all.

    reach: of the first box, smaller than the region.
    """
    while True:  # ends: a polynomial grows beyond 1 in every direction
        line = np.linspace(-reach, reach, 401)
        x, y = np.meshgrid(line, line[200:])
        inside = np.abs(np.polyval(coefficients[::-1], x + 1j * y)) <= 1
        if not (inside[-1].any() or inside[:, 0].any() or inside[:, -1].any()):
            break
        reach *= 2
    rows, columns = np.nonzero(inside)
    room = 0.12 * max(line[columns.max()] - line[columns.min()], line[200:][rows.max()])
    left, right = line[columns.min()] - room, line[columns.max()] + room
    return float(left), float(max(right, room)), float(line[200:][rows.max()] + room)
