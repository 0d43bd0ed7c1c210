"""The cells of a study beside each other: accuracy under each attack with the deviation over seeds, and the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 2  # panels beside each other


def comparison(panels: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, str]) -> Figure:
    """Return one panel for each setting.

    panels: title -> rows; a row has "label", "accuracy" {column: [mean, deviation or None]} and "paper" {column:
    number}. columns: key -> title, in order. The paper's numbers are hollow.
    """
    across = min(WIDE, len(panels))
    down = -(-len(panels) // across)
    most = max(len(rows) for rows in panels.values())
    width = max(4.2, 0.5 + len(columns) * (0.5 + 0.13 * most))
    figure, axes = style.new(down, across, width=width, height=3.4)
    places = [axis for row in axes for axis in row]
    for axis in places[len(panels) :]:
        axis.remove()
    labels = list(dict.fromkeys(row["label"] for rows in panels.values() for row in rows))
    seeds = sorted({int(row["seeds"]) for rows in panels.values() for row in rows})
    for axis, (title, rows) in zip(places, panels.items(), strict=False):
        for number, row in enumerate(rows):
            shift = (number - (len(rows) - 1) / 2) * 0.8 / max(len(rows), 4)
            _row(axis, row, list(columns), shift, labels.index(row["label"]))
        axis.set_xticks(range(len(columns)), [style.fit(text) for text in columns.values()])
        axis.set_xlim(-0.6, len(columns) - 0.4)
        axis.set_ylabel(f"accuracy\n(bars: deviation over {'-'.join(map(str, seeds))} seeds)")
        axis.set_xlabel("attack")
        axis.set_title(title, fontsize="medium")
    for label in labels:  # the legend is of the first panel, which may lack some
        if label not in [row["label"] for row in next(iter(panels.values()))]:
            places[0].errorbar([], [], yerr=[], capsize=2, linestyle="", label=label, **style.look(labels.index(label)))
    if any(row["paper"] for rows in panels.values() for row in rows):
        places[0].plot([], [], linestyle="", marker="o", color="0.3", markerfacecolor="none", label="paper (hollow)")
    style.legend_below(figure, places[0])
    return figure


def _row(axis: Any, row: Mapping[str, Any], columns: Sequence[str], shift: float, number: int) -> None:
    """One scheme: points with error bars where it was measured, hollow ones where the paper has a number."""
    look = style.look(number)
    known = [(i + shift, *row["accuracy"][key]) for i, key in enumerate(columns) if key in row["accuracy"]]
    x, means = [one[0] for one in known], [one[1] for one in known]
    bars = [one[2] or 0.0 for one in known]
    axis.errorbar(x, means, yerr=bars, capsize=2, linestyle="", label=row["label"], **look)
    paper = [(i + shift, row["paper"][key]) for i, key in enumerate(columns) if key in row["paper"]]
    axis.plot([p[0] for p in paper], [p[1] for p in paper], linestyle="", **{**look, "markerfacecolor": "none"})
