"""Entries as floats, for sorting and for tables: no sympy is loaded, and nothing is decided by the result."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, sqrt

from rkblocks.files import grammar
from rkblocks.files.expression import EntryError, Expression, Literal, Name, Power, Product, SquareRoot, Sum


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
