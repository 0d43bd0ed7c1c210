"""The price of an SSP coefficient: the least variance growth that schemes of given stages and order have with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = tuple[float, float]


def tradeoff(curves: Mapping[str, Sequence[Point]], known: Mapping[str, Point]) -> Figure:
    """Return least growth (Lemma 3 of Kim et al. 2020) against the SSP coefficient C that is required.

    Args:
        curves: by name, points (C, least growth found), as `rkblocks.design` finds them.
        known: by name, (C, growth) of schemes to be marked.
    """
    from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

    figure, ((axis,),) = style.new(width=5.2, height=3.8)
    for number, (name, points) in enumerate(curves.items()):
        axis.plot(*zip(*points, strict=True), label=f"least growth, {name}", **style.look(number))
    for number, (name, (ssp, growth)) in enumerate(known.items(), len(curves)):
        axis.plot([ssp], [growth], label=name, **style.points(number, size=8))
    axis.set_xlabel("SSP coefficient C, at least")
    axis.set_ylabel("variance growth of one step\n(output / input, logarithmic)")
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(MaxNLocator(6))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    style.legend_below(figure)
    return figure
