"""Figure 4 of the paper: the perturbation growth ratio of every group, scheme beside scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from rkblocks.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NORM_TEXT = {1: "$\\ell_1$", 2: "$\\ell_2$", "inf": "$\\ell_\\infty$"}


def growth(runs: Sequence[Mapping[str, Any]], norms: Sequence[int | str] = (1, 2, "inf")) -> Figure:
    """Return the figure of these runs: a row for each norm, a column for each kind of perturbation, so that kinds are
    compared on one axis; a curve for each scheme.

    runs: elements of "runs" in `analyze --format json`. Runs of the same blocks are averaged; their bars are the
    deviation over the runs (with one run there is no bar: the spread over images is another thing).
    """
    kinds = list(dict.fromkeys(kind for run in runs for kind in run["growth"]))
    groups = list(dict.fromkeys(row["group"] for run in runs for kind in kinds for row in run["growth"].get(kind, ())))
    schemes = list(dict.fromkeys(str(run["blocks"]) for run in runs))
    figure, axes = style.new(len(norms), max(1, len(kinds)), width=2.8, height=2.5)
    for row, p in zip(axes, norms, strict=True):
        for axis, kind in zip(row, kinds, strict=False):
            for number, scheme in enumerate(schemes):
                points = _points([run for run in runs if str(run["blocks"]) == scheme], kind, p)
                shift = 0.06 * (number - (len(schemes) - 1) / 2)
                places = [number] if len(groups) == 1 else [groups.index(group) + shift for group in points]
                places = places[: len(points)]
                means = [fmean(values) for values in points.values()]
                bars = [stdev(values) if len(values) > 1 else 0.0 for values in points.values()]
                axis.errorbar(
                    places, means, yerr=bars if any(bars) else None, capsize=2, label=scheme, **style.look(number)
                )
            if len(groups) == 1:  # beside one another, by name: there is nothing to join
                axis.set_xticks(
                    range(len(schemes)), list(map(style.fit, schemes)), rotation=90 if len(schemes) > 3 else 0
                )
                axis.set_xlim(-0.6, len(schemes) - 0.4)
                axis.set_xlabel("scheme")
            else:
                axis.set_xticks(range(len(groups)), [style.fit(group.removeprefix("group")) for group in groups])
                axis.set_xlabel("group")
            axis.set_ylabel(f"growth ratio in {NORM_TEXT.get(p, p)}")
            axis.set_title(f"{kind} perturbations", fontsize="medium")
        style.log_around_one(*row)
    if len(groups) != 1:
        style.legend_below(figure)
    return figure


def _points(runs: Sequence[Mapping[str, Any]], kind: str, p: int | str) -> dict[str, list[float]]:
    """Return the means of each run, by group."""
    points: dict[str, list[float]] = {}
    for run in runs:
        for row in run["growth"].get(kind, ()):
            if row["p"] == p and row["mean"] is not None:
                points.setdefault(row["group"], []).append(row["mean"])
    return points
