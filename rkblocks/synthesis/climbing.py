"""From random starting points to local optima in doubles; each is a function of the wish, the seed and its number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from rkblocks.synthesis.conditions import Array
from rkblocks.synthesis.problem import Problem
from rkblocks.synthesis.wish import Wish

FEASIBLE = 1e-8
"""Largest violation of a condition, in doubles, of what is taken for a solution; Newton's method mends the rest."""
STEPS = 300
YIELD = 1e-7
"""Share of a level that is given up for small coefficients."""
ROUNDS = 4
"""How often the turning points of a stability polynomial are looked for again."""


@dataclass(frozen=True)
class Optimum:
    """A local optimum: the unknowns, the value of the goal, and which start it came from."""

    x: tuple[float, ...]
    value: float
    start: int
    points: tuple[float, ...] = ()


def climb(wish: Wish, seed: int, start: int) -> Optimum | None:
    """The local optimum that one start leads to, None where it leads to no method that meets the conditions.

    First the conditions alone, by least squares; then the goal, by sequential quadratic programming (Kraft 1988).
    """
    random = np.random.default_rng([seed, start])
    problem = Problem(wish)
    x = problem.start(random)
    lower, upper = problem.bounds
    if (forced := _forced(problem, random)) is not None:
        upper = upper.copy()
        upper[forced] = 0.0
    with np.errstate(all="ignore"):
        try:
            x = _approached(problem, np.clip(x, lower, upper), lower, upper)
            x = _optimum(problem, x, lower, upper)
            for _ in range(ROUNDS if problem.turns else 0):
                problem = replace(problem, points=_turning(problem, x))
                x = _optimum(problem, x, lower, upper)
            x = _onto(problem, x, lower, upper)
            if problem.has_level:
                problem, x = _tidied(problem, x)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError):
            return None  # a start that ran into numbers out of range
        if not np.isfinite(x).all() or _violation(problem, x) > FEASIBLE:
            return None
        value = float(replace(problem, settled=None).objective(x)[0][0])
    return Optimum(tuple(map(float, x)), value, start, problem.points)


def _tidied(problem: Problem, x: Array) -> tuple[Problem, Array]:
    """Of the methods that share the level of x, a sparse or small one; x itself where the search for it fails.

    A level that rounding could spoil, of a stability polynomial that touches its bounds, gives way by `YIELD`.
    """
    level = float(x[-1]) * (1 - YIELD if problem.levelled is not None else 1)
    settled = replace(problem, settled=level)
    lower, upper = settled.bounds
    start = x.copy()
    start[-1] = level
    if _violation(settled, start) > 10 * FEASIBLE:
        return problem, x
    tidy = _onto(settled, _optimum(settled, start, lower, upper), lower, upper)
    if settled.turns:
        settled = replace(settled, points=_turning(settled, tidy))
        tidy = _onto(settled, _optimum(settled, tidy, lower, upper), lower, upper)
    good = np.isfinite(tidy).all() and _violation(settled, tidy) <= FEASIBLE
    return (settled, tidy) if good and settled.objective(tidy)[0][0] <= settled.objective(start)[0][0] else (problem, x)


def _forced(problem: Problem, random: np.random.Generator) -> int | None:
    """With ``ssp == c``, an entry of alpha that is kept at zero, so that it is negative above c."""
    exactly = problem.wish.required("ssp", "==")
    return int(random.integers(problem.form.size)) if exactly and len(problem.linear[0]) else None


def _linear(problem: Problem) -> list[dict[str, Any]]:
    matrix, offset = problem.linear
    return [{"type": "ineq", "fun": lambda x: matrix @ x + offset, "jac": lambda x: matrix}] if len(matrix) else []


def _approached(problem: Problem, x: Array, lower: Array, upper: Array) -> Array:
    """A point near the conditions, by least squares within the bounds."""

    def squares(x: Array) -> tuple[float, Array]:
        values, slopes = problem.equations(x)
        return 0.5 * float(values @ values), slopes.T @ values

    options = {"maxiter": 60, "ftol": 1e-12}
    bounds = list(zip(lower, upper, strict=True))
    found = minimize(squares, x, jac=True, method="SLSQP", bounds=bounds, constraints=_linear(problem), options=options)
    best: Array = np.clip(found.x, lower, upper)
    return best


def _optimum(problem: Problem, x: Array, lower: Array, upper: Array) -> Array:
    equations, inequalities = _once(problem.equations), _once(problem.inequalities)
    constraints: list[dict[str, Any]] = [
        {"type": "eq", "fun": lambda x: equations(x)[0], "jac": lambda x: equations(x)[1]},
        *_linear(problem),
    ]
    if problem.inequalities(x) is not None:
        constraints.append({"type": "ineq", "fun": lambda x: inequalities(x)[0], "jac": lambda x: inequalities(x)[1]})
    objective = _once(problem.objective)
    unit = max(abs(float(objective(x)[0][0])), 1e-12)  # errors of high order are small numbers
    found = minimize(
        lambda x: float(objective(x)[0][0]) / unit,
        x,
        jac=lambda x: objective(x)[1][0] / unit,
        method="SLSQP",
        bounds=list(zip(lower, upper, strict=True)),
        constraints=constraints,
        options={"maxiter": STEPS, "ftol": 1e-13},
    )
    best: Array = np.clip(found.x, lower, upper)
    return best


def _onto(problem: Problem, x: Array, lower: Array, upper: Array) -> Array:
    """The nearest point that meets the equations, by Newton's method; unknowns at a bound stay there."""
    free = (x > lower) & (x < upper)
    for _ in range(6):
        values, slopes = problem.equations(x)
        if not np.abs(values).max() > 1e-14:
            break
        step = np.zeros(len(x))
        step[free] = np.linalg.lstsq(slopes[:, free], values, rcond=1e-12)[0]
        x = x - step
    return np.clip(x, lower, upper)


def _once(function: Any) -> Any:
    """The function, computed once for values and derivatives at the same point."""
    last: list[Any] = [None, None]

    def remembered(x: Array) -> Any:
        key = x.tobytes()
        if last[0] != key:
            last[:] = [key, function(x)]
        return last[1]

    return remembered


def _violation(problem: Problem, x: Array) -> float:
    worst = float(np.abs(problem.equations(x)[0]).max())
    matrix, offset = problem.linear
    worst = max(worst, -float((matrix @ x + offset).min(initial=0)))
    if (held := problem.inequalities(x)) is not None:
        worst = max(worst, -float(held[0].min()))
    return worst


def _turning(problem: Problem, x: Array) -> tuple[float, ...]:
    """The points of the stability interval at which the polynomial is closest to its bounds, locally."""
    fine = replace(problem, points=tuple((1 - np.cos(np.linspace(0, np.pi, 4001)[1:])) / 2))
    found = set(problem.points)
    for name, level in [
        (problem.wish.goal, float(x[-1])),
        *((r.name, float(r.value)) for r in problem.wish.requirements),
    ]:
        if name not in ("real", "imaginary"):
            continue
        points = np.array(fine.points)
        values = fine.stability(name, points)(fine.method(x), level)[0].reshape(-1, len(points)).min(0)
        inner = (values[1:-1] <= values[:-2]) & (values[1:-1] <= values[2:])
        found.update(float(s) for s in points[1:-1][inner])
    return tuple(sorted(found))
