"""The axis of blocks: their places in the network from the input on, group by group; no curve joins two groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rkblocks.figures import style
from rkblocks.render.network_results import group, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def apart(x: Sequence[float], y: Sequence[float], names: Sequence[str]) -> tuple[list[float], list[float]]:
    """Return the points, x being places in `names`, with a gap between groups: no curve joins two of them."""
    gap = float("nan")
    points: list[tuple[float, float]] = []
    for k, point in enumerate(zip(x, y, strict=True)):
        if k and group(names[int(x[k])]) != group(names[int(x[k - 1])]):
            points.append((gap, gap))
        points.append(point)
    return [a for a, _ in points], [b for _, b in points]


def stacked(panels: int, names: Sequence[str], columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels below one another, each with room for the blocks, and its axes row by row.

    Panels stand beside one another only where `columns` asks for it and few blocks leave them the width of a phone.
    """
    columns = columns if len(names) <= 12 else 1
    width = max(5.2 / columns, 0.9 + 0.15 * len(names))
    figure, axes = style.new(-(-panels // columns), columns, width=width, height=2.5)
    return figure, [axis for row in axes for axis in row]


def block_axis(axis: Axes, names: Sequence[str]) -> None:
    """Label the x axis with the blocks `names`, at 0, 1, 2, ..."""
    labels = [short(name) for name in names]
    axis.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) > 4 else 0)
    axis.set_xlim(-0.6, len(labels) - 0.4)
    grouped = any(label != name for label, name in zip(labels, names, strict=True))
    axis.set_xlabel("group and block" if grouped else "block")


def merged(networks: Iterable[Sequence[str]]) -> list[str]:
    """Return the blocks of several networks as one axis: where groups are of different length, that of the longest."""
    groups: dict[str, dict[str, None]] = {}
    for names in networks:
        for name in names:
            groups.setdefault(group(name), {})[name] = None
    return [name for names in groups.values() for name in names]
