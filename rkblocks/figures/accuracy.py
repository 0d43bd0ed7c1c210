"""Robust accuracy against the radius of the ball, with its intervals and the level of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = tuple[float, float, float, float]
"""(eps, accuracy, low, high)"""


def accuracy_against_eps(
    curves: Mapping[str, Sequence[Point]], *, chance: float, attack: str, norm: str = "linf", bars: str = "95 % Wilson"
) -> Figure:
    """Return the figure of these curves, by name. chance: accuracy of a guess; bars: what low and high are, for the
    label.
    """
    figure, ((axis,),) = style.new(width=5.2, height=3.8)
    reach = max((point[0] for points in curves.values() for point in points), default=0.0)
    for number, (name, points) in enumerate(curves.items()):
        eps, accuracy = [point[0] for point in points], [point[1] for point in points]
        below = [max(0.0, point[1] - point[2]) for point in points]
        above = [max(0.0, point[3] - point[1]) for point in points]
        shift = reach * 0.006 * (number - (len(curves) - 1) / 2)  # so that no bar hides another
        places = [place + shift for place in eps]
        axis.errorbar(places, accuracy, yerr=(below, above), capsize=2, label=name, **style.look(number))
    axis.axhline(chance, color="0.4", linestyle="--", linewidth=1, label="chance")
    axis.set_xlabel(f"eps ({norm}, pixels in [0, 1])")
    axis.set_ylabel(f"accuracy under {attack}\n(bars: {bars})")
    axis.set_ylim(0, 1)
    style.legend_below(figure)
    return figure
