"""Robust accuracy against the radius of the ball, with its intervals and the level of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float, float, float]
"""(eps, accuracy, low, high)"""


def accuracy_against_eps(
    curves: Mapping[str, Sequence[Point]], *, chance: float, attack: str, norm: str = "linf", bars: str = "95 % Wilson"
) -> Figure:
    """Return the figure of these curves, by name. chance: accuracy of a guess; bars: what low and high are, for the
    label; "": there are none. Radii that span more than a decade stand on a logarithmic axis, 0 beside it.
    """
    figure, ((axis,),) = style.new(width=5.2, height=3.8)
    radii = sorted({point[0] for points in curves.values() for point in points if point[0] > 0})
    wide = bool(radii) and radii[-1] > 10 * radii[0] * (1 - 1e-9)
    for number, (name, points) in enumerate(curves.items()):
        eps, accuracy = [point[0] for point in points], [point[1] for point in points]
        below = [max(0.0, point[1] - point[2]) for point in points]
        above = [max(0.0, point[3] - point[1]) for point in points]
        shift = 0.006 * (number - (len(curves) - 1) / 2)  # so that no bar hides another
        places = [place * (1 + 4 * shift) if wide else place + shift * max(radii, default=0.0) for place in eps]
        axis.errorbar(places, accuracy, yerr=(below, above), capsize=2, label=name, **style.look(number))
    axis.axhline(chance, color="0.4", linestyle="--", linewidth=1, label="chance")
    if wide:
        _logarithmic(axis, radii)
    axis.set_xlabel(f"eps ({norm}, pixels in [0, 1])")
    axis.set_ylabel(f"accuracy under {attack}" + (f"\n(bars: {bars})" if bars else ""))
    axis.set_ylim(0, 1)
    style.legend_below(figure)
    return figure


def _logarithmic(axis: Axes, radii: Sequence[float]) -> None:
    """Make the axis of the radii logarithmic from the least of them on, with plain numbers, and linear below."""
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axis.set_xscale("symlog", linthresh=radii[0], linscale=0.5)
    axis.set_xlim(-0.1 * radii[0], 1.2 * radii[-1])
    ticks = [0.0]
    for radius in radii:  # those that have room
        if ticks[-1] == 0.0 or radius >= 1.6 * ticks[-1]:
            ticks.append(radius)
    axis.set_xticks(ticks)
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
