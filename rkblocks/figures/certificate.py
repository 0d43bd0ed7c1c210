"""Certified accuracy beside accuracy under attack, with the gap between them, and how the certified radii spread."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def certificate(run: Mapping[str, Any]) -> Figure:
    """Return the figure of the analysis "certificate" of one element of "runs" in `analyze --format json`: accuracy
    against the radius, and below it the share of images whose certified radius lies between two of the radii.
    """
    rows = run["analyses"]["certificate"]
    figure, ((axis,), (below,)) = style.new(2, 1, width=5.2, height=2.7)
    eps = [0.0, *(row["eps"] for row in rows)]
    lower = [rows[0]["clean"], *(row["certified"] for row in rows)]
    upper = [rows[0]["clean"], *(row["attacked"] for row in rows)]
    word = "certified" if rows[0]["proved"] else "claimed, false"
    axis.fill_between(eps, lower, upper, color="0.85", label="between")
    axis.plot(eps, upper, label="PGD-40", **style.look(0))
    axis.plot(eps, lower, label=word, **style.look(1))
    axis.set_ylabel("accuracy")
    axis.set_ylim(0, 1)
    shares = [before - after for before, after in pairwise(lower)]
    widths = [after - before for before, after in pairwise(eps)]
    look: dict[str, Any] = {"color": style.COLOURS[1], "edgecolor": "white", "hatch": style.HATCHES[1]}
    below.bar(eps[:-1], shares, widths, align="edge", label="_shares", **look)
    below.set_ylabel(f"share of images with\nthis {word.partition(',')[0]} radius")
    for each in (axis, below):
        each.set_xlim(0, eps[-1])
        each.set_xlabel("eps (l2, pixels in [0, 1])")
    style.legend_below(figure)
    return figure
