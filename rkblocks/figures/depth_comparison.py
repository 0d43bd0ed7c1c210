"""Networks beside one another: growth, variance, total variation and Lipschitz constants of their blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Run = Mapping[str, Any]
Values = Callable[[Run], list[float | None]]


def _blocks(rows: Sequence[Run], key: str, **wanted: Any) -> list[float | None]:
    return [row[key] for row in rows if all(row[name] == value for name, value in wanted.items())]


PANELS: dict[str, tuple[str, Values]] = {
    "growth": (
        "growth of adversarial\nperturbations, $\\ell_2$",
        lambda run: _blocks(run["analyses"]["growth"], "mean", level="block", perturbation="adversarial", p=2),
    ),
    "variance": ("Var(output) / Var(input)", lambda run: _blocks(run["analyses"]["variance"], "growth")),
    "variation": ("TV(output) / TV(input)", lambda run: _blocks(run["analyses"]["variation"], "ratio")),
    "lipschitz": (
        "local Lipschitz constant, $\\ell_2$",
        lambda run: _blocks(run["analyses"]["lipschitz"], "mean", level="block"),
    ),
}


def depth_comparison(runs: Sequence[Run]) -> Figure | None:
    """Return a panel for each of these analyses that all runs have, a curve for each scheme; None where there is none.

    runs: elements of "runs" in `analyze --format json`. Runs of one scheme are averaged, with bars of their deviation.
    """
    shared = {name: panel for name, panel in PANELS.items() if all(name in run["analyses"] for run in runs)}
    if not shared:
        return None
    schemes = list(dict.fromkeys(str(run["blocks"]) for run in runs))
    figure, axes = style.new(1, len(shared), width=3.3, height=3.0)
    for axis, (text, values) in zip(axes[0], shared.values(), strict=True):
        for number, scheme in enumerate(schemes):
            columns = [values(run) for run in runs if str(run["blocks"]) == scheme]
            depth = min(map(len, columns))
            points = [[v for column in columns if (v := column[k]) is not None] for k in range(depth)]
            kept = [k for k in range(depth) if points[k]]
            bars = [stdev(points[k]) if len(points[k]) > 1 else 0.0 for k in kept]
            axis.errorbar(
                [k + 1 for k in kept],
                [fmean(points[k]) for k in kept],
                yerr=bars if any(bars) else None,
                capsize=2,
                label=scheme,
                **style.look(number),
            )
        axis.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
        axis.set_xlabel("block, from the input on")
        axis.set_ylabel(text)
        style.log_around_one(axis)
    style.legend_below(figure, axes[0][0])
    return figure
