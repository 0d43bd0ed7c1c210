"""What `rkblocks analyze` measures along the depth of one network, theory beside measurement; a panel has a point or a
bar for every block.

Each function takes one element of "runs" in `analyze --format json`, and needs the analysis that it is named after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style
from rkblocks.figures.blocks import apart, block_axis, stacked
from rkblocks.figures.growth import NORM_TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Run = Mapping[str, Any]


def growth_along_depth(run: Run, norms: Sequence[int | str] = (1, 2, "inf")) -> Figure:
    """Return the growth ratios of blocks, of the arguments of their stages, and of F: a panel for each norm and kind of
    perturbation."""
    rows = run["analyses"]["growth"]
    kinds = list(dict.fromkeys(row["perturbation"] for row in rows))
    names = list(dict.fromkeys(row["place"] for row in rows if row["level"] == "block"))
    panels = [(p, kind) for p in norms for kind in kinds]
    figure, axes = stacked(len(panels), names, columns=len(kinds))
    for axis, (p, kind) in zip(axes, panels, strict=True):
        chosen = [r for r in rows if r["perturbation"] == kind and r["p"] == p and r["mean"] is not None]
        for number, (level, text) in enumerate(
            (("block", "block: output / input"), ("stage", "stage: argument / input"), ("residual", "F / argument"))
        ):
            look = style.points(number) if number else style.look(number)
            points = _points([row for row in chosen if row["level"] == level], names)
            axis.plot(*(points if number else apart(*points, names)), label=text, **look)
        block_axis(axis, names)
        axis.set_title(f"{kind} perturbations", fontsize="medium")
        axis.set_ylabel(f"growth ratio in {NORM_TEXT.get(p, p)}")
    for p in norms:  # kinds are compared on one axis
        style.log_around_one(*(axis for axis, (of, _) in zip(axes, panels, strict=True) if of == p))
    style.legend_below(figure)
    return figure


def variation_along_depth(run: Run) -> Figure:
    """Return the total variation after each block, and by how much the step and the Euler step change it."""
    rows = run["analyses"]["variation"]
    names = [row["place"] for row in rows]
    figure, (upper, lower) = stacked(2, names)
    depth = range(len(rows))
    means = [_number(row["per_neighbour"]) for row in rows]
    upper.plot(*apart(depth, means, names), label="_mean", **style.look(0))
    upper.set_ylabel("TV per neighbour")
    upper.set_title("after each block", fontsize="medium")
    upper.set_ylim(0, 1.15 * max((row["per_neighbour"] or 0.0 for row in rows), default=1.0) or 1.0)
    for number, (key, text) in enumerate(
        (("ratio", "step, mean"), ("largest", "step, largest"), ("euler_ratio", "Euler step, mean"),
         ("euler_largest", "Euler step, largest"))
    ):  # fmt: skip
        lower.plot(*apart(depth, [_number(row[key]) for row in rows], names), label=text, **style.look(number))
    lower.set_ylabel("TV(output) / TV(input)")
    lower.set_title("change by one step", fontsize="medium")
    style.log_around_one(lower)
    for axis in (upper, lower):
        block_axis(axis, names)
    style.legend_below(figure)
    return figure


def variance_along_depth(run: Run) -> Figure:
    """Return the measured growth of the variance, in its parts, beside Lemma 3, and the premises of the lemma."""
    rows = run["analyses"]["variance"]
    names = [row["place"] for row in rows]
    figure, (parts, ratios, links) = stacked(3, names)
    known = [(x, row) for x, row in enumerate(rows) if row["growth"] is not None]
    above, below = [1.0] * len(known), [0.0] * len(known)
    parts.bar([x for x, _ in known], above, 0.6, label="Var x", color="0.75")
    for number, (key, text) in enumerate((("own", "of F"), ("with_x", "x with F"), ("between", "stages together"))):
        heights = [row[key] for _, row in known]
        bottoms = [a if h >= 0 else b for a, b, h in zip(above, below, heights, strict=True)]
        look: dict[str, Any] = {"color": style.COLOURS[number], "hatch": style.HATCHES[number], "edgecolor": "white"}
        parts.bar([x for x, _ in known], heights, 0.6, bottom=bottoms, label=text, **look)
        above = [a + max(h, 0) for a, h in zip(above, heights, strict=True)]
        below = [b + min(h, 0) for b, h in zip(below, heights, strict=True)]
    parts.plot([x for x, _ in known], [row["growth"] for _, row in known], "kD", markersize=5, label="measured")
    parts.plot(
        range(len(rows)), [row["formula"] for row in rows], "k_", markersize=14, markeredgewidth=2, label="Lemma 3"
    )
    parts.set_ylabel("Var(output) / Var(input)")
    parts.set_title("growth of the variance, and its parts", fontsize="medium")
    _spread(ratios, rows, "value_ratio", 0, "")
    ratios.set_ylabel("Var F(u) / Var u")
    ratios.set_title("first premise of Lemma 3: 1", fontsize="medium")
    style.log_around_one(ratios)
    _spread(links, rows, "with_input", 0, "x and F")
    _spread(links, rows, "between_stages", 1, "F of two stages")
    links.axhline(0, color="0.4", linewidth=1)
    links.set_ylim(-1.05, 1.35)  # room for the legend above the largest correlation
    links.set_yticks([-1, -0.5, 0, 0.5, 1])
    links.set_ylabel("correlation")
    links.set_title("the other premises: 0", fontsize="medium")
    for axis in (parts, ratios, links):
        block_axis(axis, names)
    links.legend(frameon=False, fontsize="small", loc="upper center", ncols=2, borderaxespad=0)
    style.legend_below(figure)
    return figure


def lemma1_along_depth(run: Run) -> Figure:
    """Return the largest ratio of the Euler step at the block's dt over all stages: a panel for each norm, a curve for
    each kind of difference, and one for the block's own step."""
    rows = [row for row in run["analyses"]["lemma1"] if row["n"] and row["kind"] != "magnitude"]
    names, norms = (list(dict.fromkeys(row[key] for row in rows)) for key in ("place", "p"))
    figure, axes = stacked(max(1, len(norms)), names)
    for axis, p in zip(axes, norms, strict=False):
        for number, kind in enumerate(("pairs", "adversarial", "random", "searched")):
            worst = _worst([r for r in rows if r["p"] == p and r["kind"] == kind and r["stage"] != "step"])
            label = {"pairs": "Euler, pairs of images", "searched": "Euler, searched"}.get(kind, f"Euler, {kind}")
            axis.plot(*_worst_points(worst, names), label=label, **style.look(number))
        whole = _worst([r for r in rows if r["p"] == p and r["stage"] == "step"])
        look = style.look(4) | {"linestyle": "--", "color": "#000000"}
        axis.plot(*_worst_points(whole, names), label="whole step, largest", **look)
        block_axis(axis, names)
        style.log_around_one(axis)
        axis.set_title(f"norm {NORM_TEXT.get(p, p)}", fontsize="medium")
        axis.set_ylabel("largest ratio at h = dt")
    style.legend_below(figure)
    return figure


