"""Order of a Runge-Kutta method: every order condition, exactly, from memoised elementary weights.

The method (A, b) has order p exactly if ``b . Phi(t) = 1/gamma(t)`` for all rooted trees t with at most p nodes, where
``Phi([]) = e`` and ``Phi([t1 ... tk]) = (A Phi(t1)) * ... * (A Phi(tk))`` entry by entry (Butcher 1963; Hairer, Norsett
& Wanner 1993, theorem II.2.13).  A tree shares its sub-trees and the product over all children but the last with
smaller trees, so each costs one entrywise product, and one product with A the first time it is a child.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import factorial, lcm
from operator import mul
from typing import Literal, NamedTuple

from rkblocks.exact.field import Element, Field
from rkblocks.exact.work import spend
from rkblocks.forms import Method, Row, Rows
from rkblocks.verify import trees
from rkblocks.verify.integral import Integral, Sparse, ring
from rkblocks.verify.trees import Tree

Verdict = Literal["exact", "tolerance", "none"]


@dataclass(frozen=True)
class Condition:
    """The order condition of one tree: ``left`` = b . Phi(t) against ``right`` = 1/gamma(t)."""

    tree: Tree
    left: Element
    right: Fraction


@dataclass(frozen=True)
class Order:
    """The highest order ``value`` that holds, with its verdict and the first condition of the next order that fails.

    ``residual`` is the largest |left - right| over the conditions up to ``value`` (of order one where none holds), an
    element of the field; ``exact`` the highest order that holds without any tolerance.
    """

    value: int
    verdict: Verdict
    exact: int
    residual: Element
    witness: Condition


class Vector(NamedTuple):
    """Stages' numbers over one denominator, which is an int, or a polynomial in the parameters of a family."""

    entries: list[Integral]
    denominator: Integral


class ElementaryWeights:
    """``Phi(t)`` of every tree for one matrix A, from products with A that are kept in lowest terms.

    A method of high order has small denominators in ``A Phi(t)`` where they are powers of c, whatever those of A are.
    """

    def __init__(self, field: Field, A: Rows) -> None:
        self.field = field
        self.ring = ring(field)
        self.stages = len(A)
        self._rows, self.denominator = self.ring.sparse(A)
        self._columns: Sparse = [[] for _ in A]
        for i, row in enumerate(self._rows):
            for j, a in row:
                self._columns[j].append((i, a))
        self._phi: dict[Tree, Vector] = {trees.LEAF: Vector([self.ring.one] * self.stages, self.ring.unit)}
        self._child: dict[Tree, Vector] = {}

    def phi(self, tree: Tree) -> Vector:
        """``Phi(tree)``, m entries."""
        known = self._phi.get(tree)
        if known is None:
            last = self.a_phi(tree[-1])
            known = times(self.phi(tree[:-1]), last) if tree[:-1] else last
            self._phi[tree] = known
        return known

    def a_phi(self, tree: Tree) -> Vector:
        """``A Phi(tree)``, m entries."""
        known = self._child.get(tree)
        if known is None:
            known = self._product(self._rows, self.phi(tree))
            self._child[tree] = known
        return known

    def transposed(self, x: Vector) -> Vector:
        """``x A`` of a row of m entries."""
        return self._product(self._columns, x)

    def _product(self, lines: Sparse, x: Vector) -> Vector:
        found = self.ring.product(lines, x.entries)
        return Vector(*self.ring.reduced(found, x.denominator * self.denominator))


def times(left: Vector, right: Vector) -> Vector:
    """The product entry by entry."""
    entries = [x * y for x, y in zip(left.entries, right.entries, strict=True)]
    return Vector(entries, left.denominator * right.denominator)


