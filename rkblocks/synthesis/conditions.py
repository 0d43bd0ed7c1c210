"""Order conditions of a method as numbers, with their derivatives, in doubles or in multiprecision.

A method is the square array ``K = [[A, 0], [b, 0]]`` of m + 1 rows, strictly lower triangular.  All functions here work
on arrays of doubles as on arrays of mpmath numbers (dtype object); nothing that they find is believed before `check`
has proved it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rkblocks.verify.trees import LEAF, Tree, gamma, nodes, sigma, trees

Array = np.ndarray[Any, Any]


class TreeWeights:
    """The elementary weights ``b . Phi(t)`` of given trees, and their derivatives by the entries of K.

    Sub-trees are shared: ``Phi(t)`` is the product over the children c of t of ``A Phi(c)`` (Butcher 1963).
    """

    def __init__(self, wanted: tuple[Tree, ...]) -> None:
        found: set[Tree] = set()
        for tree in wanted:
            _collect(tree, found)
        self.wanted = wanted
        self._sub = sorted(found, key=nodes)
        self._place = {tree: i for i, tree in enumerate(self._sub)}

    def __call__(self, K: Array) -> tuple[Array, Array]:
        """The weights, shape [n], and their derivatives by K, shape [n, m + 1, m + 1]."""
        A, b = K[:-1, :-1], K[-1, :-1]
        phi: list[Array] = []
        above: list[Array] = []  # A Phi
        for tree in self._sub:
            value = np.ones(len(b), dtype=K.dtype)
            for child in tree:
                value = value * above[self._place[child]]
            phi.append(value)
            above.append(A @ value)
        weights = np.array([b @ phi[self._place[tree]] for tree in self.wanted], dtype=K.dtype)
        slopes = np.zeros((len(self.wanted), *K.shape), dtype=K.dtype)
        for slope, tree in zip(slopes, self.wanted, strict=True):
            slope[-1, :-1] = phi[self._place[tree]]
            self._descend(self._place[tree], b, A, phi, above, slope[:-1, :-1])
        return weights, slopes

    def _descend(self, top: int, b: Array, A: Array, phi: list[Array], above: list[Array], slope: Array) -> None:
        """Add the derivative by A, from the root of the tree to its leaves."""
        open_: dict[int, Array] = {top: b}
        for place in range(top, -1, -1):  # a sub-tree stands before whatever holds it
            if place not in open_:
                continue
            outer, children = open_.pop(place), self._sub[place]
            for k, child in enumerate(children):
                inner = self._place[child]
                share = outer
                for other in children[:k] + children[k + 1 :]:
                    share = share * above[self._place[other]]
                slope += share[:, None] * phi[inner]
                passed = A.T @ share
                open_[inner] = open_[inner] + passed if inner in open_ else passed


def _collect(tree: Tree, found: set[Tree]) -> None:
    found.add(tree)
    for child in tree:
        _collect(child, found)


class OrderConditions:
    """``gamma(t) b . Phi(t) - 1`` over the trees t with at most ``order`` nodes, zero for a method of that order."""

    def __init__(self, order: int) -> None:
        chosen = tuple(tree for n in range(1, order + 1) for tree in trees(n))
        self._weights = TreeWeights(chosen)
        self._gamma = np.array([gamma(tree) for tree in chosen])

    def __call__(self, K: Array) -> tuple[Array, Array]:
        """Residuals, shape [n], and their derivatives by K, shape [n, m + 1, m + 1]."""
        weights, slopes = self._weights(K)
        return self._gamma * weights - 1, self._gamma[:, None, None] * slopes


class PrincipalError:
    """The square of the principal error norm (Prince & Dormand 1981) of a method of order p, as in `check`."""

    def __init__(self, order: int) -> None:
        chosen = trees(order + 1)
        self._weights = TreeWeights(chosen)
        self._right = [(gamma(tree), sigma(tree)) for tree in chosen]

    def __call__(self, K: Array) -> tuple[Array, Array]:
        """Value and derivative, shapes [1] and [1, m + 1, m + 1]."""
        weights, slopes = self._weights(K)
        one = weights[0] * 0 + 1
        terms = np.array([(w - one / g) / s for w, (g, s) in zip(weights, self._right, strict=True)], dtype=K.dtype)
        factors = np.array([2 * t / s for t, (_, s) in zip(terms, self._right, strict=True)], dtype=K.dtype)
        return np.array([terms @ terms], dtype=K.dtype), np.tensordot(factors, slopes, 1)[None]


class StabilityCoefficients:
    """The coefficients of ``z**k`` of the stability polynomial for k in ``powers``: weights of the tall trees."""

    def __init__(self, powers: range) -> None:
        tall: list[Tree] = [LEAF]
        while len(tall) < max(powers, default=1):
            tall.append((tall[-1],))
        self._weights = TreeWeights(tuple(tall[k - 1] for k in powers))

    def __call__(self, K: Array) -> tuple[Array, Array]:
        """Values and derivatives, shapes [n] and [n, m + 1, m + 1]."""
        return self._weights(K)
