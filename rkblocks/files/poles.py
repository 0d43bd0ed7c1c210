"""Poles inside the domain of a family: an entry that grows without bound where training may go is refused.

A denominator in one parameter is decided exactly by Sturm's theorem. One in several parameters is refused where it is
shown to vanish: at the initial values, because it takes both signs at points of the (connected) domain, or where it
touches zero (`touching`).  What is neither shown to vanish nor proved not to (`positive`) is in doubt, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkblocks.exact.field import Element, Field
    from rkblocks.tableau import Parameter

_GRID_PARAMETERS = 4
"""With more parameters only the diagonals of the grid are tried."""


def pole(a: Element, field: Field, parameters: Sequence[Parameter]) -> str:
    """The factor of the denominator of `a` that vanishes within the domain, as text; "" where none was found."""
    domain = {p.name: p for p in parameters}
    for factor, element, free in _denominator(a, field, domain):
        if len(free) == 1:
            found = _count_roots(_coefficients(factor, field, free[0]), field.constants, domain[free[0]]) > 0
        else:
            occurring = [domain[name] for name in free]
            found = _changes_sign(element, field, occurring) or _touches_zero(factor, field, occurring)
        if found:
            return field.text(element)
    return ""


def doubt(a: Element, field: Field, parameters: Sequence[Parameter], known: dict[str, bool]) -> str:
    """A factor of the denominator of `a` that was not decided, as text; "" where each is proved not to vanish.

    ``known`` keeps what was found of a factor: entries share their denominators. Each is named once.
    """
    domain = {p.name: p for p in parameters}
    for factor, element, free in _denominator(a, field, domain):
        if len(free) < 2:
            continue
        from rkblocks.files.positive import never_zero

        places = [field.parameters.index(name) for name in free]
        terms = {tuple(monomial[k] for k in places): c for monomial, c in factor.terms()}
        ends = [(domain[name].low, domain[name].high) for name in free]
        text = str(factor)
        if text not in known:
            known[text] = never_zero(terms, ends, field.constants)
            if not known[text]:
                return field.text(element)
    return ""


def _denominator(a: Element, field: Field, domain: Mapping[str, Parameter]) -> Iterator[tuple[Any, Element, list[str]]]:
    """Each factor of the denominator of `a` in parameters of the domain alone, as polynomial and as element, with their
    names: irreducible over the rationals; beside square roots the whole (factoring there takes too long).
    """
    if field.is_constant or a.denom.is_ground:
        return
    for factor in [a.denom] if field.roots else [factor for factor, _ in a.denom.factor_list()[1]]:
        element = field.domain.field.field_new(factor)
        free = list(field.free_parameters(element))
        if all(name in domain for name in free):
            yield factor, element, free


def _coefficients(polynomial: Any, field: Field, name: str) -> list[Element]:
    """Coefficients of a polynomial in one parameter, constant term first, numbers of `field.constants`."""
    place = field.parameters.index(name)
    terms = {monomial[place]: coefficient for monomial, coefficient in polynomial.terms()}
    return [terms.get(k, field.constants.zero) for k in range(max(terms) + 1)]


def _count_roots(polynomial: list[Element], numbers: Field, parameter: Parameter) -> int:
    """Number of distinct roots in the open domain (Sturm). Roots at the end points are divided out before."""
    for end in (parameter.low, parameter.high):
        while end is not None and len(polynomial) > 1 and not _at(polynomial, end, numbers):
            polynomial = _quotient(polynomial, [-end, numbers.one], numbers)
    chain = [polynomial, [k * c for k, c in enumerate(polynomial)][1:]]
    while len(chain[-1]) > 1:
        rest = _remainder(chain[-2], chain[-1], numbers)
        if not rest:
            break
        chain.append([-c for c in rest])
    chain = [p for p in chain if p]

    def variations(end: Element | None, left: bool) -> int:
        if end is not None:
            signs = [numbers.sign(_at(p, end, numbers)) for p in chain]
        else:
            signs = [numbers.sign(p[-1]) * (-1 if left and len(p) % 2 == 0 else 1) for p in chain]
        nonzero = [s for s in signs if s]
        return sum(x != y for x, y in pairwise(nonzero))

    return variations(parameter.low, True) - variations(parameter.high, False)


def _at(polynomial: Sequence[Element], x: Element, numbers: Field) -> Element:
    value = numbers.zero
    for c in reversed(polynomial):
        value = value * x + c
    return value


def _divide(p: Sequence[Element], q: Sequence[Element], numbers: Field) -> tuple[list[Element], list[Element]]:
    """Quotient and remainder, constant terms first, leading zeros removed."""
    rest, quotient = list(p), [numbers.zero] * max(0, len(p) - len(q) + 1)
    while len(rest) >= len(q):
        factor = rest[-1] / q[-1]
        shift = len(rest) - len(q)
        quotient[shift] = factor
        for k, c in enumerate(q):
            rest[shift + k] = rest[shift + k] - factor * c
        rest.pop()
    while rest and not rest[-1]:
        rest.pop()
    return quotient, rest


def _quotient(p: Sequence[Element], q: Sequence[Element], numbers: Field) -> list[Element]:
    return _divide(p, q, numbers)[0]


def _remainder(p: Sequence[Element], q: Sequence[Element], numbers: Field) -> list[Element]:
    return _divide(p, q, numbers)[1]


def _changes_sign(a: Element, field: Field, parameters: Sequence[Parameter]) -> bool:
    """Whether `a` vanishes at the initial values or has both signs on a grid of inner points."""
    signs = set()
    for values in _grid(field.constants, parameters):
        sign = field.constants.sign(field.substitute(a, {**_rest(field, values), **values}))
        if not sign:
            return True
        signs.add(sign)
    return len(signs) > 1


def _touches_zero(polynomial: Any, field: Field, parameters: Sequence[Parameter]) -> bool:
    """Whether a polynomial of one sign is shown to vanish all the same; only rational ones are looked at."""
    numbers = field.constants
    ends = [end for p in parameters for end in (p.low, p.high) if end is not None]
    if field.roots or not all(map(numbers.is_rational, ends)):
        return False
    from sympy import Poly, Symbol

    from rkblocks.files.touching import vanishes

    def end(value: Element | None) -> Fraction | None:
        return None if value is None else numbers.fraction(value)

    domain = {p.name: (end(p.low), end(p.high)) for p in parameters}
    return vanishes(Poly(polynomial.as_expr(), *map(Symbol, domain), domain="QQ"), domain)


def _rest(field: Field, values: Mapping[str, Element]) -> dict[str, Element]:
    """Any value for the parameters that do not occur."""
    return {name: field.constants.one for name in field.parameters if name not in values}


def _grid(numbers: Field, parameters: Sequence[Parameter]) -> Iterator[dict[str, Element]]:
    """The initial values, then combinations of three inner points of every domain."""
    yield {p.name: p.init for p in parameters}
    points = [_inner_points(numbers, p) for p in parameters]
    few = len(points) <= _GRID_PARAMETERS
    for values in product(*points) if few else zip(*points, strict=True):
        yield {p.name: value for p, value in zip(parameters, values, strict=True)}


def _inner_points(numbers: Field, p: Parameter) -> list[Element]:
    """Three points of the open domain, two of them near its ends or far out."""
    if p.low is not None and p.high is not None:
        width = p.high - p.low
        return [p.low + width * numbers.rational(Fraction(k, 97)) for k in (1, 48, 96)]
    far = [Fraction(1, 97), Fraction(1), Fraction(97)]
    if p.low is not None:
        return [p.low + numbers.rational(q) for q in far]
    if p.high is not None:
        return [p.high - numbers.rational(q) for q in far]
    return [numbers.rational(q) for q in (Fraction(-97), Fraction(1, 97), Fraction(97))]