class Conditions:
    """The order conditions of one method (A, b), as integral numerators over the denominators that they have.

    ``b . Phi(t)`` is the product of ``Phi`` of a sub-tree with what the rest of the tree makes of b, its root part:
    cut near the middle, where there are few of both, so that long numbers go through A a few times only.
    """

    def __init__(self, weights: ElementaryWeights, b: Row) -> None:
        self.weights = weights
        self.ring = weights.ring
        self._roots: dict[tuple[Tree, ...], Vector] = {(): Vector(*self.ring.reduced(*self.ring.clear(b)))}

    def halves(self, tree: Tree) -> tuple[Vector, Vector]:
        """Two vectors with the product ``b . Phi(tree)``."""
        path, rest = trees.cut(tree)
        return self._root(path), self.weights.phi(rest)

    def _root(self, path: tuple[Tree, ...]) -> Vector:
        known = self._roots.get(path)
        if known is None:
            known = self.weights.transposed(times(self._root(path[:-1]), self.weights.phi(path[-1])))
            self._roots[path] = known
        return known

    def left(self, tree: Tree) -> tuple[Integral, Integral]:
        """``b . Phi(tree)`` as numerator and denominator."""
        root, phi = self.halves(tree)
        return sum(map(mul, root.entries, phi.entries), self.ring.zero), root.denominator * phi.denominator

    def defect(self, tree: Tree) -> tuple[Integral, Integral]:
        """``gamma(t) (b . Phi(t) - 1/gamma(t))`` as numerator and denominator: zero exactly if the condition holds."""
        numerator, denominator = self.left(tree)
        return numerator * trees.gamma(tree) - denominator, denominator

    def residual(self, tree: Tree) -> Element:
        """``b . Phi(t) - 1/gamma(t)`` in the field."""
        numerator, denominator = self.defect(tree)
        return self.ring.element(numerator, denominator * trees.gamma(tree))

    def condition(self, tree: Tree) -> Condition:
        """The condition with both sides in the field."""
        return Condition(tree, self.ring.element(*self.left(tree)), Fraction(1, trees.gamma(tree)))

    def failing(self, n: int) -> Iterator[Tree]:
        """Yield the trees with n nodes whose condition does not hold exactly, in the order of their text."""
        return (tree for tree in trees.trees(n) if self.defect(tree)[0])

    @cached_property
    def exact(self) -> int:
        """The highest order that holds exactly (identically in the parameters of a family)."""
        n = 1
        while next(self.failing(n), None) is None:  # ends: at most m, since A**m = 0 in the tall tree
            n += 1
        return n - 1


def order(method: Method, tolerance: Fraction = Fraction(0)) -> Order:
    """The highest order that an explicit method (A, b) has, found without any claim.

    Args:
        field: the field of the entries; conditions of a family hold where they are identities in the parameters.
        A: m rows of m entries, strictly lower triangular.
        b: m weights.
        tolerance: bound for |b . Phi(t) - 1/gamma(t)| in a table of decimals; 0 asks for equality.  An order n whose
            smallest right side 1/n! is not larger than the tolerance is never granted, since zero would pass.

    Reference: Butcher 1963, J. Austral. Math. Soc. 3, 185-201.
    """
    field, A, b = method.field, method.A, method.b
    return order_of(Conditions(ElementaryWeights(field, A), b), tolerance)


def order_of(conditions: Conditions, tolerance: Fraction = Fraction(0)) -> Order:
    """As `order`, from conditions whose elementary weights may be shared between b and b_hat."""
    field = conditions.weights.field
    exact = conditions.exact
    value, largest = exact, field.zero
    for n in range(exact + 1, conditions.weights.stages + 2):
        outside, worst = _outside(conditions, n, tolerance, largest)
        if outside is None:
            value, largest = n, worst
            continue
        verdict: Verdict = "none" if value == 0 else "exact" if value == exact else "tolerance"
        witness = conditions.condition(outside)
        if value == 0:
            size = magnitude(field, conditions.residual(outside))
            largest = conditions.residual(outside) if size is None else size
        return Order(value, verdict, exact, largest, witness)
    raise ValueError(
        "the tall tree with m + 1 nodes fails for every explicit method: A is not strictly lower triangular"
    )


