"""Accuracy along ladders of schemes on which one property moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkblocks.extras import require
from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rung = tuple[float, float, float | None]
"""(property, mean accuracy, its deviation over the seeds)"""
Trends = Mapping[str, tuple[str, Mapping[str, Sequence[Rung]]]]
"""title -> (property, a key of WORDS; {name of a ladder: rungs})"""
WORDS = {
    "ssp": "SSP coefficient C",
    "growth": "variance growth of a step (Lemma 3)",
    "calls": "calls of F",
    "order": "order",
}


def ladders(trends: Trends, accuracy: str) -> Figure:
    """Return a panel for each trend: a point for each rung, and the line of least squares of each ladder; a ladder has
    one look in all panels, and points at one place stand a little apart.

    accuracy: of which attack.
    """
    np = require("numpy", "figures", "a figure")
    figure, axes = style.new(len(trends), 1, width=5.2, height=3.4)
    known = list(dict.fromkeys(name for _, named in trends.values() for name in named))
    for (axis,), (title, (moves, named)) in zip(axes, trends.items(), strict=True):
        spread = [rung[0] for rungs in named.values() for rung in rungs]
        for place, (name, rungs) in enumerate(named.items()):
            number, shift = known.index(name), 0.008 * np.ptp(spread) * (place - (len(named) - 1) / 2)
            places, means = np.array([rung[0] for rung in rungs]), np.array([rung[1] for rung in rungs])
            bars = [float("nan") if rung[2] is None else rung[2] for rung in rungs]
            axis.errorbar(places + shift, means, yerr=bars, capsize=2, label=style.fit(name), **style.points(number, 6))
            if np.ptp(places) > 0:
                slope, start = np.polyfit(places, means, 1)
                axis.plot(places, start + slope * places, **style.look(number) | {"marker": "", "linewidth": 1})
        axis.set_title(style.fit(title), fontsize="medium")
        axis.set_xlabel(WORDS[moves])
        axis.set_ylabel(f"accuracy under {accuracy}\n(bars: deviation over the seeds)")
    style.legend_below(figure)
    return figure
