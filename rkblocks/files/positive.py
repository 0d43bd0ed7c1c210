"""A proof that a polynomial in several parameters has no zero in an open box: its Bernstein coefficients have one sign.

On a box the polynomial is a mean of them, with weights that are positive inside (Lorentz 1953).  Where the signs
differ, the box is halved; a zero inside is never proved away, however small the boxes become, and the budget ends that.
An unbounded domain is mapped onto one of finite length by x = low + t/(1 - t).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from math import factorial
from typing import Any

from rkblocks.exact.field import Element, Field
from rkblocks.exact.work import TooLarge, budget, spend

STEPS = 3_000_000
Ends = tuple[Any, Any]
"""Both ends of an interval, numbers of a field; None for no bound."""
Table = dict[tuple[int, ...], Any]
"""A number for each tuple of exponents, or of places in the grid of Bernstein coefficients."""


def never_zero(terms: Mapping[tuple[int, ...], Element], domain: Sequence[Ends], field: Field) -> bool:
    """Whether the polynomial with these terms is proved to have no zero in the open domain; False proves nothing.

    Args:
        terms: coefficients by exponents, numbers of the field.
        domain: both ends of every variable.
        field: without parameters.
    """
    try:
        with budget(STEPS):
            return _proved(terms, domain, field)
    except TooLarge:
        return False


def _proved(terms: Mapping[tuple[int, ...], Element], domain: Sequence[Ends], field: Field) -> bool:
    zero = field.zero
    table, degrees = dict(terms), [max(exponents[k] for exponents in terms) for k in range(len(domain))]
    for k, (low, high) in enumerate(domain):
        lines = _lines(table, k, degrees[k], zero)
        table = _table({place: _on_unit(line, low, high, field) for place, line in lines.items()}, k)
        degrees[k] = max(place[k] for place in table)
    for k, n in enumerate(degrees):
        lines = _lines(table, k, n, zero)
        table = _table({place: _bernstein(line, field) for place, line in lines.items()}, k)
    wanted, boxes = 0, [(table, ((True, True),) * len(domain), 0)]
    while boxes:
        table, edges, turn = boxes.pop()
        spend(120 * len(table) * 10 ** len(field.roots), max(map(_bits(field), table.values())))
        signs = {place: field.sign(value) for place, value in table.items()}
        found = {s for s in signs.values() if s}
        if len(found) == 1 and all(_faces(signs, degrees, edges)):
            if wanted not in (0, *found):
                return False
            (wanted,) = found
            continue
        if not found or len({signs[c] for c in product(*((0, n) for n in degrees))} - {0}) > 1:
            return False  # it is zero, or has both signs at corners
        k = turn % len(degrees)
        boxes += [(*half, turn + 1) for half in _halves(table, edges, k, degrees[k], field)]
    return True


def _faces(signs: Mapping[tuple[int, ...], int], degrees: Sequence[int], edges: Sequence[tuple[bool, bool]]) -> Any:
    """For every face of the box that lies inside the domain, whether a coefficient on it is not zero."""
    choices = [
        (None, *(end for end, outer in zip((0, n), edge, strict=True) if not outer))
        for n, edge in zip(degrees, edges, strict=True)
    ]
    for fixed in product(*choices):
        on = (s for place, s in signs.items() if all(f is None or f == p for f, p in zip(fixed, place, strict=True)))
        yield any(on)


def _halves(table: Table, edges: Sequence[tuple[bool, bool]], k: int, n: int, field: Field) -> list[tuple[Table, Any]]:
    """Both halves of the box in the k-th variable, by de Casteljau's scheme."""
    left, right, half = {}, {}, field.rational(1, 2)
    for place, line in _lines(table, k, n, field.zero).items():
        first, last = [line[0]], [line[-1]]
        while len(line) > 1:
            line = [(a + b) * half for a, b in pairwise(line)]
            first.append(line[0])
            last.append(line[-1])
        left[place], right[place] = first, last[::-1]
    outer = edges[k]
    return [
        (_table(part, k), (*edges[:k], edge, *edges[k + 1 :]))
        for part, edge in ((left, (outer[0], False)), (right, (False, outer[1])))
    ]


def _lines(table: Table, k: int, n: int, zero: Any) -> dict[tuple[int, ...], list[Any]]:
    """The table as lists along its k-th index, of n + 1 numbers each."""
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, value in table.items():
        found.setdefault((*place[:k], *place[k + 1 :]), [zero] * (n + 1))[place[k]] = value
    return found


def _table(lines: Mapping[tuple[int, ...], Sequence[Any]], k: int) -> Table:
    return {(*place[:k], i, *place[k:]): value for place, line in lines.items() for i, value in enumerate(line)}


def _on_unit(line: Sequence[Element], low: Element | None, high: Element | None, field: Field) -> list[Element]:
    """A polynomial in x in powers of t in (0, 1), times a power of what is positive there."""
    one, zero = field.one, field.zero
    if low is not None and high is not None:
        top, bottom = [low, high - low], [one]
    elif low is not None:
        top, bottom = [low, one - low], [one, -one]  # low + t/(1 - t)
    elif high is not None:
        top, bottom = [high, -one - high], [one, -one]
    else:
        top, bottom = [-one, one + one], [zero, one, -one]  # (2 t - 1)/(t (1 - t))
    n = len(line) - 1
    total = [zero]
    for i, c in enumerate(line):
        power = [c]
        for factor in (*[top] * i, *[bottom] * (n - i)):
            power = _times(power, factor, zero)
        total = [a + b for a, b in zip(_padded(total, len(power), zero), _padded(power, len(total), zero), strict=True)]
    return total


def _times(left: Sequence[Any], right: Sequence[Any], zero: Any) -> list[Any]:
    found = [zero] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            found[i + j] = found[i + j] + a * b
    return found


def _padded(line: list[Any], length: int, zero: Any) -> list[Any]:
    return line + [zero] * (length - len(line))


def _bernstein(line: Sequence[Element], field: Field) -> list[Element]:
    """n! times the coefficients of the Bernstein polynomials on (0, 1), from those of the n + 1 powers."""
    n = len(line) - 1

    def weight(k: int, i: int) -> Element:
        return field.rational(factorial(k) * factorial(n - i) // factorial(k - i))

    return [sum((line[i] * weight(k, i) for i in range(k + 1)), field.zero) for k in range(n + 1)]


def _bits(field: Field) -> Callable[[Element], int]:
    return lambda a: max(max(q.numerator.bit_length(), q.denominator.bit_length()) for q in field.coordinates(a))
