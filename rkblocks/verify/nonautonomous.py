"""The order for residuals with time, F(x, t), where the declared c is not the row sums of A.

With time as a component of its own, t' = 1, the value of a stage there is ``t + c_i dt``.  Its trees have leaves of a
second kind, derivatives of F with respect to t, that give their parent c where a leaf gives it the row sums of A; right
sides are those of the trees without the colour (Oliver 1975; Hairer, Norsett & Wanner 1993, section II.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import factorial

from rkblocks.exact.field import Element
from rkblocks.exact.work import TooLarge, spend
from rkblocks.forms import Method, Row, Rows
from rkblocks.verify.integral import AlgebraicInteger, Integral, ring
from rkblocks.verify.order import Order, Verdict, magnitude

OVERHEAD = 20
"""Steps of one vector of products beside the products."""


@dataclass(frozen=True)
class _Tree:
    """A tree with leaves of both kinds: what it is as the root (``phi``) over ``denominator ** (nodes - 1)``."""

    text: str
    nodes: int
    gamma: int
    timed: bool
    phi: list[Integral]


@dataclass(frozen=True)
class TimedCondition:
    """The first condition with time that fails: ``tree`` as brackets with ``t`` for a leaf of time, and both sides."""

    tree: str
    order: int
    left: Element
    right: Fraction


@dataclass(frozen=True)
class TimedOrder:
    """The highest order for F(x, t); ``witness`` is None where that is the order for F(x).

    Where the budget ended before that, ``value`` is what is proved by then, and ``most`` is the order for F(x).
    """

    value: int
    verdict: Verdict
    exact: int
    residual: Element
    witness: TimedCondition | None
    most: int | None = None


def timed_order(method: Method, c: Row, plain: Order, tolerance: Fraction = Fraction(0)) -> TimedOrder:
    """The order of (A, b, c) for x' = F(x, t), at most that for F(x).

    Args:
        c: the declared abscissae.
        plain: the order of (A, b) for F(x); conditions without time are not looked at again.
        tolerance: bound of the residuals, as in `order.order`.
    """
    field, A, b = method.field, method.A, method.b
    used = reached(A, b)
    if all(field.within(c[i] - sum(A[i], field.zero), tolerance) for i in used):
        return TimedOrder(plain.value, plain.verdict, plain.exact, plain.residual, None)
    needed = Method(field, tuple(tuple(A[i][j] for j in used) for i in used), tuple(b[i] for i in used))
    conditions = _Conditions(needed, tuple(c[i] for i in used))
    exact, value, largest = plain.exact, plain.value, plain.residual
    for n in range(2, plain.value + 1):
        hopeless = tolerance * factorial(n) >= 1
        try:
            found = [(tree, residual) for tree in conditions.timed(n) if (residual := conditions.residual(tree))]
        except TooLarge:
            exact = min(exact, n - 1)
            return TimedOrder(n - 1, _verdict(n - 1, exact), exact, largest, None, plain.value)
        for tree, residual in found:
            exact = min(exact, n - 1)
            size = magnitude(field, residual)
            if size is None or hopeless or not field.within(size, tolerance):
                right = Fraction(1, tree.gamma)
                witness = TimedCondition(tree.text, n, residual + field.rational(right), right)
                return TimedOrder(n - 1, _verdict(n - 1, exact), exact, largest, witness)
            largest = size if field.sign(size - largest) > 0 else largest
    return TimedOrder(value, _verdict(value, exact), exact, largest, None)


def reached(A: Rows, b: Row) -> tuple[int, ...]:
    """The stages on which the result depends, as the table is written: equal ones may be called at different times."""
    used = {i for i, weight in enumerate(b) if weight}
    for i in reversed(range(len(b))):
        if i in used:
            used |= {j for j, entry in enumerate(A[i]) if entry}
    return tuple(sorted(used))


def _verdict(value: int, exact: int) -> Verdict:
    return "none" if value == 0 else "exact" if value == exact else "tolerance"


class _Conditions:
    """The trees with time, from small to large, with their elementary weights over a common denominator."""

    def __init__(self, method: Method, c: Row) -> None:
        field, A, b = method.field, method.A, method.b
        self.ring = ring(field)
        m = len(b)
        (*self._rows, times), self.denominator = self.ring.sparse((*A, c))
        self._b, self._b_denominator = self.ring.clear(b)
        one = [self.ring.one] * m
        leaf = _Tree("[]", 1, 1, False, self._images(one))
        self._children = {
            1: [leaf, _Tree("t", 1, 1, True, [dict(times).get(j, self.ring.zero) for j in range(m)])]
        }  # what each gives to its parent

    def timed(self, n: int) -> list[_Tree]:
        """The trees with n nodes, a leaf of time among them, by text."""
        return sorted((tree for tree in self._trees(n) if tree.timed), key=lambda tree: tree.text)

    def residual(self, tree: _Tree) -> Element:
        """``b . Phi - 1/gamma`` in the field."""
        _charge(self._b, tree.phi)
        left = sum((x * y for x, y in zip(self._b, tree.phi, strict=True) if x and y), self.ring.zero)
        scale = self._b_denominator * self.ring.one
        for _ in range(tree.nodes - 1):
            scale = scale * self.denominator
        return self.ring.element(left * tree.gamma - scale, scale * tree.gamma)

    def _trees(self, n: int) -> Iterator[_Tree]:
        """Yield every tree with n >= 2 nodes once."""
        for children, phi in self._forests(n - 1, n - 1, None):
            gamma = n
            for child in children:
                gamma *= child.gamma
            text = f"[{''.join(sorted(child.text for child in children))}]"
            yield _Tree(text, n, gamma, any(child.timed for child in children), phi)

    def _forests(
        self, total: int, largest: int, phi: list[Integral] | None, start: int = 0
    ) -> Iterator[tuple[tuple[_Tree, ...], list[Integral]]]:
        """Yield the multisets of children with so many nodes, none larger, with the product of what they give."""
        if total == 0:
            assert phi is not None
            yield (), phi
            return
        for size in range(min(total, largest), 0, -1):
            pool = self._pool(size)
            for i in range(start if size == largest else 0, len(pool)):
                child = pool[i]
                if phi is not None:
                    _charge(phi, child.phi)
                both = child.phi if phi is None else [x * y for x, y in zip(phi, child.phi, strict=True)]
                for rest, product in self._forests(total - size, size, both, i):
                    yield (child, *rest), product

    def _pool(self, size: int) -> list[_Tree]:
        if size not in self._children:
            self._children[size] = [
                _Tree(tree.text, size, tree.gamma, tree.timed, self._images(tree.phi)) for tree in self._trees(size)
            ]
        return self._children[size]

    def _images(self, phi: list[Integral]) -> list[Integral]:
        for row in self._rows:
            _charge([a for _, a in row], [phi[j] for j, _ in row])
        return self.ring.product(self._rows, phi)


def _charge(left: list[Integral], right: list[Integral]) -> None:
    """Take products, entry by entry, from the budget: by the lengths that the numbers have."""
    spend(OVERHEAD)
    for x, y in zip(left, right, strict=True):
        if x and y:
            spend(_products(x, y), _bits(x), _bits(y))


def _products(x: Integral, y: Integral) -> int:
    """Products of integers in the product of two elements."""
    if isinstance(x, AlgebraicInteger):
        return 3 if len(x.powers) == 2 else len(x.powers) ** 2
    return 1 if isinstance(x, int) else len(x) * len(y)


def _bits(x: Integral) -> int:
    """The length of the longest integer in an element; 0 for a polynomial in the parameters."""
    if isinstance(x, AlgebraicInteger):
        return max(map(int.bit_length, x.powers))
    return x.bit_length() if isinstance(x, int) else 0
