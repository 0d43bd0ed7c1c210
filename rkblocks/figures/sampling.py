"""A family at many points of its parameters at once, in double precision: for figures, which decide nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from rkblocks.diagnostics import fail
from rkblocks.extras import require

if TYPE_CHECKING:
    from rkblocks.exact.field import Element, Field
    from rkblocks.exact.value import Exact
    from rkblocks.tableau import Parameter, Tableau

STEPS = 48
SLACK = 1e-11
Window = tuple[float, float]


def doubles(tableau: Tableau, what: str, numbers: Sequence[Exact]) -> list[float]:
    """Return the numbers of a scheme as doubles.  RK330 where one is beyond their range, named by `what`."""
    found = []
    for exact in numbers:
        if exact.nearest is None:
            beyond(tableau, f"{what} has the number", exact.brief(24))
        found.append(exact.nearest)
    return found


def beyond(tableau: Tableau, what: str, found: str) -> NoReturn:
    """RK330: the figure of a scheme whose numbers doubles cannot hold."""
    fail(
        "RK330",
        f"{tableau.name} cannot be drawn: {what} {found}, expected numbers in the range of doubles",
        help="`rkblocks check --verbose` shows the exact numbers",
    )


@dataclass(frozen=True)
class Sample:
    """Arrays over a grid of one or two parameters, whose points are `lines`.

    `R` is the optimal SSP coefficient, `declared` what the form as written certifies (NaN where an entry is negative;
    None where there is no form).
    """

    lines: tuple[Any, ...]
    R: Any
    declared: Any


def sample(tableau: Tableau, axes: Sequence[Parameter], windows: Sequence[Window], points: int) -> Sample:
    """Return R and the declared coefficient over the open windows, the other parameters at their initial values."""
    np = require("numpy", "figures", "a figure")
    lines = tuple(np.linspace(low, high, points + 2)[1:-1] for low, high in windows)
    grid = np.meshgrid(*lines, indexing="ij")
    values = {p.name: tableau.field.constants.to_float(p.init) for p in tableau.parameters}
    values |= {p.name: part.ravel() for p, part in zip(axes, grid, strict=True)}
    count, shape = grid[0].size, grid[0].shape
    method = (*tableau.reduced.A, tableau.reduced.b)
    with np.errstate(all="ignore"):  # a pole may lie at an end of the domain
        K = [[_evaluated(np, tableau.field, e, values, count) for e in row[:i]] for i, row in enumerate(method)]
        R = _radius(np, K, count).reshape(shape)
        declared = _declared(np, tableau, values, count)
    return Sample(lines, R, None if declared is None else declared.reshape(shape))


def _evaluated(np: Any, field: Field, a: Element, values: Mapping[str, Any], count: int) -> Any:
    """Return an element at all points at once, in doubles."""
    if not field.parameters:
        return np.full(count, field.to_float(a))

    def polynomial(part: Any) -> Any:
        total = np.zeros(count)
        for monomial, coefficient in part.terms():
            term = np.full(count, field.constants.to_float(coefficient))
            for name, exponent in zip(field.parameters, monomial, strict=True):
                if exponent:
                    term = term * values[name] ** exponent
            total = total + term
        return total

    return polynomial(a.numer) / polynomial(a.denom)


def _radius(np: Any, K: Any, count: int) -> Any:
    """Return R at all points by bisection; 0 where an entry is negative for small r."""
    total = np.maximum(sum(K[-1]), 1e-3)
    low, high = np.zeros(count), np.minimum(len(K) / total, 1e6)
    for _ in range(STEPS):
        middle = (low + high) / 2
        feasible = _nonnegative(np, K, middle)
        low, high = np.where(feasible, middle, low), np.where(feasible, high, middle)
    return np.where(low > 1e-9, low, 0.0)


def _nonnegative(np: Any, K: Any, r: Any) -> Any:
    fine = np.isfinite(r)
    P: list[list[Any]] = []
    d: list[Any] = []
    for row in K:
        new, rest = list(row), np.ones_like(r)
        for j, entry in enumerate(row):
            factor = r * entry
            rest = rest - factor * d[j]
            for k, value in enumerate(P[j]):
                new[k] = new[k] - factor * value
        for value in (rest, *new):
            fine &= value >= -SLACK
        P.append(new)
        d.append(rest)
    return fine


def _declared(np: Any, tableau: Tableau, values: Mapping[str, Any], count: int) -> Any:
    """Return what the form as written certifies at each point, NaN where an entry is negative; None without a form."""
    form, field = tableau.shu_osher, tableau.field
    if form is None:
        return None
    least = np.full(count, np.inf)
    fine = np.ones(count, dtype=bool)
    for alpha_row, beta_row in zip(form.alpha, form.beta, strict=True):
        for a, weight in zip(alpha_row, beta_row, strict=True):
            alpha = _evaluated(np, field, a, values, count)
            beta = _evaluated(np, field, weight, values, count)
            fine &= (alpha >= -SLACK) & (beta >= -SLACK)
            ratio = np.where(beta > SLACK, np.maximum(alpha, 0) / np.where(beta > SLACK, beta, 1), np.inf)
            least = np.minimum(least, ratio)
    return np.where(fine, least, np.nan)
