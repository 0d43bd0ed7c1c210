"""Networks beside one another: growth, variance, total variation and Lipschitz constants of their blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style
from rkblocks.figures.blocks import apart, block_axis, merged, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Run = Mapping[str, Any]
Values = Callable[[Run], dict[str, float | None]]


def _values(rows: Sequence[Run], key: str, **wanted: Any) -> dict[str, float | None]:
    """Return the value of every block by its place."""
    return {row["place"]: row[key] for row in rows if all(row[name] == value for name, value in wanted.items())}


PANELS: dict[str, tuple[str, Values]] = {
    "growth": (
        "growth of adversarial\nperturbations, $\\ell_2$",
        lambda run: _values(run["analyses"]["growth"], "mean", level="block", perturbation="adversarial", p=2),
    ),
    "variance": ("Var(output) / Var(input)", lambda run: _values(run["analyses"]["variance"], "growth")),
    "variation": ("TV(output) / TV(input)", lambda run: _values(run["analyses"]["variation"], "ratio")),
    "lipschitz": (
        "local Lipschitz constant, $\\ell_2$",
        lambda run: _values(run["analyses"]["lipschitz"], "mean", level="block"),
    ),
}


def depth_comparison(runs: Sequence[Run]) -> Figure | None:
    """Return a panel for each of these analyses that all runs have, a curve for each scheme and group of blocks; None
    where there is none.

    runs: elements of "runs" in `analyze --format json`. Values of one block in several runs of a scheme are averaged,
    with bars of their deviation. Networks of different depth share an axis on which a group has its place.
    """
    shared = {name: panel for name, panel in PANELS.items() if all(name in run["analyses"] for run in runs)}
    if not shared:
        return None
    schemes = list(dict.fromkeys(str(run["blocks"]) for run in runs))
    names = merged([list(values(run)) for run in runs for _, values in shared.values()])
    figure, axes = stacked(len(shared), names)
    for axis, (text, values) in zip(axes, shared.values(), strict=True):
        for number, scheme in enumerate(schemes):
            measured = [values(run) for run in runs if str(run["blocks"]) == scheme]
            points = [[v for one in measured if (v := one.get(name)) is not None] for name in names]
            kept = [k for k in range(len(names)) if points[k]]
            bars = [stdev(points[k]) if len(points[k]) > 1 else 0.0 for k in kept]
            x, y = apart(kept, [fmean(points[k]) for k in kept], names)
            axis.errorbar(
                x,
                y,
                yerr=apart(kept, bars, names)[1] if any(bars) else None,
                capsize=2,
                label=scheme,
                **style.look(number),
            )
        block_axis(axis, names)
        axis.set_ylabel(text)
        style.log_around_one(axis)
    style.legend_below(figure)
    return figure
