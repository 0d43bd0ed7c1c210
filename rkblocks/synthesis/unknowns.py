"""Unknowns to methods: three ways to write K = [[A, 0], [b, 0]] as a function of a vector, with derivatives.

Each form has ``size`` unknowns between ``lower`` and ``upper``; ``method(x)`` is K, ``pull(x, slopes)`` turns
derivatives by K, shape [n, m + 1, m + 1], into derivatives by x, shape [n, size].  Both take doubles or multiprecision
numbers (dtype object).  What else a problem has to know of a form are its attributes, so that none asks which it is.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from rkblocks.synthesis.conditions import Array

LARGEST = 20.0
"""Bound of the coefficients during a search: beyond it a method is of no use in floating point."""


class Form(Protocol):
    """A parametrisation of explicit methods; see the module.

    ``linear`` are rows of linear conditions ``matrix @ x + offset >= 0``.  ``r``: where all methods of the form are
    absolutely monotonic; ``seeks_r``: r is the last unknown.  ``bounds_entries``: ``lower`` are bounds of A and b.
    """

    size: int
    lower: Array
    upper: Array
    linear: tuple[Array, Array] | None
    r: float | None
    seeks_r: bool
    bounds_entries: bool

    def method(self, x: Array) -> Array:
        """The method, shape [m + 1, m + 1]."""

    def pull(self, x: Array, slopes: Array) -> Array:
        """Derivatives by x."""

    def start(self, random: np.random.Generator) -> Array:
        """A random starting point, shape [size]."""

    def clutter(self, x: Array) -> tuple[Array, Array]:
        """What is least for the tidiest of several equally good methods, and its derivatives, shapes [1], [1, size]."""


class _OfEntries:
    """What the forms have in common whose methods are tidy where their entries are small."""

    linear: tuple[Array, Array] | None = None
    r: float | None = None
    seeks_r = False
    bounds_entries = False

    def clutter(self: Form, x: Array) -> tuple[Array, Array]:
        """The sum of the squares of the entries."""
        K = self.method(x)
        return np.array([(K * K).sum()], dtype=x.dtype), self.pull(x, 2 * K[None])


class Entries(_OfEntries):
    """The entries of A and b themselves (Butcher's form); ``least_A``, ``least_b`` bound them from below."""

    bounds_entries = True

    def __init__(self, stages: int, least_A: float | None = None, least_b: float | None = None) -> None:
        self.stages = stages
        self._at = np.tril_indices(stages + 1, -1)
        self.size = len(self._at[0])
        least = np.full(self.size, -LARGEST)
        of_b = self._at[0] == stages
        if least_A is not None:
            least[~of_b] = least_A
        if least_b is not None:
            least[of_b] = least_b
        self.lower, self.upper = least, np.full(self.size, LARGEST)

    def method(self, x: Array) -> Array:
        K = np.zeros((self.stages + 1, self.stages + 1), dtype=x.dtype)
        K[self._at] = x
        return K

    def pull(self, x: Array, slopes: Array) -> Array:
        return slopes[:, self._at[0], self._at[1]]

    def start(self, random: np.random.Generator) -> Array:
        """Nodes in ascending order in [0, 1], most of each row on the stage before, positive weights."""
        m = self.stages
        K = np.zeros((m + 1, m + 1))
        c = np.sort(random.random(m))
        for i in range(1, m):
            row = random.random(i) ** 2 * np.where(random.random(i) < 0.2, -1, 1)
            row[-1] += random.random()
            K[i, :i] = row * c[i] / max(abs(row.sum()), 0.2)
        weights = random.random(m) + 0.1
        K[m, :m] = weights / weights.sum()
        return np.clip(K[self._at], self.lower, self.upper)


class CanonicalForm:
    """The canonical Shu-Osher form at r: ``alpha = r P(r) >= 0``, row sums at most 1, ``K = ((I - alpha)**-1 - I)/r``.

    Absolute monotonicity at r is then linear (Ferracina & Spijker 2004; Higueras 2005).  With ``r`` None the last
    unknown is r itself.
    """

    bounds_entries = False

    def __init__(self, stages: int, r: float | None = None) -> None:
        self.stages, self.r, self.seeks_r = stages, r, r is None
        n = stages + 1
        self._at = np.tril_indices(n, -1)
        self.entries = len(self._at[0])
        self.size = self.entries + (r is None)
        self.lower, self.upper = np.zeros(self.size), np.ones(self.size)
        if r is None:
            self.lower[-1], self.upper[-1] = 1e-3, stages
        sums = np.zeros((stages, self.size))
        sums[self._at[0] - 1, np.arange(self.entries)] = -1
        self.linear: tuple[Array, Array] | None = (sums, np.ones(stages))

    def alpha(self, x: Array) -> Array:
        """The array alpha, shape [m + 1, m + 1], without the share of the step's start."""
        alpha = np.zeros((self.stages + 1, self.stages + 1), dtype=x.dtype)
        alpha[self._at] = x[: self.entries]
        return alpha

    def _unfolded(self, x: Array) -> tuple[Array, Any]:
        """``(I - alpha)**-1``, and r, in the arithmetic of x."""
        r = x[-1] if self.r is None else self.r
        alpha, n = self.alpha(x), self.stages + 1
        inverse = np.eye(n, dtype=x.dtype)
        for i in range(1, n):  # forward substitution, exact in the zeros above the diagonal
            inverse[i] = inverse[i] + alpha[i, :i] @ inverse[:i]
        return inverse, r

    def method(self, x: Array) -> Array:
        inverse, r = self._unfolded(x)
        K: Array = (inverse - np.eye(self.stages + 1, dtype=x.dtype)) / r
        return K

    def pull(self, x: Array, slopes: Array) -> Array:
        inverse, r = self._unfolded(x)
        by_alpha: Array = (inverse.T @ slopes @ inverse.T)[:, self._at[0], self._at[1]] / r
        if self.r is not None:
            return by_alpha
        K = (inverse - np.eye(self.stages + 1, dtype=x.dtype)) / r
        by_r = -(slopes * K).sum((1, 2)) / r
        return np.concatenate([by_alpha, by_r[:, None]], 1)

    def start(self, random: np.random.Generator) -> Array:
        """Rows that lean on the stage before, as all known optima do."""
        alpha = np.zeros((self.stages + 1, self.stages + 1))
        for i in range(1, self.stages + 1):
            row = random.random(i) ** 3
            row[-1] += 2 * random.random()
            alpha[i, :i] = row / row.sum() * (0.7 + 0.3 * random.random())
        x = alpha[self._at]
        return x if self.r is not None else np.append(x, self.stages * (0.2 + 0.6 * random.random()))

    def clutter(self, x: Array) -> tuple[Array, Array]:
        """Minus the sum of the squares of alpha, which is largest at the corners of what is allowed."""
        entries, slope = x[: self.entries], np.zeros((1, self.size), dtype=x.dtype)
        slope[0, : self.entries] = -2 * entries
        return np.array([-(entries @ entries)], dtype=x.dtype), slope


class TwoRegisters(_OfEntries):
    """Williamson's low-storage form (1980): ``D_i = A_i D_(i-1) + F(u_i)``, ``u_(i+1) = u_i + B_i D_i``, A_1 = 0.

    The unknowns are A_2 ... A_m, B_1 ... B_m; a step needs the registers u and D alone.
    """

    def __init__(self, stages: int) -> None:
        self.stages = stages
        self.size = 2 * stages - 1
        self.lower, self.upper = np.full(self.size, -LARGEST), np.full(self.size, LARGEST)

    def _split(self, x: Array) -> tuple[list[object], Array]:
        return [0, *x[: self.stages - 1]], x[self.stages - 1 :]

    def _rows(self, x: Array) -> tuple[Array, Array]:
        """K, and the rows of D as combinations of the values of F, shape [m, m]."""
        A, B = self._split(x)
        m = self.stages
        K, D = np.zeros((m + 1, m + 1), dtype=x.dtype), np.zeros((m, m), dtype=x.dtype)
        for i in range(m):
            if i:
                D[i] = A[i] * D[i - 1]
            D[i, i] = D[i, i] + 1
            K[i + 1, :m] = K[i, :m] + B[i] * D[i]
        return K, D

    def method(self, x: Array) -> Array:
        return self._rows(x)[0]

    def pull(self, x: Array, slopes: Array) -> Array:
        A, B = self._split(x)
        _, D = self._rows(x)
        m = self.stages
        found = np.zeros((len(slopes), self.size), dtype=x.dtype)
        by_row = slopes[:, m, :m]  # by row i + 1 of K, all later rows included
        by_D = np.zeros((len(slopes), m), dtype=x.dtype)
        for i in range(m - 1, -1, -1):
            found[:, m - 1 + i] = by_row @ D[i]
            by_D = by_D + B[i] * by_row
            if i:
                found[:, i - 1] = by_D @ D[i - 1]
                by_D = A[i] * by_D
            by_row = by_row + slopes[:, i, :m]
        return found

    def start(self, random: np.random.Generator) -> Array:
        m = self.stages
        A = -random.random(m - 1) * np.where(random.random(m - 1) < 0.8, 1, 4)
        return np.concatenate([A, (0.5 + random.random(m)) / m * 1.5])
