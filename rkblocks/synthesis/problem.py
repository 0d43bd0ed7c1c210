"""A wish as an optimisation problem: unknowns, objective, equations and inequalities, with first derivatives.

What makes a method of the unknowns is its form's (`unknowns`); who solves (`climbing`, `polish`) asks for `bounds`,
`linear`, `objective`, `equations` and `inequalities`, and knows of no form.

Two of the goals are the largest r at which something holds (absolute monotonicity, contractivity, stability): r is then
the last unknown, ``level``.  The others are functions of K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from rkblocks.synthesis import measures
from rkblocks.synthesis.conditions import Array, OrderConditions, PrincipalError
from rkblocks.synthesis.unknowns import CanonicalForm, Entries, Form, TwoRegisters
from rkblocks.synthesis.wish import Requirement, Wish

MARGIN = Fraction(1, 10**24)
"""By so much requirements are kept from inside, where the scheme has room for it, so that decimals keep them."""
Measure = Callable[[Array], tuple[Array, Array]]
Levelled = Callable[[Array, float], tuple[Array, Array, Array]]


@dataclass(frozen=True)
class Problem:
    """The problem that belongs to a wish; ``points`` of a stability interval are looked at beside the usual ones.

    Where many methods share the best level, ``settled`` is that level: among them the sparsest alpha is sought, or, in
    other forms, the smallest coefficients.
    """

    wish: Wish
    points: tuple[float, ...] = ()
    settled: float | None = None
    margin: Fraction = Fraction(0)

    @cached_property
    def form(self) -> Form:
        """The unknowns: canonical Shu-Osher where C matters, entries of A and b else, two registers where required."""
        wish = self.wish
        if wish.required("registers", "<=") is not None:
            return TwoRegisters(wish.stages)
        ssp = wish.required("ssp", ">=", "==")
        if wish.goal == "ssp":
            return CanonicalForm(wish.stages)
        if ssp:
            return CanonicalForm(wish.stages, float(ssp))
        return Entries(wish.stages, _float(wish.required("A", ">=")), _float(wish.required("b", ">=")))

    @property
    def levelled(self) -> Levelled | None:
        """What must hold at the level, where the last unknown is one that the form does not have itself."""
        if self.wish.goal == "ssp" and not self.form.seeks_r:
            return measures.monotone
        return self._levelled(self.wish.goal)

    def _levelled(self, name: str) -> Levelled | None:
        if name in ("rho", "threshold"):
            return measures.contractive if name == "rho" else measures.threshold
        if name in ("real", "imaginary"):
            usual = (1 - np.cos(np.linspace(0, np.pi, 8 * self.wish.stages + 1)[1:])) / 2
            return self.stability(name, np.concatenate([usual, np.array(self.points)]))
        return None

    def stability(self, name: str, points: Array) -> Levelled:
        """What must hold at these points of the "real" or "imaginary" interval, as shares of its length."""
        return measures.Real(points) if name == "real" else measures.Imaginary(points, self.wish.order)

    @property
    def turns(self) -> bool:
        """Whether a stability polynomial may leave its bounds between the points that were looked at."""
        return any(
            name in ("real", "imaginary") for name in (self.wish.goal, *(r.name for r in self.wish.requirements))
        )

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.form.size + (self.levelled is not None)

    def split(self, x: Array) -> tuple[Array, float | None]:
        """The unknowns of the form, and the level."""
        return (x[:-1], x[-1]) if self.levelled is not None else (x, None)

    def method(self, x: Array) -> Array:
        """The method, shape [m + 1, m + 1]."""
        return self.form.method(self.split(x)[0])

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Least and largest values of the unknowns."""
        lower, upper = self.form.lower, self.form.upper
        if self.levelled is not None:
            lower, upper = np.append(lower, 1e-3), np.append(upper, self._most)
        if self.settled is not None:
            lower, upper = lower.copy(), upper.copy()
            lower[-1] = upper[-1] = self.settled
        return lower, upper

    @cached_property
    def linear(self) -> tuple[Array, Array]:
        """Rows of linear conditions ``matrix @ x + offset >= 0``, shapes [n, size] and [n]; n may be 0."""
        if self.form.linear is None:
            return np.zeros((0, self.size)), np.zeros(0)
        matrix, offset = self.form.linear
        return np.pad(matrix, ((0, 0), (0, self.size - matrix.shape[1]))), offset

    @property
    def _most(self) -> float:
        """No level is above it: 2 m**2 for the real interval (Chebyshev), m for all others."""
        return 2.0 * self.wish.stages**2 if self.wish.goal == "real" else float(self.wish.stages)

    def start(self, random: np.random.Generator) -> Array:
        """A random starting point."""
        x = self.form.start(random)
        return x if self.levelled is None else np.append(x, 0.1 + 0.4 * random.random())

    # -- the functions, each as (values, derivatives) -----------------------------------------------------------------

    def objective(self, x: Array) -> tuple[Array, Array]:
        """What is minimised, shapes [1] and [1, size]."""
        if self.settled is not None:
            values, slopes = self.form.clutter(self.split(x)[0])
            return values, self._padded(slopes)
        if self.has_level:
            slope = np.zeros((1, self.size), dtype=x.dtype)
            slope[0, -1] = -1
            return -x[-1:], slope
        return self._measured(x, self._goal)

    @property
    def has_level(self) -> bool:
        """Whether the last unknown is what is to be large."""
        return self.levelled is not None or self.form.seeks_r

    @cached_property
    def _goal(self) -> Measure:
        return measures.growth if self.wish.goal == "growth" else PrincipalError(self.wish.order)

    @cached_property
    def _order(self) -> OrderConditions:
        return OrderConditions(self.wish.order)

    def equations(self, x: Array) -> tuple[Array, Array]:
        """Order conditions, and what is required with ``==``; all are to be zero."""
        found = [self._measured(x, self._order)]
        found += [self._limit(x, r) for r in self.wish.requirements if r.relation == "==" and r.name != "ssp"]
        return _stacked(found)

    def inequalities(self, x: Array) -> tuple[Array, Array] | None:
        """What is to be nonnegative and is not linear in the unknowns; None where there is nothing."""
        limits = self.exact_inequalities(x)
        found = [] if limits is None else [limits]
        if self.levelled is not None:
            form, level = self.split(x)
            assert level is not None
            values, slopes, by_level = self.levelled(self.form.method(form), level)
            found.append((values, np.concatenate([self.form.pull(form, slopes), by_level[:, None]], 1)))
        for r in self.wish.requirements:
            if (held := self._held(r)) is not None:
                values, slopes, _ = held(self.method(x), float(r.value))
                found.append((values, self._padded(self.form.pull(self.split(x)[0], slopes))))
        if (entries := self._entries(x)) is not None:
            found.append(entries)
        return _stacked(found) if found else None

    def exact_inequalities(self, x: Array) -> tuple[Array, Array] | None:
        """Those of the inequalities that multiprecision numbers can go through: bounds of growth and error."""
        found = [
            self._limit(x, r) for r in self.wish.requirements if r.relation == "<=" and r.name in ("growth", "error")
        ]
        return _stacked(found) if found else None

    def _held(self, requirement: Requirement) -> Levelled | None:
        """What must hold at the value that a requirement names, where the form does not see to it."""
        if requirement.name == "ssp":
            needed = requirement.value > 0 and self.form.r is None
            return measures.monotone if needed else None
        return self._levelled(requirement.name)

    def _limit(self, x: Array, requirement: Requirement) -> tuple[Array, Array]:
        """``value - growth`` and the like; nonnegative where the requirement holds."""
        measure = measures.growth if requirement.name == "growth" else PrincipalError(self.wish.order)
        value = requirement.value if requirement.name == "growth" else requirement.value**2
        if requirement.relation == "<=":
            value -= self.margin
        values, slopes = self._measured(x, measure)
        one = values[0] * 0 + 1
        return one * value.numerator / value.denominator - values, -slopes

    def _entries(self, x: Array) -> tuple[Array, Array] | None:
        """Bounds of entries that are no bounds of the unknowns: of A and b in another form, and of c."""
        chosen: list[tuple[tuple[int, int] | int, int, float]] = []
        m = self.wish.stages
        for r in self.wish.requirements:
            sign = -1 if r.relation == "<=" else 1
            if r.name == "c":
                chosen += [(i, sign, float(r.value)) for i in range(1, m)]
            elif r.name in ("A", "b") and not self.form.bounds_entries:
                rows = range(1, m) if r.name == "A" else [m]
                chosen += [((i, j), sign, float(r.value)) for i in rows for j in range(min(i, m))]
        if not chosen:
            return None
        K = self.method(x)
        values, slopes = np.zeros(len(chosen)), np.zeros((len(chosen), *K.shape))
        for k, (place, sign, value) in enumerate(chosen):
            at = (place, slice(0, m)) if isinstance(place, int) else place
            slopes[k][at] = sign
            values[k] = sign * (np.sum(K[at]) - value)
        return values, self._padded(self.form.pull(self.split(x)[0], slopes))

    def _measured(self, x: Array, measure: Measure) -> tuple[Array, Array]:
        form, _ = self.split(x)
        values, slopes = measure(self.form.method(form))
        return values, self._padded(self.form.pull(form, slopes))

    def _padded(self, slopes: Array) -> Array:
        """With a column of zeros for the level."""
        if self.levelled is None:
            return slopes
        return np.concatenate([slopes, np.zeros((len(slopes), 1), dtype=slopes.dtype)], 1)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _stacked(parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    return np.concatenate([values for values, _ in parts]), np.concatenate([slopes for _, slopes in parts])
