"""Learnable coefficients inside their open domains: the smooth map from the stored raw value, its inverse, its source.

two bounds   value = low + (high - low) sigmoid(raw)
low only     value = low + softplus(raw)
high only    value = high - softplus(raw)
none         value = raw
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.exact.field import Element, Field
from rkblocks.tableau import Parameter


@dataclass(frozen=True)
class Domain:
    """The open interval (low, high) of a learnable coefficient, None for no bound, and its start inside."""

    low: Fraction | None
    high: Fraction | None
    init: Fraction

    def __post_init__(self) -> None:
        if not ((self.low is None or self.low < self.init) and (self.high is None or self.init < self.high)):
            raise ValueError(f"the start {self.init} lies outside the domain ({self.low}, {self.high})")

    @property
    def raw(self) -> float:
        """The raw value at which the coefficient starts; accurate even where the start is close to a bound."""
        if self.low is not None and self.high is not None:
            return _log((self.init - self.low) / (self.high - self.init))
        if self.low is not None:
            return _inverse_softplus(self.init - self.low)
        if self.high is not None:
            return _inverse_softplus(self.high - self.init)
        return float(self.init)

    def value(self, raw: float) -> float:
        """The coefficient, in double precision."""
        if self.low is not None and self.high is not None:
            return float(self.low) + float(self.high - self.low) * _sigmoid(raw)
        if self.low is not None:
            return float(self.low) + _softplus(raw)
        if self.high is not None:
            return float(self.high) - _softplus(raw)
        return raw

    def source(self, raw: str) -> str:
        """The coefficient as a torch expression in ``raw``."""
        if self.low is not None and self.high is not None:
            width = self.high - self.low
            part = f"torch.sigmoid({raw})" if width == 1 else f"{float(width)!r} * torch.sigmoid({raw})"
            return f"{float(self.low)!r} + {part}" if self.low else part
        if self.low is not None:
            part = f"nn.functional.softplus({raw})"
            return f"{float(self.low)!r} + {part}" if self.low else part
        if self.high is not None:
            return f"{float(self.high)!r} - nn.functional.softplus({raw})"
        return raw

    def text(self) -> str:
        """The interval, for people."""
        return f"({'-oo' if self.low is None else self.low}, {'oo' if self.high is None else self.high})"


def domain(field: Field, parameter: Parameter) -> Domain:
    """The domain of a parameter of ``field``; an irrational number in it is taken to 256 bits."""
    return Domain(
        None if parameter.low is None else _fraction(field.constants, parameter.low),
        None if parameter.high is None else _fraction(field.constants, parameter.high),
        _fraction(field.constants, parameter.init),
    )


def _fraction(constants: Field, number: Element) -> Fraction:
    low, high = constants.enclose(number, 256)
    return (low + high) / 2


def _log(ratio: Fraction) -> float:
    """The logarithm of a positive rational, without cancellation near one and without overflow."""
    if Fraction(1, 2) < ratio < 2:
        return math.log1p(float(ratio - 1))
    return math.log(ratio.numerator) - math.log(ratio.denominator)


def _inverse_softplus(value: Fraction) -> float:
    """log(exp(value) - 1)."""
    v = float(value)
    return math.log(math.expm1(v)) if v < 30 else v + math.log1p(-math.exp(-v))


def _sigmoid(raw: float) -> float:
    return 1 / (1 + math.exp(-raw)) if raw >= 0 else math.exp(raw) / (1 + math.exp(raw))


def _softplus(raw: float) -> float:
    return max(raw, 0.0) + math.log1p(math.exp(-abs(raw)))
