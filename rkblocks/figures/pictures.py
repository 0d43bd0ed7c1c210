"""Images under attack, and slices of the loss surface around them, from the tables of `rkblocks analyze`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Run = Mapping[str, Any]


def adversarial_images(run: Run) -> Figure:
    """Return a row an image: clean, its perturbation scaled to the full range of colours, and adversarial, with the
    predictions; wrong ones are marked by the word."""
    rows = run["analyses"]["examples"]
    figure, axes = style.new(len(rows), 3, width=1.75, height=2.0)
    for number, (line, row) in enumerate(zip(axes, rows, strict=True)):
        clean, other = row["clean_image"], row["adversarial_image"]
        factor = 0.5 / (row["largest"] or 1.0)
        shown = (
            (clean, "clean", _prediction(row["clean"], row["clean_confidence"], row["label"])),
            (_change(clean, other, factor), "perturbation", f"times {factor:.3g}"),
            (other, "adversarial", _prediction(row["adversarial"], row["adversarial_confidence"], row["label"])),
        )
        for axis, (image, what, title) in zip(line, shown, strict=True):
            _show(axis, image)
            axis.set_title(title if number else f"{what}\n{title}", fontsize="medium")
    return figure


def loss_surface(run: Run) -> Figure:
    """Return the slices: the loss as levels, a white line where the prediction turns wrong; axes in units of eps."""
    from matplotlib.ticker import MaxNLocator

    rows = run["analyses"]["surface"]
    figure, axes = style.new(len(rows), 1, width=5.2, height=3.5)
    for (axis,), row in zip(axes, rows, strict=True):
        axis.grid(visible=False)
        levels = axis.contourf(row["axis"], row["axis"], row["loss"], levels=14, cmap="cividis")
        levels.set_edgecolor("face")  # else an SVG shows white hairlines between them
        right = [[float(value == row["label"]) for value in line] for line in row["prediction"]]
        if 0 < sum(map(sum, right)) < len(right) ** 2:
            axis.contour(row["axis"], row["axis"], right, levels=[0.5], colors="white", linewidths=1.5)
        bar = figure.colorbar(levels, ax=axis, ticks=MaxNLocator(5))
        bar.set_label("cross-entropy")
        axis.plot(0, 0, "w+", markersize=9)
        axis.set_xlabel("random direction (eps)")
        axis.set_ylabel("gradient direction (eps)")
        axis.set_title(f"image {row['index']}, label {row['label']}", fontsize="medium")
        axis.set_aspect("equal")
    return figure


def _prediction(found: int, confidence: float, label: int) -> str:
    return f"{found} ({confidence:.2f})" + ("" if found == label else f"\nwrong, is {label}")


def _change(a: Any, b: Any, factor: float) -> Any:
    """Return the difference of two nested lists of pixels, around the middle grey."""
    if isinstance(a, list):
        return [_change(x, y, factor) for x, y in zip(a, b, strict=True)]
    return min(1.0, max(0.0, 0.5 + factor * (b - a)))


def _show(axis: Axes, image: list[list[list[float]]]) -> None:
    """Draw pixels [C][H][W]: grey for one channel, colours for three."""
    colours = [[list(p) for p in zip(*rows, strict=True)] for rows in zip(*image, strict=True)]
    grid = colours if len(image) == 3 else image[0]
    axis.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.grid(visible=False)
