"""Schemes beside each other: clean and robust accuracy as bars, with the deviation over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = {"clean": "clean", "fgsm": "FGSM", "pgd20": "PGD-20"}


def summary(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str] = COLUMNS, chance: float | None = None
) -> Figure:
    """Return the bars of these rows: elements of "summary" in the demo's results.json, [mean, deviation] under each
    column's key.

    A deviation that is unknown (one seed) is null and has no bar.
    """
    figure, ((axis,),) = style.new(width=max(4.6, 0.9 * len(rows) + 0.8), height=3.6)
    width = 0.8 / len(columns)
    for number, (key, name) in enumerate(columns.items()):
        places = [place + (number - (len(columns) - 1) / 2) * width for place in range(len(rows))]
        means = [row[key][0] for row in rows]
        bars = [math.nan if row[key][1] is None else row[key][1] for row in rows]
        known = any(not math.isnan(bar) for bar in bars)
        axis.bar(
            places,
            means,
            width,
            yerr=bars if known else None,
            capsize=2,
            label=name,
            color=style.COLOURS[number % len(style.COLOURS)],
            hatch=style.HATCHES[number % len(style.HATCHES)],
            edgecolor="white",
        )
    if chance is not None:
        axis.axhline(chance, color="0.4", linestyle="--", linewidth=1, label="chance")
    axis.set_xticks(range(len(rows)), [style.fit(str(row["blocks"])) for row in rows])
    axis.set_xlabel("scheme of the blocks")
    axis.set_ylabel(f"accuracy\n({style.over(row['seeds'] for row in rows)})")
    axis.set_ylim(0, 1)
    style.legend_below(figure)
    return figure