def lipschitz_along_depth(run: Run) -> Figure:
    """Return the local Lipschitz estimates of F (its largest stage), of the block, and of the whole network."""
    rows = run["analyses"]["lipschitz"]
    names = [row["place"] for row in rows if row["level"] == "block"]
    figure, (axis,) = stacked(1, names)
    blocks = [row for row in rows if row["level"] == "block"]
    for number, (key, text) in enumerate((("mean", "block, mean"), ("largest", "block, largest image"))):
        points = apart(range(len(names)), [row[key] for row in blocks], names)
        axis.plot(*points, label=text, **style.look(number))
    stages = [row for row in rows if row["level"] == "residual"]
    axis.plot(*_points(stages, names), label="F at each stage, mean", **style.points(2, 5))
    for row in rows:
        if row["level"] == "network":
            axis.axhline(row["mean"], color="0.3", linestyle=":", label="network, image to logits")
    block_axis(axis, names)
    style.log_around_one(axis)
    axis.set_ylabel("local Lipschitz constant, $\\ell_2$")
    style.legend_below(figure)
    return figure


ALONG_DEPTH: dict[str, Callable[[Run], Figure]] = {
    "growth": growth_along_depth,
    "variation": variation_along_depth,
    "variance": variance_along_depth,
    "lemma1": lemma1_along_depth,
    "lipschitz": lipschitz_along_depth,
}
"""The figure of each analysis that has one along the depth."""


def _worst(rows: Sequence[Run]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for row in rows:
        worst[row["place"]] = max(row["largest"], worst.get(row["place"], 0.0))
    return worst


def _spread(axis: Axes, rows: Sequence[Run], key: str, number: int, label: str) -> None:
    """Draw the values of all stages of a block side by side."""
    points = [
        (x + 0.6 * ((k + 1) / (len(row[key]) + 1) - 0.5), value)
        for x, row in enumerate(rows)
        for k, value in enumerate(row[key])
        if value is not None
    ]
    axis.plot([x for x, _ in points], [y for _, y in points], label=label or "_", **style.points(number))


def _points(rows: Sequence[Run], names: Sequence[str]) -> tuple[list[float], list[float]]:
    """Return places and means of rows; the stages of a block stand side by side, up to the next block."""
    stages = [int(row["place"].partition(" stage ")[2] or 1) for row in rows]
    gap = 0.8 / max(6, *stages, 1)
    places = [
        names.index(row["place"].partition(" stage ")[0]) + gap * (k - 1) for row, k in zip(rows, stages, strict=True)
    ]
    return places, [row["mean"] for row in rows]


def _worst_points(worst: Mapping[str, float], names: Sequence[str]) -> tuple[list[float], list[float]]:
    return apart([names.index(name) for name in worst], list(worst.values()), names)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
