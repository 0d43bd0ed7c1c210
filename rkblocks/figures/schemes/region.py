"""A family in its parameter space: the SSP coefficient R over one or two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rkblocks import verify
from rkblocks.diagnostics import fail
from rkblocks.extras import require
from rkblocks.figures import style
from rkblocks.figures.sampling import Sample, sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rkblocks.exact.field import Field
    from rkblocks.tableau import Parameter, Tableau
    from rkblocks.verify import Report

POINTS = {1: 801, 2: 301}
"""Points along each parameter."""


def region(tableau: Tableau) -> Figure:
    """Return R over the parameters that have an effect: a curve for one; for two a map, with the initial point.

    Beyond two, the others stay at their initial values. What is drawn is found by bisection in double precision;
    `rkblocks check` has the exact cases. Where the file has a Shu-Osher form, the part of the domain in which it is
    nonnegative as written is marked too.

    Raises RkblocksError: RK843 for a scheme without effective parameters, or one that is consistent on a constraint
    only.
    """
    report = verify.check(tableau)
    effective = [p for p in tableau.parameters if p.name not in (report.ineffective or ())]
    consistent = report.order is not None and report.order.value > 0
    if not effective or not consistent:
        fail(
            "RK843",
            f"there is no region of {tableau.name} to draw: "
            f"{'it is not consistent as a family' if effective else 'no parameter has an effect'}",
            help="`rkblocks list --family` shows the families; --figure monotonicity draws any scheme",
        )
    axes = sorted(effective, key=lambda p: not p.learnable)[:2]
    windows = [_window(tableau.field.constants, p) for p in axes]
    start = [tableau.field.constants.to_float(p.init) for p in axes]
    points = POINTS[len(axes)]
    found = sample(tableau, axes, windows, points)
    closer = [_closer(p, w, *span) for p, w, span in zip(axes, windows, _spans(found, start), strict=True)]
    if closer != windows:
        found = sample(tableau, axes, closer, points)
    others = " with the others at their initial values" if len(effective) > 2 else ""
    proxies: list[Any] = []
    figure, ((axis,),) = style.new(width=5.2 if len(axes) == 2 else 4.8, height=3.9)
    if len(axes) == 2:
        mesh, proxies = _map(axis, found, start)
        figure.colorbar(mesh, ax=axis, label="optimal C (grey: 0)")
        axis.set_ylabel(axes[1].name)
    else:
        _curve(axis, found, start[0])
        axis.set_ylabel("SSP coefficient C")
    axis.set_xlabel(axes[0].name)
    axis.set_title(f"{tableau.name}: C{others}", fontsize="medium")
    if _without_limit(report):
        axis.text(0.5, 0.5, "C = 0 on the whole domain", transform=axis.transAxes, ha="center", va="center")
    style.legend_below(figure, *proxies)
    return figure


def _without_limit(report: Report) -> bool:
    """Whether it is proved that C = 0 for every member, so that the curve is a line at 0."""
    cases = None if report.ssp is None or report.ssp.optimal is None else report.ssp.optimal.cases
    return bool(cases) and all(case.number is not None and case.number.is_zero for case in cases or ())


def _curve(axis: Axes, found: Sample, start: float) -> None:
    np = require("numpy", "figures", "a figure")
    (t,) = found.lines
    axis.plot(t, found.R, color=style.COLOURS[0], linewidth=2, label="optimal C")
    if found.declared is not None and np.isfinite(found.declared).any():
        axis.plot(t, found.declared, color=style.COLOURS[1], linestyle="--", linewidth=1.6, label="C as declared")
    axis.plot([start], [np.interp(start, t, found.R)], "o", color=style.COLOURS[5], label="initial value")
    axis.set_xlim(t[0], t[-1])
    top = found.R.max() or 1.0
    axis.set_ylim(-0.04 * top, 1.05 * top)


def _map(axis: Axes, found: Sample, start: Sequence[float]) -> tuple[Any, list[Any]]:
    """Draw the map and return it, for its scale of colours, with what else the legend needs."""
    from matplotlib.lines import Line2D

    np = require("numpy", "figures", "a figure")
    proxies = []
    (x, y), R = found.lines, found.R
    top = float(R.max()) or 1.0
    coloured = np.where(R > 0, R, np.nan).T
    mesh = axis.pcolormesh(x, y, coloured, cmap="viridis", vmin=0, vmax=top, shading="nearest", rasterized=True)
    axis.set_facecolor("0.9")
    if R.max() > 0:
        lines = axis.contour(x, y, R.T, colors="white", linewidths=0.8, levels=5)
        axis.clabel(lines, fmt="%.2g", fontsize="x-small")
    if found.declared is not None:
        fine = np.isfinite(found.declared)
        if fine.any() and not fine.all():
            edge: dict[str, Any] = {"linestyles": "--", "linewidths": 1.6, "colors": [style.COLOURS[1]]}
            axis.contour(x, y, fine.astype(float).T, levels=[0.5], **edge)
            label = "declared form nonnegative inside"
            proxies.append(Line2D([], [], linestyle="--", color=style.COLOURS[1], label=label))
    axis.plot([start[0]], [start[1]], "o", color=style.COLOURS[1], markeredgecolor="white", label="initial values")
    axis.grid(False)
    return mesh, proxies


def _spans(found: Sample, start: Sequence[float]) -> list[tuple[float, float]]:
    """Return along each parameter the least interval that holds the initial value and all points with R > 0."""
    np = require("numpy", "figures", "a figure")
    spans = []
    for k, (line, value) in enumerate(zip(found.lines, start, strict=True)):
        hit = line[np.any(found.R > 0, axis=tuple(n for n in range(found.R.ndim) if n != k))]
        spans.append((min(value, *hit[:1]), max(value, *hit[-1:])) if hit.size else (value, value))
    return spans


def _closer(p: Parameter, window: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """Return the window, cut to what is of interest in a direction in which the domain has no bound."""
    if low == high:
        return window
    room = 0.3 * (high - low)
    left = max(window[0], low - room) if p.low is None else window[0]
    right = min(window[1], high + room) if p.high is None else window[1]
    return left, right


def _window(numbers: Field, p: Parameter) -> tuple[float, float]:
    """Return the part of the domain that is drawn: all of it, or as far as twice the way to the initial value."""
    start = numbers.to_float(p.init)
    low = None if p.low is None else numbers.to_float(p.low)
    high = None if p.high is None else numbers.to_float(p.high)
    if low is None and high is None:
        return start - max(1.0, abs(start)), start + max(1.0, abs(start))
    if high is None:
        assert low is not None
        return low, start + max(start - low, 1.0)
    return (start - max(high - start, 1.0) if low is None else low), high
