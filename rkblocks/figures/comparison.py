"""The cells of a study beside each other: accuracy under each attack with the deviation over seeds, and the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP = 0.13
"""Inches from one scheme to the next, and twice as many between attacks."""


def comparison(panels: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, str]) -> Figure:
    """Return one panel for each setting, below one another: a band for each attack, in it a point for each scheme.

    panels: title -> rows; a row has "label", "accuracy" {column: [mean, deviation or None]} and "paper" {column:
    number}. columns: key -> title, in order; long ones have room at the left, those without a number are left out. The
    paper's numbers are hollow.
    """
    from matplotlib.lines import Line2D

    filled = {key for rows in panels.values() for row in rows for key in (*row["accuracy"], *row["paper"])}
    columns = {key: title for key, title in columns.items() if key in filled}
    most = max(len(rows) for rows in panels.values())
    figure, axes = style.new(len(panels), 1, width=5.2, height=0.9 + len(columns) * STEP * (most + 2))
    labels = list(dict.fromkeys(row["label"] for rows in panels.values() for row in rows))
    seeds = style.over(int(row["seeds"]) for rows in panels.values() for row in rows)
    for (axis,), (title, rows) in zip(axes, panels.items(), strict=True):
        for number, row in enumerate(rows):
            shift = (number - (len(rows) - 1) / 2) / (most + 2)
            _row(axis, row, list(columns), shift, style.points(labels.index(row["label"]), 5))
        axis.set_yticks(range(len(columns)), [style.fit(text) for text in columns.values()])
        axis.set_ylim(len(columns) - 0.5, -0.5)
        axis.grid(visible=False)
        axis.grid(axis="x", color="0.85", linewidth=0.8)
        for edge in range(1, len(columns)):
            axis.axhline(edge - 0.5, color="0.85", linewidth=0.8)
        axis.set_xlabel(f"accuracy ({seeds})")
        axis.set_ylabel("attack")
        axis.set_title(style.fit(title), fontsize="medium")
    hollow = Line2D([], [], linestyle="", marker="o", color="0.3", markerfacecolor="none", label="paper (hollow)")
    style.legend_below(figure, *([hollow] if any(row["paper"] for rows in panels.values() for row in rows) else []))
    return figure


def _row(axis: Any, row: Mapping[str, Any], columns: Sequence[str], shift: float, look: Mapping[str, Any]) -> None:
    """One scheme: points with error bars where it was measured, hollow ones where the paper has a number."""
    known = [(i + shift, *row["accuracy"][key]) for i, key in enumerate(columns) if key in row["accuracy"]]
    bars = [float("nan") if one[2] is None else one[2] for one in known]  # of one seed there is no deviation
    label = style.fit(row["label"])
    axis.errorbar([one[1] for one in known], [one[0] for one in known], xerr=bars, capsize=2, label=label, **look)
    paper = [(i + shift, row["paper"][key]) for i, key in enumerate(columns) if key in row["paper"]]
    axis.plot([p[1] for p in paper], [p[0] for p in paper], **{**look, "markerfacecolor": "none"})
