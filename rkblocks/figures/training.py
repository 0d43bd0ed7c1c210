"""Training curves from the metrics of run folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rkblocks.extras import require
from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = {
    "train_loss": "training loss\n(cross-entropy)",
    "validation_clean": "validation accuracy,\nclean",
    "validation_robust": "validation accuracy,\nPGD",
}
BANDS = 6
"""So many bands over one another can still be told apart."""


def training_curves(runs: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> Figure:
    """Return a panel for each metric and a curve for each name: the mean of its runs, in a band from least to largest
    where there are no more than BANDS names.

    runs: name -> the runs of that name, each the lines of its metrics.jsonl (dictionaries with "epoch", from 1).
    """
    from matplotlib.ticker import MaxNLocator

    panels = {
        key: text for key, text in PANELS.items() if any(key in line for r in runs.values() for m in r for line in m)
    }
    figure, axes = style.new(max(1, len(panels)), 1, width=5.2, height=2.4)
    for (axis,), (key, text) in zip(axes, panels.items(), strict=False):
        for number, (name, group) in enumerate(runs.items()):
            values: dict[int, list[float]] = {}
            for line in (line for epochs in group for line in epochs if line.get(key) is not None):
                values.setdefault(line["epoch"], []).append(line[key])
            epochs = sorted(values)
            look = {**style.look(number), "markersize": 3}
            axis.plot(epochs, [fmean(values[e]) for e in epochs], label=style.fit(name), linewidth=1.2, **look)
            if len(group) > 1 and len(runs) <= BANDS:
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
    require("msgspec", "torch", "reading the metrics of a run")
    from rkblocks.runs import metrics

    return list(metrics.read(Path(run)).epochs)
