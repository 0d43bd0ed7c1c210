"""Training curves from the metrics of run folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style
from rkblocks.runs import metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

PANELS = {
    "train_loss": "training loss (cross-entropy)",
    "validation_clean": "validation accuracy, clean",
    "validation_robust": "validation accuracy, PGD",
}


def training_curves(runs: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> Figure:
    """Return a panel for each metric and a curve for each name: the mean of its runs, in a band from least to largest.

    runs: name -> the runs of that name, each the lines of its metrics.jsonl (dictionaries with "epoch", from 1).
    """
    panels = {
        key: text for key, text in PANELS.items() if any(key in line for r in runs.values() for m in r for line in m)
    }
    figure, axes = style.new(1, max(1, len(panels)), width=3.8, height=3.2)
    for axis, (key, text) in zip(axes[0], panels.items(), strict=False):
        for number, (name, group) in enumerate(runs.items()):
            values: dict[int, list[float]] = {}
            for line in (line for epochs in group for line in epochs if line.get(key) is not None):
                values.setdefault(line["epoch"], []).append(line[key])
            epochs = sorted(values)
            look = {**style.look(number), "markersize": 3}
            axis.plot(epochs, [fmean(values[e]) for e in epochs], label=style.fit(name), linewidth=1.2, **look)
            if len(group) > 1:
                low, high = ([end(values[e]) for e in epochs] for end in (min, max))
                axis.fill_between(epochs, low, high, color=look["color"], alpha=0.15, linewidth=0)
        axis.set_xlabel("epoch")
        axis.set_ylabel(text)
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        left, right = axis.get_xlim()
        middle = (left + right) / 2
        axis.set_xlim(min(left, middle - 0.6), max(right, middle + 0.6))  # one epoch is a point, at its number
    if panels:
        style.legend_below(figure)
    return figure


def read_metrics(run: str | Path) -> list[dict[str, Any]]:
    """Return the metrics of a run folder's epochs; lines that are damaged or cut off by a crash are left out."""
    return list(metrics.read(Path(run)).epochs)
