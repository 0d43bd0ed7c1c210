"""What one step of a block promises: that differences of two inputs do not grow, and up to which step size.

The premise is a property of F: x -> x + h F(x) does not expand in a norm for 0 <= h <= h0.  A residual states it with a
method

    def nonexpansive_step(self, norm: str) -> float | Fraction | None

that returns h0 for "l2", "linf" or "l1", and None where nothing is proved.  Then a step of length dt does not expand
while dt <= C h0 in any norm, and while dt <= rho h0 in the Euclidean one (`rkblocks.verify.contractivity`).  What
states nothing has no guarantee.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from torch import nn

from rkblocks.blocks.block_step import Step
from rkblocks.diagnostics import fail
from rkblocks.exact.roots import Root
from rkblocks.exact.work import TooLarge
from rkblocks.program.driver import fixed
from rkblocks.program.step_source import STEP_DOMAIN
from rkblocks.tableau import Tableau
from rkblocks.verify.facts import Facts
from rkblocks.verify.narrow import SHRUNK, narrowed

NORMS = ("l2", "linf", "l1")


@dataclass(frozen=True)
class Guarantee:
    """The guarantee of one block in one norm: a step of ``step`` does not expand differences if it ``holds``.

    ``limit`` is the longest step that is proved not to, rounded down; ``reason`` says why there is none, or why the
    step is above it.  Exact comparisons decide.
    """

    norm: str
    scheme: str
    step: float
    limit: float
    holds: bool
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The guarantee as JSON values."""
        return {"scheme": self.scheme, "step": self.step, "limit": self.limit, "holds": self.holds} | (
            {"reason": self.reason} if self.reason else {}
        )


def guarantee(step: Step, residual: nn.Module, coefficients: Mapping[str, Fraction], norm: str) -> Guarantee:
    """The guarantee of a step around a residual, with the values of its learned coefficients, and of a learned dt.

    Raises:
        RkblocksError: RK554 for another norm, RK555 for a residual whose statement is no step length.
    """
    if norm not in NORMS:
        fail("RK554", f"the norm is {norm!r}, expected one of {', '.join(NORMS)}", help='block.guarantee("l2")')
    values = dict(coefficients)
    length = values.pop(STEP_DOMAIN) if step.learn_dt else step.dt
    name = step.tableau.name

    def none(reason: str) -> Guarantee:
        return Guarantee(norm, name, float(length), 0.0, False, reason)

    if step.staged:
        return none("batch norm keeps statistics for each stage, so that F is another function at each of them")
    h0 = stated_step(residual, norm)
    if h0 is None:
        return none(f"{type(residual).__name__} states no step for which it does not expand in {norm}")
    letter = "rho" if norm == "l2" else "C"
    coefficient = _coefficient(step.tableau, tuple(values.items()), norm == "l2")
    if coefficient is None:
        return none(f"the {letter} of {name} was not found: its numbers are too large")
    limit = _below(coefficient, h0)
    if coefficient.fraction == 0:
        return none(f"{letter} of {name} is 0: no step is proved not to expand")
    holds = coefficient.compare(length / h0) >= 0
    why = "" if holds else f"the step {float(length):.6g} is above {letter} h0 = {limit:.6g}"
    return Guarantee(norm, name, float(length), limit, holds, why)


def stated_step(residual: nn.Module, norm: str) -> Fraction | None:
    """h0 as the residual states it; None where it states nothing, or that nothing is proved in this norm.

    Raises:
        RkblocksError: RK555 where it is no positive number.
    """
    method = getattr(residual, "nonexpansive_step", None)
    found = None if method is None else method(norm)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float | Fraction) or not 0 < found < math.inf:
        kind = type(residual).__name__
        message = f"nonexpansive_step({norm!r}) of {kind} returned {found!r}, expected a positive number or None"
        fail("RK555", message, help="return h0, the longest step for which x + h F(x) is proved not to expand")
    return Fraction(found)


def largest_step(tableau: Tableau, norm: str = "l2", h0: Fraction = Fraction(1)) -> Fraction:
    """The longest step that is proved not to expand at the start of a scheme, 0 for none; a double, rounded down."""
    coefficient = _coefficient(tableau, (), norm == "l2")
    return Fraction(0) if coefficient is None else Fraction(_below(coefficient, h0))


def kept_within(
    tableau: Tableau, residual: nn.Module, dt: Fraction, norm: str, learn_dt: bool
) -> tuple[Tableau, Fraction | None]:
    """The scheme with learned coefficients that cannot leave the guarantee, and the upper end of a learned dt.

    A learned coefficient stays where the longest step is guaranteed that dt can reach; a learned dt reaches the largest
    one of the scheme, or half of the way to it where coefficients are learned as well.

    Raises:
        RkblocksError: RK553 where the step is not guaranteed at the start of training, RK554, RK555.
    """
    if norm not in NORMS:
        fail("RK554", f"the norm is {norm!r}, expected one of {', '.join(NORMS)}", help='guaranteed="l2"')
    h0 = stated_step(residual, norm)
    if h0 is None:
        kind = type(residual).__name__
        fail("RK553", f"{kind} states no step for which it does not expand in {norm}", help=_STATE)
    limit = largest_step(tableau, norm, h0)
    letter = "rho" if norm == "l2" else "C"
    over = dt >= limit if learn_dt else dt > limit
    if over:
        found = f"{letter} of {tableau.name} is 0" if not limit else f"{letter} h0 = {float(limit):.6g}"
        help = "choose a scheme with a coefficient, rkblocks list --sort rho --reverse" if not limit else "a shorter dt"
        fail("RK553", f"a step of {float(dt):.6g} is not guaranteed in {norm}: {found}", help=help)
    learned = [p for p in Facts(tableau).effective if p.learnable]
    if not learned:
        return tableau, max(limit * (1 - SHRUNK), (dt + limit) / 2) if learn_dt else None
    reach = (dt + limit) / 2 if learn_dt else dt
    found_tableau = narrowed(tableau, reach / h0, euclidean=norm == "l2")
    if found_tableau is None:
        message = (
            f"no interval is known in which a step of {float(reach):.6g} of {tableau.name} is guaranteed in {norm}"
        )
        fail("RK553", message, help="a shorter dt, another start of the coefficient, or a scheme without parameters")
    return found_tableau, max(reach * (1 - SHRUNK), (dt + reach) / 2) if learn_dt else None


_STATE = "give it a method nonexpansive_step(norm) that returns h0, or use rkblocks.nets.ConvexPotential"


@lru_cache(maxsize=1024)
def _coefficient(tableau: Tableau, values: tuple[tuple[str, Fraction], ...], euclidean: bool) -> Root | None:
    family = fixed(tableau)
    facts = Facts(family.at(family.initial() | dict(values)) if family.parameters else family)
    if euclidean:
        found = facts.contractivity
        if isinstance(found, TooLarge):
            return None if found.low is None else Root.rational(found.low)
        return None if found is None else found.root
    if facts.bracket is not None:
        return Root.rational(facts.bracket[0])
    return None if facts.optimal is None else facts.optimal.root


def _below(coefficient: Root, h0: Fraction) -> float:
    """coefficient h0 as a double, rounded down."""
    tight = coefficient.refine(80)
    value = float(tight.low * h0)
    return value if Fraction(value) <= tight.low * h0 else math.nextafter(value, 0.0)
