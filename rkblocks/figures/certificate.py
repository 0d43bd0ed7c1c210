"""Certified accuracy beside accuracy under attack, with the gap between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def certificate(run: Mapping[str, Any]) -> Figure:
    """Return the figure of the analysis "certificate" of one element of "runs" in `analyze --format json`."""
    rows = run["analyses"]["certificate"]
    figure, ((axis,),) = style.new(width=5.2, height=3.6)
    eps = [0.0, *(row["eps"] for row in rows)]
    lower = [rows[0]["clean"], *(row["certified"] for row in rows)]
    upper = [rows[0]["clean"], *(row["attacked"] for row in rows)]
    axis.fill_between(eps, lower, upper, color="0.85", label="between")
    axis.plot(eps, upper, label="PGD-40", **style.look(0))
    axis.plot(eps, lower, label="certified" if rows[0]["proved"] else "claimed, false", **style.look(1))
    axis.set_xlabel("eps (l2, pixels in [0, 1])")
    axis.set_ylabel("accuracy")
    axis.set_ylim(0, 1)
    style.legend_below(figure)
    return figure
