"""Zeros of a polynomial in several parameters at which it keeps its sign, as (a - 1/2)**2 + (b - 1/2)**2 does.

Such zeros are singular: projected on one parameter they are roots of the discriminants in the others, one after the
other, or lie above a whole interval of it.  At every rational root, and at a point between any two, the polynomial has
one parameter less, until Sturm's theorem decides; a zero with irrational coordinates may be missed here, and is then
met by whoever computes with the family there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from sympy import Poly, Rational, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact import integers
from rkblocks.exact.roots import Root, all_roots
from rkblocks.exact.work import TooLarge, budget

Domain = Mapping[str, tuple[Fraction | None, Fraction | None]]
"""An open interval of every parameter, None for no bound."""

MOST_DEGREE = {2: 16, 3: 6, 4: 4}
"""Largest total degree that is looked at, by the number of parameters."""
STEPS = 1_000_000


def vanishes(poly: Poly, domain: Domain) -> bool:
    """Whether a rational polynomial is shown to vanish in the open domain of its variables; False proves nothing."""
    try:
        with budget(STEPS):
            return _vanishes(poly, list(domain), domain)
    except TooLarge:
        return False


def _vanishes(poly: Poly, names: Sequence[str], domain: Domain) -> bool:
    names = [name for name in names if poly.has(Symbol(name))]
    if poly.is_zero or not names:
        return bool(poly.is_zero)
    first, *rest = names
    if not rest:
        return bool(_inside(_integers(poly, first), *domain[first]))
    if poly.total_degree() > MOST_DEGREE.get(len(names), 0):
        return False
    shadow = poly.as_expr()
    for name in reversed(rest):
        shadow = _shadow(Poly(shadow, Symbol(name)))
    low, high = domain[first]
    roots = _inside(_integers(Poly(shadow, Symbol(first), domain=QQ), first), low, high)
    for at in _points(roots, low, high):
        member = poly.as_expr().subs(Symbol(first), Rational(at.numerator, at.denominator))
        if member == 0 or _vanishes(Poly(member, *map(Symbol, rest), domain=QQ), rest, domain):
            return True
    return False


def _shadow(poly: Poly) -> object:
    """What vanishes where two roots in the one variable meet; the polynomial's factors without it are kept."""
    content, part = poly.primitive()
    part = part.sqf_part()
    return content if part.degree() < 1 else content * (part.discriminant() if part.degree() > 1 else part.LC())


def _integers(poly: Poly, name: str) -> tuple[int, ...]:
    """A univariate polynomial, constant term first, scaled to integers."""
    _, cleared = Poly(poly.as_expr(), Symbol(name), domain=QQ).clear_denoms(convert=True)
    return tuple(int(c) for c in reversed(cleared.all_coeffs()))


def _inside(polynomial: Sequence[int], low: Fraction | None, high: Fraction | None) -> list[Root]:
    """The real roots in an open interval, ascending."""
    if len(polynomial) < 2:
        return []
    found: list[Root] = []
    for root in (r for factor in integers.factors(polynomial) for r in all_roots(factor)):
        if (low is None or root.compare(low) > 0) and (high is None or root.compare(high) < 0):
            found.insert(next((k for k, other in enumerate(found) if root.compare(other) < 0), len(found)), root)
    return found


def _points(roots: Sequence[Root], low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """The rational roots, and one point of every interval between roots and ends."""
    found = [r.fraction for r in roots if r.fraction is not None]
    if not roots and (low is None or high is None):
        start = (low or high or Fraction(0)) + (1 if low is not None else -1 if high is not None else 0)
        return [start]
    ends: list[tuple[Fraction, Fraction]] = [(e, e) for e in [low] if e is not None]
    bits = 16
    while any(a.refine(bits).high >= b.refine(bits).low for a, b in pairwise(roots)):
        bits *= 2
    ends += [(r.refine(bits).low, r.refine(bits).high) for r in roots]
    ends += [(e, e) for e in [high] if e is not None]
    found += [(a[1] + b[0]) / 2 for a, b in pairwise(ends)]
    if low is None:
        found.append(ends[0][0] - 1)
    if high is None:
        found.append(ends[-1][1] + 1)
    return found