def loosened(order: Order, field: Field, defect: Element) -> Order:
    """The order of a table that holds within the tolerance only, since a ``defect`` > 0 of another kind is in it."""
    if order.value == 0:
        return order
    larger = field.sign(defect - order.residual) > 0
    return replace(order, verdict="tolerance", exact=0, residual=defect if larger else order.residual)


def _outside(conditions: Conditions, n: int, tolerance: Fraction, largest: Element) -> tuple[Tree | None, Element]:
    """The first tree with n nodes whose residual is beyond the tolerance, and the largest residual before it.

    Rational residuals are compared as pairs of integers: reducing each to lowest terms would take most of the time.
    """
    field = conditions.weights.field
    hopeless = tolerance * factorial(n) >= 1
    if not isinstance(conditions.ring.one, int):
        bound, worst = field.rational(tolerance), largest
        for tree in conditions.failing(n):
            size = magnitude(field, conditions.residual(tree))
            if size is None or hopeless or field.sign(size - bound) > 0:
                return tree, worst
            worst = size if field.sign(size - worst) > 0 else worst
        return None, worst
    top, bottom = field.fraction(largest).as_integer_ratio()
    outside = None
    for tree in trees.trees(n):
        numerator, denominator = conditions.defect(tree)
        if not numerator:
            continue
        defect, unit = abs(numerator), denominator * trees.gamma(tree)
        if hopeless or defect * tolerance.denominator > tolerance.numerator * unit:
            outside = tree
            break
        if defect * bottom > top * unit:
            top, bottom = defect, unit
    return outside, field.rational(Fraction(top, bottom))


def magnitude(field: Field, a: Element) -> Element | None:
    """|a|, or None where a parameter occurs in it."""
    if field.free_parameters(a):
        return None
    number = field.number(a)
    return a if field.constants.sign(number) >= 0 else -a


def principal_error(conditions: Conditions, p: int) -> Element:
    """The square of the principal error norm of a method of order p, in the field.

    Sum over the trees t with p + 1 nodes of ``((b . Phi(t) - 1/gamma(t)) / sigma(t))**2`` (Prince & Dormand 1981).
    """
    pool, ring = trees.trees(p + 1), conditions.ring
    products = (4 ** len(ring.field.roots)) * conditions.weights.stages
    common = lcm(*(trees.gamma(t) * trees.sigma(t) for t in pool))
    squares: dict[Integral, Integral] = {}  # their sums, by denominator
    for t in pool:
        spend(products, *(ring.bits(half.denominator) for half in conditions.halves(t)))
        defect, denominator = conditions.defect(t)
        term = defect * (common // (trees.gamma(t) * trees.sigma(t)))
        spend(products // conditions.weights.stages, bits := ring.bits(denominator), bits)
        squares[denominator] = squares.get(denominator, ring.zero) + term * term
    scale = next(iter(squares)) if ring.field.parameters else lcm(*squares)  # a family has one: none is reduced
    total = sum((square * (scale // unit) ** 2 for unit, square in squares.items()), ring.zero)
    return ring.element(total, scale * scale * (common * common))


def stage_order(method: Method, c: Row, tolerance: Fraction = Fraction(0)) -> int:
    """The largest q with ``sum_j a_ij c_j**(k-1) = c_i**k / k`` in every stage and ``b . c**(k-1) = 1/k``, k = 1..q,
    each within the tolerance."""
    field, A, b = method.field, method.A, method.b
    powers: list[Element] = [field.one] * len(b)
    k = 0
    while True:
        k += 1
        share = field.rational(1, k)
        following = [p * x for p, x in zip(powers, c, strict=True)]
        defects = [_dot(field, row, powers) - n * share for row, n in zip(A, following, strict=True)]
        defects.append(_dot(field, b, powers) - share)
        if tolerance * k >= 1 or not all(field.within(defect, tolerance) for defect in defects):
            return k - 1
        powers = following


def _dot(field: Field, left: Sequence[Element], right: Sequence[Element]) -> Element:
    return sum((x * y for x, y in zip(left, right, strict=True) if x and y), field.zero)
