"""The library by its numbers: what a scheme claims as floats, filters, and orders to list it in.

Nothing is decided by these floats, and no sympy is loaded for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt

from rkblocks.files import grammar
from rkblocks.files.expression import EntryError, Expression, Literal, Name, Power, Product, SquareRoot, Sum
from rkblocks.files.library import Entry


def approximate(text: str, values: Mapping[str, float] | None = None) -> float | None:
    """The float near an entry, or near the number whose leading digits are given ("1.508…"); None for no number.

    Args:
        text: an entry in the grammar of the file.
        values: the values of the parameters that may occur in it.
    """
    values = values or {}
    try:
        result = _value(grammar.parse(text.strip().removesuffix("…").removesuffix("..."), values), values)
    except (EntryError, ArithmeticError):
        return None
    return result if isfinite(result) else None


def _value(expression: Expression, values: Mapping[str, float]) -> float:
    match expression:
        case Literal():
            return float(expression.value)
        case Name():
            return values[expression.name]
        case SquareRoot():
            return sqrt(expression.radicand)
        case Sum():
            return sum(s * _value(term, values) for s, term in zip(expression.signs, expression.terms, strict=True))
        case Product():
            product = 1.0
            for divides, factor in zip(expression.divides, expression.factors, strict=True):
                value = _value(factor, values)
                product = product / value if divides else product * value
            return product
        case Power():
            return float(_value(expression.base, values) ** expression.exponent)
    raise TypeError(f"unknown expression {expression}")


@dataclass(frozen=True)
class Ranked:
    """An entry with its claimed numbers, None where there is no claim; of a family those at its initial values."""

    entry: Entry
    order: int | None
    C: float | None
    rho: float | None
    growth: float | None

    @property
    def per_stage(self) -> float | None:
        """C over the stages of the table: what one call of F buys."""
        return None if self.C is None or not self.entry.stages else self.C / self.entry.stages


KEYS: dict[str, Callable[[Ranked], str | float | None]] = {
    "name": lambda r: r.entry.name,
    "stages": lambda r: r.entry.stages,
    "order": lambda r: r.order,
    "C": lambda r: r.C,
    "C/stages": lambda r: r.per_stage,
    "rho": lambda r: r.rho,
    "growth": lambda r: r.growth,
}
"""What the library can be sorted by."""


def ranked(entry: Entry) -> Ranked:
    """The entry with its claims as numbers."""
    start = {name: approximate(init) for name, init in entry.parameters.items()}
    values = {name: value for name, value in start.items() if value is not None}
    order = entry.claims.get("order")

    def number(key: str) -> float | None:
        claim = entry.claims.get(key)
        return None if claim is None else approximate(str(claim), values)

    return Ranked(entry, order if isinstance(order, int) else None, number("ssp"), number("rho"), number("variance"))


@dataclass(frozen=True)
class Range:
    """The integers from low to high, None for no bound."""

    low: int
    high: int | None

    def __contains__(self, value: int) -> bool:
        return self.low <= value and (self.high is None or value <= self.high)


def read_range(text: str) -> Range:
    """The range "3", "3+" or "3-5".  ValueError for anything else."""
    match = re.fullmatch(r"([0-9]{1,4})(\+|-([0-9]{1,4}))?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no number N, N+ or N-M")
    low = int(match[1])
    high = low if match[2] is None else None if match[2] == "+" else int(match[3])
    if high is not None and high < low:
        raise ValueError(f"{text!r} holds no number: write {high}-{low}")
    return Range(low, high)


def chosen(
    rows: Iterable[Ranked],
    *,
    order: Range | None = None,
    stages: Range | None = None,
    ssp: bool = False,
    family: bool = False,
) -> tuple[Ranked, ...]:
    """The rows that fit all filters: claimed order and stages in a range, a claimed C > 0, parameters."""
    return tuple(
        r
        for r in rows
        if (order is None or (r.order is not None and r.order in order))
        and (stages is None or r.entry.stages in stages)
        and (not ssp or (r.C is not None and r.C > 0))
        and (not family or r.entry.parameters)
    )


def unclaimed(
    rows: Iterable[Ranked], *, order: Range | None = None, stages: Range | None = None, ssp: bool = False
) -> tuple[Ranked, ...]:
    """The families that these filters leave out for want of a claim: what they have depends on their parameters."""
    return tuple(
        r
        for r in rows
        if r.entry.parameters
        and (stages is None or r.entry.stages in stages)
        and (order is None or r.order is None or r.order in order)
        and ((order is not None and r.order is None) or (ssp and r.C is None))
    )


def arranged(rows: Iterable[Ranked], key: str = "name", *, reverse: bool = False) -> tuple[Ranked, ...]:
    """The rows sorted by one of KEYS, equal ones by name; rows without that number come last either way."""
    value = KEYS[key]
    named = sorted(rows, key=lambda r: r.entry.name)
    known = [r for r in named if value(r) is not None]
    known.sort(key=value, reverse=reverse)  # type: ignore[arg-type]  # one kind for each key; stable in reverse too
    return (*known, *(r for r in named if value(r) is None))
